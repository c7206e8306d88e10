//! What all handles to one embedded bus share: publishing, handing out, and reading back what memory does not hold.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{Clock, Code, Fault, Random};
use store::embedded::{Database, Keyspace};
use tokio::sync::{Notify, futures::Notified};

use super::{
    hints::Hints,
    layout::{Failures, Messages, QueueSet, Seq, Stored, message_key, message_value},
    queue::Ready,
    state::{Accepted, State},
};
use crate::{
    port::Event,
    topology::{QueueSpec, matches},
};

/// Messages that are looked at in one go when a queue is read back from disk; the bus waits meanwhile.
const PAGE: usize = 512;

pub(super) struct Broker {
    pub(super) database: Database,
    pub(super) keyspace: Keyspace,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) ladder: Vec<Duration>,
    /// In the order of the topology; `numbers` gives each its number on disk.
    pub(super) specs: Vec<QueueSpec>,
    pub(super) numbers: Vec<usize>,
    pub(super) hints: Hints,
    /// By queue number, as the queues of the state.
    pub(super) wake: Vec<Notify>,
    pub(super) next_seq: AtomicU64,
    pub(super) next_subscription: AtomicU64,
    pub(super) state: Mutex<State>,
}

/// What a subscription gets when it asks.
pub(super) enum Taken {
    Message(Ready),
    /// Nothing is ready; something of the ladder is due after this time.
    Nothing(Option<Duration>),
    /// A page was read and holds nothing for this queue; there are more.
    Again,
}

impl Broker {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug of ours that has been reported; its map entries are whole all the same.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the queue of this name; `invalid_parameter` when the topology has none.
    pub(super) fn queue(&self, name: &str) -> Result<usize, Fault> {
        let place = self.specs.iter().position(|spec| spec.name == name);
        place.map(|place| self.numbers[place]).ok_or_else(|| {
            Fault::new(Code::InvalidParameter, "there is no such queue").with_detail(name.to_owned())
        })
    }

    /// A number for a message or dead letter. Taken within units of work, so that it grows as they are committed.
    pub(super) fn next_seq(&self) -> Seq {
        self.next_seq.fetch_add(1, Ordering::Relaxed)
    }

    /// The queues that a type of event is bound to.
    fn route(&self, event_type: &str) -> QueueSet {
        let mut queues = QueueSet::default();
        for (spec, number) in self.specs.iter().zip(&self.numbers) {
            if spec.bindings.iter().any(|binding| matches(binding, event_type)) {
                queues.insert(*number);
            }
        }
        queues
    }

    pub(super) async fn publish(self: &Arc<Self>, events: &[Event]) -> Vec<Result<(), Fault>> {
        let mut results = Vec::with_capacity(events.len());
        let mut batch = Vec::with_capacity(events.len());
        for event in events {
            let queues = self.route(&event.event_type);
            if queues.is_empty() {
                let detail = format!("no queue takes {} {}", event.event_type, event.id);
                results.push(Err(Fault::unavailable(detail)));
            } else {
                batch.push((queues, event.clone()));
                results.push(Ok(()));
            }
        }
        if let Err(fault) = self.write(batch).await {
            results.iter_mut().for_each(|result| *result = Err(fault.clone()));
        }
        results
    }

    async fn write(self: &Arc<Self>, batch: Vec<(QueueSet, Event)>) -> Result<(), Fault> {
        if batch.is_empty() {
            return Ok(());
        }
        let encode = |(queues, event)| (message_value(queues, &event), queues, Arc::new(event));
        let batch: Vec<_> = batch.into_iter().map(encode).collect();
        let broker = Arc::clone(self);
        let work = move |tx: &mut store::embedded::Transaction| {
            let number = |(value, queues, event)| {
                let seq = broker.next_seq();
                tx.insert(&broker.keyspace, message_key(seq), value);
                Accepted { seq, queues, event }
            };
            let accepted: Vec<_> = batch.into_iter().map(number).collect();
            tx.after_commit(move || broker.announce(&accepted));
            Ok(())
        };
        self.database.commit(work).await
    }

    /// Messages were committed: gives them to their queues and tells who waits.
    pub(super) fn announce(&self, accepted: &[Accepted]) {
        let mut queues = QueueSet::default();
        let mut state = self.lock();
        for message in accepted {
            state.accept(message);
            queues = queues.with(message.queues);
        }
        drop(state);
        queues.iter().for_each(|queue| self.wake[queue].notify_waiters());
        accepted.iter().for_each(|message| self.hints.send(&message.event));
    }

    pub(super) fn woken(&self, queue: usize) -> Notified<'_> {
        self.wake[queue].notified()
    }

    /// The next message for a subscription that has fewer than `prefetch` in hand.
    pub(super) fn take(
        self: &Arc<Self>,
        queue: usize,
        subscription: u64,
        prefetch: usize,
    ) -> Result<Taken, Fault> {
        let mut state = self.lock();
        if state.queues[queue].hands_of(subscription) >= prefetch {
            return Ok(Taken::Nothing(None));
        }
        if let Some(message) = self.next_due(&mut state, queue)? {
            state.queues[queue].hand_out(subscription, message.clone());
            return Ok(Taken::Message(message));
        }
        if let Some(after) = state.queues[queue].wants_page() {
            self.read_page(&mut state, queue, after)?;
        }
        if let Some(message) = state.queues[queue].pop() {
            state.queues[queue].hand_out(subscription, message.clone());
            return Ok(Taken::Message(message));
        }
        if state.queues[queue].wants_page().is_some() {
            return Ok(Taken::Again);
        }
        Ok(Taken::Nothing(state.queues[queue].next_due(self.clock.now())))
    }

    /// A message of the ladder whose time has come, read back from disk.
    fn next_due(self: &Arc<Self>, state: &mut State, queue: usize) -> Result<Option<Ready>, Fault> {
        let now = self.clock.now();
        while let Some((seq, failures)) = state.queues[queue].pop_due(now) {
            let Some(stored) = Messages::between(&self.keyspace.view(), seq, seq).next() else { continue };
            if let Some(message) = self.hold(state, queue, &stored?, failures) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Reads the messages behind `after` into a queue of which memory held only the beginning.
    fn read_page(self: &Arc<Self>, state: &mut State, queue: usize, after: Seq) -> Result<(), Fault> {
        let mut messages = Messages::between(&self.keyspace.view(), after + 1, Seq::MAX);
        let mut last = after;
        state.queues[queue].begin_page();
        for _ in 0..PAGE {
            let Some(stored) = messages.next() else { return Ok(()) };
            let stored = stored?;
            last = stored.seq;
            let mine = stored.queues.contains(queue) && stored.record(queue).is_none();
            if !mine {
                continue;
            }
            match self.hold(state, queue, &stored, Failures::default()) {
                Some(message) => _ = state.queues[queue].load(message),
                None => state.queues[queue].uncount_waiting(),
            }
        }
        state.queues[queue].end_page(last);
        Ok(())
    }

    /// The message as ready for this queue; `None` when the queue is through with it, which one that cannot be read
    /// is after this.
    pub(super) fn hold(
        self: &Arc<Self>,
        state: &mut State,
        queue: usize,
        stored: &Stored,
        failures: Failures,
    ) -> Option<Ready> {
        if !state.hold(queue, stored) {
            return None;
        }
        match stored.event() {
            Ok(event) => Some(Ready { seq: stored.seq, event: Arc::new(event), failures }),
            Err(error) => {
                self.bury_unreadable(state, queue, stored, failures, &error);
                None
            }
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedBus").field("queues", &self.specs.len()).finish_non_exhaustive()
    }
}
