//! A unit of work on its way through the writer: run once, settled once its group is on disk or lost.

use common::Fault;
use tokio::sync::oneshot;

use super::transaction::Transaction;

/// A unit of work of any result type.
pub(super) trait Job: Send {
    /// Whether somebody waits for it; a group of others need not be synced.
    fn is_awaited(&self) -> bool;

    /// Does the work and keeps the result. An error leaves it to the writer to discard the changes.
    fn run(&mut self, transaction: &mut Transaction) -> Result<(), Failed>;

    /// Tells who waits. A failed group takes every result with it, refusals too: they may rest on what was lost.
    fn settle(self: Box<Self>, group: Result<(), Fault>);
}

/// The work returned a fault, which the job keeps.
pub(super) struct Failed;

/// Work that somebody waits for.
pub(super) struct Awaited<T, W> {
    stage: Stage<T, W>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

enum Stage<T, W> {
    Queued(W),
    Ran(Result<T, Fault>),
    Gone,
}

impl<T, W> Awaited<T, W> {
    pub(super) fn new(work: W) -> (Self, oneshot::Receiver<Result<T, Fault>>) {
        let (reply, answer) = oneshot::channel();
        (Self { stage: Stage::Queued(work), reply }, answer)
    }
}

impl<T, W> Job for Awaited<T, W>
where
    T: Send,
    W: FnOnce(&mut Transaction) -> Result<T, Fault> + Send,
{
    fn is_awaited(&self) -> bool {
        true
    }

    fn run(&mut self, transaction: &mut Transaction) -> Result<(), Failed> {
        let Stage::Queued(work) = std::mem::replace(&mut self.stage, Stage::Gone) else { return Err(Failed) };
        let result = work(transaction);
        let verdict = if result.is_ok() { Ok(()) } else { Err(Failed) };
        self.stage = Stage::Ran(result);
        verdict
    }

    fn settle(self: Box<Self>, group: Result<(), Fault>) {
        let result = match (group, self.stage) {
            (Ok(()), Stage::Ran(result)) => result,
            (Err(fault), _) => Err(fault),
            (Ok(()), _) => Err(super::failure::stopped()),
        };
        // Nobody listens when the caller gave up; the work is done all the same.
        let _ = self.reply.send(result);
    }
}

/// Work that nobody waits for.
pub(super) struct Lazy<W>(Option<W>);

impl<W> Lazy<W> {
    pub(super) fn new(work: W) -> Self {
        Self(Some(work))
    }
}

impl<W> Job for Lazy<W>
where
    W: FnOnce(&mut Transaction) -> Result<(), Fault> + Send,
{
    fn is_awaited(&self) -> bool {
        false
    }

    fn run(&mut self, transaction: &mut Transaction) -> Result<(), Failed> {
        let Some(work) = self.0.take() else { return Err(Failed) };
        work(transaction).map_err(|fault| {
            tracing::warn!(%fault, "lazy write failed");
            Failed
        })
    }

    fn settle(self: Box<Self>, _group: Result<(), Fault>) {}
}
