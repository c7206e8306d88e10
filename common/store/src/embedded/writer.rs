//! The one thread that writes: runs a group's units of work, makes them durable with one sync, tells who waits.

use std::sync::Arc;

use common::Fault;
use fjall::PersistMode;
use tokio::sync::watch;

use super::{
    database::SyncGate,
    failure::{stopped, unavailable},
    job::Job,
    queue::{Queue, Turn},
    transaction::Transaction,
};

/// How the writer fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Working,
    /// Drained, synced and stopped.
    Closed,
    /// A write or sync failed, or the writer died: what is on disk is known only after a restart.
    Failed,
}

pub(super) struct Writer {
    pub(super) database: fjall::Database,
    pub(super) queue: Arc<Queue>,
    pub(super) health: watch::Sender<Health>,
    pub(super) gate: Option<SyncGate>,
    pub(super) transaction: Transaction,
    /// Something was written since the last sync.
    pub(super) unsynced: bool,
}

impl Writer {
    /// Works until the queue is closed and empty, or until the disk fails.
    pub(super) fn run(mut self) {
        let mut group = Vec::new();
        loop {
            let done = match self.queue.take(&mut group) {
                Turn::Group => self.commit(&mut group),
                Turn::Idle => self.look_after(),
                Turn::End => {
                    let last = self.look_after();
                    self.health.send_replace(if last.is_ok() { Health::Closed } else { Health::Failed });
                    return;
                }
            };
            if let Err(fault) = done {
                tracing::error!(%fault, "the embedded store failed; nothing more is written");
                return; // dropping the writer refuses whoever waits
            }
        }
    }

    fn commit(&mut self, group: &mut Vec<Box<dyn Job>>) -> Result<(), Fault> {
        for job in group.iter_mut() {
            match job.run(&mut self.transaction) {
                Ok(()) => self.transaction.keep_unit(),
                Err(_) => self.transaction.discard_unit(),
            }
        }
        let awaited = group.iter().any(|job| job.is_awaited());
        let written = self.write(if awaited { PersistMode::SyncAll } else { PersistMode::Buffer });
        if written.is_ok() {
            self.transaction.run_hooks();
        }
        for job in group.drain(..) {
            job.settle(written.clone());
        }
        written
    }

    fn write(&mut self, mode: PersistMode) -> Result<(), Fault> {
        let mut batch = self.database.batch().durability(Some(mode));
        self.transaction.drain_into(&mut batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.pass_gate(mode)?;
        batch.commit().map_err(|e| unavailable("commit", &e))?;
        self.unsynced = mode == PersistMode::Buffer;
        Ok(())
    }

    /// Syncs what nobody waited for and notices when a background thread of the database has failed.
    fn look_after(&mut self) -> Result<(), Fault> {
        if !self.unsynced {
            return self.persist(PersistMode::Buffer);
        }
        self.pass_gate(PersistMode::SyncAll)?;
        self.persist(PersistMode::SyncAll)?;
        self.unsynced = false;
        Ok(())
    }

    fn persist(&self, mode: PersistMode) -> Result<(), Fault> {
        self.database.persist(mode).map_err(|e| unavailable("sync", &e))
    }

    fn pass_gate(&self, mode: PersistMode) -> Result<(), Fault> {
        let Some(gate) = &self.gate else { return Ok(()) };
        gate(mode).map_err(|e| unavailable("sync", &fjall::Error::Io(e)))
    }
}

impl Drop for Writer {
    /// However the thread ends, by a fault or by a panic in a unit of work: nobody is left waiting.
    fn drop(&mut self) {
        let abandoned = self.queue.abandon();
        self.health.send_if_modified(|health| {
            let failed = *health == Health::Working;
            if failed {
                *health = Health::Failed;
            }
            failed
        });
        for job in abandoned {
            job.settle(Err(stopped()));
        }
    }
}
