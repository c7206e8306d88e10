//! Settling deliveries: acks are written lazily and together, failures and dead letters durably and at once.

use std::{sync::Arc, time::Duration};

use common::{Fault, Timestamp};
use store::embedded::Transaction;

use super::{
    broker::Broker,
    layout::{Failures, Record, Seq, Stored, dead_key, record_key},
    queue::Ready,
    state::State,
};
use crate::port::{DeadLetter, Nack, Settled, reason};

/// One delivery, as its subscription names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) queue: usize,
    pub(super) subscription: u64,
    pub(super) seq: Seq,
}

impl Broker {
    /// The event has taken effect. The ack itself may be lost in a crash: then the message comes again.
    pub(super) fn ack(self: &Arc<Self>, hold: Hold) -> Result<(), Fault> {
        let mut state = self.lock();
        state.check(hold)?;
        state.queues[hold.queue].release(hold.seq);
        let result = self.settle(&mut state, hold.queue, hold.seq);
        self.wake_for_more(&state, hold.queue);
        result
    }

    pub(super) async fn nack(
        self: &Arc<Self>,
        hold: Hold,
        message: &Ready,
        nack: Nack,
    ) -> Result<Settled, Fault> {
        let now = self.clock.now();
        let failures = message.failures.and_one_at(now);
        match nack {
            Nack::Requeue => {
                self.lock().check(hold)?;
                self.give_back(hold);
                Ok(Settled::Requeued)
            }
            Nack::Retry(fault) => match self.step(message.failures.attempts) {
                Some(step) => self.climb(hold, failures, now + self.jittered(step)).await,
                None => self.bury(hold, message, failures, &fault).await,
            },
            Nack::DeadLetter(fault) => self.bury(hold, message, failures, &fault).await,
        }
    }

    /// A delivery that was not settled: back to the front of its queue.
    pub(super) fn give_back(&self, hold: Hold) {
        let mut state = self.lock();
        if state.check(hold).is_ok() {
            state.queues[hold.queue].give_back(hold.seq);
            self.wake[hold.queue].notify_waiters();
        }
    }

    pub(super) fn unsubscribe(&self, queue: usize, subscription: u64) {
        self.lock().queues[queue].give_all_back(subscription);
        self.wake[queue].notify_waiters();
    }

    fn settle(self: &Arc<Self>, state: &mut State, queue: usize, seq: Seq) -> Result<(), Fault> {
        if !state.settle(queue, seq) {
            return Ok(());
        }
        let broker = Arc::clone(self);
        self.database.commit_lazily(move |tx| {
            broker.lock().write_acks(&broker.keyspace, tx);
            tx.after_commit(move || broker.lock().acks_written());
            Ok(())
        })
    }

    /// A subscription that had its hands full may take the next now.
    fn wake_for_more(&self, state: &State, queue: usize) {
        if state.queues[queue].has_ready() {
            self.wake[queue].notify_waiters();
        }
    }

    fn step(&self, attempts: u32) -> Option<Duration> {
        self.ladder.get(usize::try_from(attempts).ok()?).copied()
    }

    /// Up to a tenth more, so that what failed together does not come back together.
    fn jittered(&self, step: Duration) -> Duration {
        let tenth = u64::try_from(step.as_millis() / 10).unwrap_or(u64::MAX);
        step + Duration::from_millis(self.random.below(tenth.saturating_add(1)))
    }

    /// Puts the message on the retry ladder, count and time on disk.
    async fn climb(
        self: &Arc<Self>,
        hold: Hold,
        failures: Failures,
        due: Timestamp,
    ) -> Result<Settled, Fault> {
        let broker = Arc::clone(self);
        self.settle_durably(hold, move |tx| {
            let record = Record::Failed { failures, due };
            tx.insert(&broker.keyspace, record_key(hold.seq, hold.queue), record.encode());
            tx.after_commit(move || broker.climbed(hold, failures, due));
        })
        .await?;
        Ok(Settled::Retried)
    }

    fn climbed(&self, hold: Hold, failures: Failures, due: Timestamp) {
        let mut state = self.lock();
        state.queues[hold.queue].release(hold.seq);
        state.queues[hold.queue].climb(hold.seq, failures, due);
        state.shelve(hold.queue, hold.seq);
        self.wake[hold.queue].notify_waiters();
    }

