//! One queue in memory: what is ready, what is in hand and what waits on the retry ladder, each within a bound.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use common::Timestamp;

use super::layout::{Failures, Seq};
use crate::port::{Event, QueueDepth};

/// Ready messages that a queue keeps in memory; the rest of a longer queue stays on disk until it is its turn.
pub(super) const READY_MAX: usize = 4096;
/// Messages of one queue on the retry ladder; while there are more, nothing new is handed out.
pub(super) const LADDER_MAX: usize = 65_536;

/// A message that can be handed out.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) seq: Seq,
    pub(super) event: Arc<Event>,
    pub(super) failures: Failures,
}

/// A message that a subscription has.
#[derive(Debug)]
struct Hand {
    subscription: u64,
    message: Ready,
    /// What becomes of it is being written: it is not given back when the subscription ends now.
    settling: bool,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: VecDeque<Ready>,
    /// Every message of this queue up to this number has been in memory; those behind it are on disk if `spilled`.
    loaded_to: Seq,
    spilled: bool,
    /// Not in hand and not on the ladder, in memory or not. Below zero for the moment in which a message was read
    /// from disk and handed out before its commit is announced here.
    waiting: i64,
    ladder: BTreeMap<(Timestamp, Seq), Failures>,
    in_hand: HashMap<Seq, Hand>,
    dead_letters: u64,
}

impl Queue {
    /// A committed message; false when it is not kept in memory now (or was read from disk already).
    pub(super) fn push(&mut self, seq: Seq, event: &Arc<Event>) -> bool {
        self.waiting += 1;
        self.load(Ready { seq, event: Arc::clone(event), failures: Failures::default() })
    }

    /// Keeps a message in memory that is counted already; false when there is no room, or when it was here before.
    pub(super) fn load(&mut self, message: Ready) -> bool {
        if message.seq <= self.loaded_to || !self.has_room() {
            return false;
        }
        self.loaded_to = message.seq;
        self.ready.push_back(message);
        true
    }

    /// Counts a message of which the disk tells and no commit will.
    pub(super) fn count_waiting(&mut self) {
        self.waiting += 1;
    }

    /// It turned out to be none.
    pub(super) fn uncount_waiting(&mut self) {
        self.waiting -= 1;
    }

    /// Whether the next message can be kept in memory; from the first that can't, the rest stays on disk.
    pub(super) fn has_room(&mut self) -> bool {
        self.spilled |= self.ready.len() >= READY_MAX;
        !self.spilled
    }

    /// The number after which the next page of a spilled queue begins; `None` when memory has it all or has enough.
    pub(super) fn wants_page(&self) -> Option<Seq> {
        (self.spilled && self.ready.is_empty()).then_some(self.loaded_to)
    }

    /// A page is being read: what it holds may be loaded.
    pub(super) fn begin_page(&mut self) {
        self.spilled = false;
    }

    /// The page ended here, and more may be behind it.
    pub(super) fn end_page(&mut self, last: Seq) {
        self.loaded_to = self.loaded_to.max(last);
        self.spilled = true;
    }

    /// The next message that is ready in memory, unless the ladder is full.
    pub(super) fn pop(&mut self) -> Option<Ready> {
        if self.ladder.len() >= LADDER_MAX {
            return None;
        }
        let message = self.ready.pop_front()?;
        self.waiting -= 1;
        Some(message)
    }

    /// The next message of the ladder whose time has come.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Seq, Failures)> {
        let entry = self.ladder.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((_, seq), failures) = entry.remove_entry();
        Some((seq, failures))
    }

    /// How long until something of the ladder is due.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Duration> {
        self.ladder.first_key_value().map(|((due, _), _)| due.since(now))
    }

    pub(super) fn climb(&mut self, seq: Seq, failures: Failures, due: Timestamp) {
        self.ladder.insert((due, seq), failures);
    }

    pub(super) fn hands_of(&self, subscription: u64) -> usize {
        self.in_hand.values().filter(|hand| hand.subscription == subscription).count()
    }

    pub(super) fn hand_out(&mut self, subscription: u64, message: Ready) {
        self.in_hand.insert(message.seq, Hand { subscription, message, settling: false });
    }

    /// Whether this subscription still has the message and nothing is being written about it.
    pub(super) fn is_held(&self, subscription: u64, seq: Seq) -> bool {
        self.in_hand.get(&seq).is_some_and(|hand| hand.subscription == subscription && !hand.settling)
    }

    /// Marks a message whose fate is being written, or not any more.
    pub(super) fn set_settling(&mut self, seq: Seq, settling: bool) {
        if let Some(hand) = self.in_hand.get_mut(&seq) {
            hand.settling = settling;
        }
    }

    /// Takes a message out of its subscription's hand.
    pub(super) fn release(&mut self, seq: Seq) -> Option<Ready> {
        self.in_hand.remove(&seq).map(|hand| hand.message)
    }

    /// Puts a message from a hand back to the front.
    pub(super) fn give_back(&mut self, seq: Seq) {
        if let Some(message) = self.release(seq) {
            self.waiting += 1;
            self.ready.push_front(message);
        }
    }

    /// Puts everything back that a subscription had in hand, oldest first in line.
    pub(super) fn give_all_back(&mut self, subscription: u64) {
        let held =
            self.in_hand.iter().filter(|(_, hand)| hand.subscription == subscription && !hand.settling);
        let mut held: Vec<_> = held.map(|(seq, _)| *seq).collect();
        held.sort_unstable();
        held.iter().rev().for_each(|seq| self.give_back(*seq));
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty() || self.spilled
    }

    pub(super) fn bury(&mut self, letters: u64) {
        self.dead_letters += letters;
    }

    pub(super) fn unbury(&mut self) {
        self.dead_letters = self.dead_letters.saturating_sub(1);
    }

    pub(super) fn depth(&self, name: &str) -> QueueDepth {
        QueueDepth {
            queue: name.to_owned(),
            ready: u64::try_from(self.waiting).unwrap_or(0),
            in_flight: (self.in_hand.len() + self.ladder.len()) as u64,
            dead_letters: self.dead_letters,
        }
    }
}
