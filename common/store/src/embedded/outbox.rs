//! The outbox in memory: which committed events wait, who has claimed which, and where on disk they are.
//!
//! Events are numbered in the order of their commits. The newest stay in memory until they are claimed, as long as
//! there are few; after a start, or when the relay falls behind, they are read from disk in the same order.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{EventId, Fault, Timestamp};
use tokio::sync::Notify;

use super::{event, keys, keyspace::Keyspace};
use crate::port::OutboxEntry;

/// Unclaimed events of one store that are kept in memory; the others are on disk only.
const READY_MAX: usize = 1024;
/// How long a waiter may miss that a lease has ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A committed event with its number.
pub(super) type Numbered = (u64, OutboxEntry);

#[derive(Debug)]
pub(super) struct Outbox {
    next: AtomicU64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Numbered>,
    /// Every event up to this number is claimed, published or in `ready`, or in `returned`.
    read_to: u64,
    committed_to: u64,
    /// Given back, or claimed by somebody whose lease has ended.
    returned: BTreeMap<u64, EventId>,
    claimed: HashMap<EventId, Claim>,
    depth: u64,
}

#[derive(Debug)]
struct Claim {
    number: u64,
    until: Timestamp,
}

impl Outbox {
    /// Finds what was not published before the last stop. Faults: `unavailable`.
    pub(super) fn open(keyspace: &Keyspace) -> Result<Self, Fault> {
        let mut state = State::default();
        for key in keyspace.prefix(keys::OUTBOX_PREFIX).keys() {
            state.committed_to = number(&key?)?;
            state.depth += 1;
        }
        let next = AtomicU64::new(state.committed_to + 1);
        Ok(Self { next, state: Mutex::new(state), changed: Notify::new() })
    }

    /// The number of the next event. Called by the writer only, so that numbers follow commits.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// These events are committed now.
    pub(super) fn committed(&self, events: Vec<Numbered>) {
        self.lock().committed(events);
        self.changed.notify_waiters();
    }

    /// Claims the oldest events that nobody holds. Faults: `unavailable`.
    pub(super) fn claim(
        &self,
        keyspace: &Keyspace,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<OutboxEntry>, Fault> {
        let mut state = self.lock();
        state.expire(now);
        let mut taken = Vec::with_capacity(limit.min(READY_MAX));
        if let Err(fault) = state.take(keyspace, limit, &mut taken) {
            state.returned.extend(taken.into_iter().map(|(number, entry)| (number, entry.event.id)));
            return Err(fault);
        }
        for (number, entry) in &taken {
            state.claimed.insert(entry.event.id, Claim { number: *number, until });
        }
        Ok(taken.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Forgets published events and says where they are on disk.
    pub(super) fn published(&self, entries: &[OutboxEntry]) -> Vec<Bytes> {
        let mut state = self.lock();
        let numbers = entries.iter().filter_map(|entry| state.forget(entry.event.id));
        numbers.map(keys::outbox).collect()
    }

    /// Lets claimed events be claimed again.
    pub(super) fn give_back(&self, entries: &[OutboxEntry]) {
        let mut state = self.lock();
        for OutboxEntry { event, .. } in entries {
            if let Some(claim) = state.claimed.remove(&event.id) {
                state.returned.insert(claim.number, event.id);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Returns when there may be something to claim, and now and then, for leases that ended.
    pub(super) async fn changed(&self) {
        // Registered before the look, so that nothing is missed in between.
        let changed = self.changed.notified();
        if !self.lock().has_unclaimed() {
            let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
        }
    }

    pub(super) fn depth(&self) -> u64 {
        self.lock().depth
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_unclaimed(&self) -> bool {
        !self.ready.is_empty() || !self.returned.is_empty() || self.read_to < self.committed_to
    }

    fn committed(&mut self, events: Vec<Numbered>) {
        self.depth += events.len() as u64;
        for (number, entry) in events {
            self.committed_to = number;
            // What is not read from disk yet is older: it must be claimed before this one.
            if self.read_to + 1 == number && self.ready.len() < READY_MAX {
                self.read_to = number;
                self.ready.push_back((number, entry));
            }
        }
    }

    fn expire(&mut self, now: Timestamp) {
        for (id, claim) in self.claimed.extract_if(|_, claim| claim.until <= now) {
            self.returned.insert(claim.number, id);
        }
    }

    /// Moves up to `limit` events to `taken`, the oldest first; what was moved before a fault is in `taken`.
    fn take(&mut self, keyspace: &Keyspace, limit: usize, taken: &mut Vec<Numbered>) -> Result<(), Fault> {
        self.take_returned(keyspace, limit, taken)?;
        self.take_ready(limit, taken);
        if self.ready.is_empty() {
            self.take_from_disk(keyspace, limit, taken)?;
        }
        Ok(())
    }

    fn take_returned(
        &mut self,
        keyspace: &Keyspace,
        limit: usize,
        taken: &mut Vec<Numbered>,
    ) -> Result<(), Fault> {
        while taken.len() < limit
            && let Some(number) = self.returned.keys().next().copied()
        {
            // Not there: published by the claimer whose lease had ended.
            if let Some(bytes) = keyspace.get(&keys::outbox(number))? {
                taken.push((number, event::decode(&bytes)?));
            }
            self.returned.remove(&number);
        }
        Ok(())
    }

    fn take_ready(&mut self, limit: usize, taken: &mut Vec<Numbered>) {
        let count = (limit - taken.len()).min(self.ready.len());
        taken.extend(self.ready.drain(..count));
    }

    fn take_from_disk(
        &mut self,
        keyspace: &Keyspace,
        limit: usize,
        taken: &mut Vec<Numbered>,
    ) -> Result<(), Fault> {
        let unread = keys::outbox(self.read_to + 1)..=keys::outbox(self.committed_to);
        if unread.is_empty() || taken.len() == limit {
            return Ok(());
        }
        let mut entries = keyspace.range(unread);
        while taken.len() < limit {
            let Some(entry) = entries.next() else {
                self.read_to = self.committed_to;
                return Ok(());
            };
            let (key, bytes) = entry?;
            let number = number(&key)?;
            taken.push((number, event::decode(&bytes)?));
            self.read_to = number;
        }
        Ok(())
    }

    fn forget(&mut self, id: EventId) -> Option<u64> {
        let number = match self.claimed.remove(&id) {
            Some(claim) => claim.number,
            None => {
                let number = self.returned.iter().find(|(_, returned)| **returned == id).map(|(n, _)| *n)?;
                self.returned.remove(&number);
                number
            }
        };
        self.depth -= 1;
        Some(number)
    }
}

fn number(key: &[u8]) -> Result<u64, Fault> {
    keys::outbox_number(key).ok_or_else(|| Fault::internal("a key of the outbox cannot be read"))
}
