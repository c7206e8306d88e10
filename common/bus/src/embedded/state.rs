//! What memory knows of all queues and of the messages in them, under one lock; and the acks not yet on disk.

use std::{collections::HashMap, sync::Arc};

use store::embedded::{Keyspace, Transaction};

use super::{
    layout::{QueueSet, Record, Seq, Stored, message_key, record_key},
    queue::Queue,
};
use crate::port::Event;

/// A message that some queue has in memory.
#[derive(Clone, Copy, Debug, Default)]
struct Message {
    /// The queues that are not through with it.
    open: QueueSet,
    /// The queues that have it ready or in hand.
    held: QueueSet,
    /// The queues with a record on disk.
    recorded: QueueSet,
}

/// Acks of one message that are not on disk.
#[derive(Clone, Copy, Debug, Default)]
struct Ack {
    done: QueueSet,
    /// Every queue is through: the message goes, and these records with it.
    gone: Option<QueueSet>,
}

/// A message that was just committed.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) seq: Seq,
    pub(super) queues: QueueSet,
    pub(super) event: Arc<Event>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queues: Vec<Queue>,
    /// The queues of the topology; the disk may tell of others that were once in it.
    known: QueueSet,
    messages: HashMap<Seq, Message>,
    /// Acks for the next lazy write, which is under way if there are any.
    waiting: HashMap<Seq, Ack>,
    /// Acks in the group that is being committed: on disk, but perhaps not yet visible.
    writing: HashMap<Seq, Ack>,
}

impl State {
    pub(super) fn new(queues: usize, known: QueueSet) -> Self {
        Self { queues: (0..queues).map(|_| Queue::default()).collect(), known, ..Self::default() }
    }

    /// The queues that are not through with a message, as far as the disk tells.
    pub(super) fn open_on_disk(&self, stored: &Stored) -> QueueSet {
        stored.queues.without(stored.done()).within(self.known)
    }

    /// A message is on disk: its queues get it, those that have room in memory at once.
    pub(super) fn accept(&mut self, accepted: &Accepted) {
        let Accepted { seq, queues, event } = accepted;
        let mut message = self
            .messages
            .get(seq)
            .copied()
            .unwrap_or(Message { open: queues.without(self.acked(*seq)), ..Message::default() });
        for queue in queues.iter() {
            if self.queues[queue].push(*seq, event) {
                message.held.insert(queue);
            }
        }
        if !message.held.is_empty() {
            self.messages.insert(*seq, message);
        }
    }

    /// A message read from disk is about to be ready in this queue; false when the queue is through with it.
    pub(super) fn hold(&mut self, queue: usize, stored: &Stored) -> bool {
        let open = self.open_on_disk(stored).without(self.acked(stored.seq));
        let being_recorded = self.writing.get(&stored.seq).map_or(QueueSet::default(), |ack| ack.done);
        let message = self.messages.entry(stored.seq).or_insert_with(|| Message {
            open,
            held: QueueSet::default(),
            recorded: stored.recorded().with(being_recorded),
        });
        let open = message.open.contains(queue);
        if open {
            message.held.insert(queue);
        } else if message.held.is_empty() {
            self.messages.remove(&stored.seq);
        }
        open
    }

    /// The queue keeps the message only on disk from now on, where it has a record of it.
    pub(super) fn shelve(&mut self, queue: usize, seq: Seq) {
        if let Some(message) = self.messages.get_mut(&seq) {
            message.recorded.insert(queue);
            message.held.remove(queue);
            if message.held.is_empty() {
                self.messages.remove(&seq);
            }
        }
    }

    /// The disk has a record of the queue for this message.
    pub(super) fn record(&mut self, queue: usize, seq: Seq) {
        if let Some(message) = self.messages.get_mut(&seq) {
            message.recorded.insert(queue);
        }
    }

    /// The queue is through with the message. True when a lazy write of acks must be started.
    pub(super) fn settle(&mut self, queue: usize, seq: Seq) -> bool {
        let Some(message) = self.messages.get_mut(&seq) else { return false };
        message.open.remove(queue);
        message.held.remove(queue);
        let first = self.waiting.is_empty();
        let ack = self.waiting.entry(seq).or_default();
        ack.done.insert(queue);
        if message.open.is_empty() {
            ack.gone = Some(message.recorded);
        }
        if message.held.is_empty() {
            self.messages.remove(&seq);
        }
        first
    }

    /// Writes the acks that wait.
    pub(super) fn write_acks(&mut self, keyspace: &Keyspace, tx: &mut Transaction) {
        self.writing = std::mem::take(&mut self.waiting);
        for (seq, ack) in &self.writing {
            if let Some(recorded) = ack.gone {
                tx.remove(keyspace, message_key(*seq));
                recorded.iter().for_each(|queue| tx.remove(keyspace, record_key(*seq, queue)));
                continue;
            }
            for queue in ack.done.iter() {
                tx.insert(keyspace, record_key(*seq, queue), Record::Done.encode());
            }
            if let Some(message) = self.messages.get_mut(seq) {
                message.recorded = message.recorded.with(ack.done);
            }
        }
    }

    /// What was being written is visible to readers of the disk.
    pub(super) fn acks_written(&mut self) {
        self.writing.clear();
    }

    /// The queues whose acks the disk does not show yet.
    fn acked(&self, seq: Seq) -> QueueSet {
        let done = |acks: &HashMap<Seq, Ack>| acks.get(&seq).map_or(QueueSet::default(), |ack| ack.done);
        done(&self.waiting).with(done(&self.writing))
    }
}
