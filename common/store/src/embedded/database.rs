//! The process's one database: a handle to the writer, and the keyspaces that readers look into.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use common::Fault;
use fjall::{KeyspaceCreateOptions, PersistMode};
use thiserror::Error;
use tokio::sync::watch;

use super::{
    failure::{self, stopped, unavailable},
    job::{Awaited, Lazy},
    keyspace::Keyspace,
    queue::Queue,
    transaction::Transaction,
    writer::{Health, Writer},
};

/// Blocks kept in memory, shared by all keyspaces. What is hot is in the memtables; this serves lists and restarts.
const CACHE_BYTES: u64 = 4 << 20;
/// A keyspace's writes in memory before they are sorted to a file: a restart reads that much back and keeps it. fjall's
/// own 64 MiB cost hundreds of megabytes, 8 MiB up to 30 MB more after a restart than 4 (docs/measurements.md); with 2
/// flushes and compactions took a sixth of all CPU under load.
const MEMTABLE_BYTES: u64 = 4 << 20;
/// Journals kept until every keyspace has flushed what they hold; a start reads them all. The least fjall allows.
const JOURNALS_BYTES: u64 = 64 << 20;
/// Threads that flush and compact. With more than one, fjall 3.1 keeps one of them for flushes by letting it pass
/// waiting compactions around in a circle: a core spins as long as another compacts.
const WORKERS: usize = 1;

/// Asked before each write to disk and each sync, with what fjall is told to do; an error stands for a sync that
/// failed. A seam for tests.
pub type SyncGate = Arc<dyn Fn(PersistMode) -> io::Result<()> + Send + Sync>;

/// Why a database does not open; each text fits the one line with which the program ends.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("the data folder {} is in use by another process", .0.display())]
    Locked(PathBuf),
    #[error("the data folder {} cannot be opened: {detail}", .path.display())]
    Broken { path: PathBuf, detail: String },
}

/// The one database of a process. Cheap to clone; the folder is free again when the last handle to it, its
/// keyspaces and their views is gone.
///
/// Units of work run one after the other in one thread, which gathers what queued during the previous sync and
/// makes it durable with the next. Readers see a unit of work once it is on disk; what was committed lazily they
/// may see before that, which is safe to act on: whatever is committed later is behind it in the same journal, so
/// that no crash keeps the one without the other.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    database: fjall::Database,
    /// Their place in the writer's overlay, by name.
    slots: Mutex<HashMap<String, usize>>,
    queue: Arc<Queue>,
    health: watch::Receiver<Health>,
    writer: Option<JoinHandle<()>>,
}

impl Database {
    /// Opens the folder, or makes it.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::start(folder, None)
    }

    /// Opens with a gate that may let writes to disk fail.
    pub fn open_gated(folder: &Path, gate: SyncGate) -> Result<Self, OpenError> {
        Self::start(folder, Some(gate))
    }

    fn start(folder: &Path, gate: Option<SyncGate>) -> Result<Self, OpenError> {
        let broken = |detail| OpenError::Broken { path: folder.to_owned(), detail };
        let opened = fjall::Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNALS_BYTES)
            .worker_threads(WORKERS)
            .open();
        let database = opened.map_err(|error| match error {
            fjall::Error::Locked => OpenError::Locked(folder.to_owned()),
            other => broken(failure::text(&other)),
        })?;
        let queue = Arc::new(Queue::new());
        let (sender, health) = watch::channel(Health::Working);
        let writer = Writer {
            database: database.clone(),
            queue: Arc::clone(&queue),
            health: sender,
            gate,
            transaction: Transaction::default(),
            unsynced: false,
        };
        let thread = thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer.run());
        let writer = Some(thread.map_err(|e| broken(e.to_string()))?);
        Ok(Self(Arc::new(Inner { database, slots: Mutex::default(), queue, health, writer })))
    }

    /// Opens the keyspace, or makes it. Names are letters, digits, `_` and `-`. Faults: `unavailable`.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace, Fault> {
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let database = self.0.database.clone();
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let tree = database
            .keyspace(name, options)
            .map_err(|e| unavailable(format_args!("open keyspace {name}"), &e))?;
        let next = slots.len();
        let slot = *slots.entry(name.to_owned()).or_insert(next);
        Ok(Keyspace { slot, tree, database })
    }

    /// Runs the work in the writer's thread and answers once it is on disk.
    ///
    /// The transaction shows every earlier unit of work. This one takes effect as a whole or, when `work` returns a
    /// fault, not at all. `unavailable` when the disk failed: then it may be there after a restart.
    pub async fn commit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Transaction) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (job, answer) = Awaited::new(work);
        self.0.queue.push(Box::new(job)).await?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs the work with a group that comes soon, in order with the others; nobody waits, and it causes no sync of
    /// its own. It may be lost in a crash. A fault of the work is logged. `unavailable` once the database stopped.
    pub fn commit_lazily(
        &self,
        work: impl FnOnce(&mut Transaction) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        self.0.queue.push_lazy(Box::new(Lazy::new(work)))
    }

    /// `unavailable` once the database takes no more writes.
    pub fn check(&self) -> Result<(), Fault> {
        match *self.0.health.borrow() {
            Health::Working => Ok(()),
            Health::Closed | Health::Failed => Err(stopped()),
        }
    }

    /// Returns when the database has failed: nothing more is acknowledged, and the program must end and start anew.
    pub async fn failed(&self) {
        self.reached(|health| health == Health::Failed).await;
    }

    /// Refuses new work, does what is queued, syncs and returns.
    pub async fn close(&self) {
        self.0.queue.close();
        self.reached(|health| health != Health::Working).await;
    }

    async fn reached(&self, wanted: impl Fn(Health) -> bool) {
        let mut health = self.0.health.clone();
        if health.wait_for(|health| wanted(*health)).await.is_err() {
            // The writer ended another way and will never change again.
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("health", &*self.0.health.borrow()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    /// Waits for the writer, so that the folder can be opened again at once.
    fn drop(&mut self) {
        self.queue.close();
        let writer = self.writer.take().expect("taken only here");
        // A unit of work may hold the last handle: then the writer itself is here and must not wait for itself.
        if writer.thread().id() != thread::current().id() {
            // A panic of the writer was reported by its hook, and all who waited were told.
            let _ = writer.join();
        }
    }
}