    /// Makes a dead letter of the message; the queue is through with it in the same write.
    async fn bury(
        self: &Arc<Self>,
        hold: Hold,
        message: &Ready,
        failures: Failures,
        fault: &Fault,
    ) -> Result<Settled, Fault> {
        let mut letter = self.letter(hold.queue, failures, reason(fault));
        letter.event = Some((*message.event).clone());
        let broker = Arc::clone(self);
        self.settle_durably(hold, move |tx| broker.write_letter(tx, hold.queue, hold.seq, letter)).await?;
        Ok(Settled::DeadLettered)
    }

    /// A message that cannot be read, found while it was loaded: nobody waits for its letter, and were the write
    /// lost, the message would be found again.
    pub(super) fn bury_unreadable(
        self: &Arc<Self>,
        state: &mut State,
        queue: usize,
        stored: &Stored,
        failures: Failures,
        error: &serde_json::Error,
    ) {
        let mut letter = self.letter(queue, failures.and_one_at(self.clock.now()), reason(error));
        letter.raw = Some(String::from_utf8_lossy(stored.json()).into_owned());
        state.shelve(queue, stored.seq);
        let (broker, seq) = (Arc::clone(self), stored.seq);
        let written = self.database.commit_lazily(move |tx| {
            broker.write_letter(tx, queue, seq, letter);
            Ok(())
        });
        if let Err(fault) = written {
            tracing::warn!(%fault, seq, "unreadable message stays where it is");
        }
    }

    fn letter(&self, queue: usize, failures: Failures, reason: String) -> DeadLetter {
        let place =
            self.numbers.iter().position(|number| *number == queue).expect("queues in use have a spec");
        DeadLetter {
            id: String::new(),
            queue: self.specs[place].name.to_owned(),
            event: None,
            raw: None,
            reason,
            attempts: failures.attempts,
            first_failed_at: failures.first_failed_at,
        }
    }

    fn write_letter(self: Arc<Self>, tx: &mut Transaction, queue: usize, seq: Seq, mut letter: DeadLetter) {
        let id = self.next_seq();
        letter.id = id.to_string();
        let value = serde_json::to_vec(&letter).expect("a letter of strings and JSON encodes");
        tx.insert(&self.keyspace, dead_key(queue, id), value);
        tx.insert(&self.keyspace, record_key(seq, queue), Record::Done.encode());
        tx.after_commit(move || self.buried(queue, seq));
    }

    /// The letter is on disk, and so is the record that the queue is through; memory follows.
    fn buried(self: &Arc<Self>, queue: usize, seq: Seq) {
        let mut state = self.lock();
        state.queues[queue].release(seq);
        state.queues[queue].bury(1);
        state.record(queue, seq);
        if let Err(fault) = self.settle(&mut state, queue, seq) {
            tracing::warn!(%fault, seq, "dead letter's message could not be removed");
        }
        self.wake_for_more(&state, queue);
    }

    /// Writes what becomes of a delivery; until it is on disk the delivery stays where it is. The hooks of the work
    /// finish it, also when the caller gives up waiting.
    async fn settle_durably(
        self: &Arc<Self>,
        hold: Hold,
        work: impl FnOnce(&mut Transaction) + Send + 'static,
    ) -> Result<(), Fault> {
        {
            let mut state = self.lock();
            state.check(hold)?;
            state.queues[hold.queue].set_settling(hold.seq, true);
        }
        let written = self.database.commit(move |tx| {
            work(tx);
            Ok(())
        });
        written.await.inspect_err(|_| self.lock().queues[hold.queue].set_settling(hold.seq, false))
    }
}

impl Failures {
    #[must_use]
    fn and_one_at(self, now: Timestamp) -> Self {
        let first_failed_at = if self.attempts == 0 { now } else { self.first_failed_at };
        Self { attempts: self.attempts + 1, first_failed_at }
    }
}

impl State {
    /// `unavailable` when the delivery is not its subscription's any more.
    fn check(&self, hold: Hold) -> Result<(), Fault> {
        let held = self.queues[hold.queue].is_held(hold.subscription, hold.seq);
        held.then_some(()).ok_or_else(|| Fault::unavailable("the subscription of this delivery has ended"))
    }
}
