//! Who waits at the desk and what is being worked on: decides which jobs make up the next round.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use common::{Code, Fault};

use super::job::{Key, Ticket};

/// Jobs that may wait in a process.
const WAITING_MAX: usize = 8_192;
/// Jobs of one round; each adds at most one movement to an item, whose list must hold them all.
pub(super) const ROUND_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Ticket>,
    /// How many of those waiting need each key.
    wanted: HashMap<Key, usize>,
    /// What rounds are working on.
    busy: HashSet<Key>,
}

/// The jobs of one round and the keys that are theirs until it ends.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) tickets: Vec<Ticket>,
    pub(super) keys: HashSet<Key>,
}

impl Queue {
    /// Takes a job; answers with it when it can start at once. `resource_exhausted` when too many wait.
    pub(super) fn push(&mut self, ticket: Ticket) -> Result<Option<Batch>, Fault> {
        if ticket.job.keys().all(|key| !self.busy.contains(&key) && !self.wanted.contains_key(&key)) {
            let keys: HashSet<Key> = ticket.job.keys().collect();
            self.busy.extend(keys.iter().cloned());
            return Ok(Some(Batch { tickets: vec![ticket], keys }));
        }
        if self.waiting.len() >= WAITING_MAX {
            return Err(Fault::new(Code::ResourceExhausted, "the service is busy; try again")
                .with_retry_after(Duration::from_secs(1)));
        }
        for key in ticket.job.keys() {
            *self.wanted.entry(key).or_default() += 1;
        }
        self.waiting.push_back(ticket);
        Ok(None)
    }

    /// Ends a round: its keys are free.
    pub(super) fn free(&mut self, keys: &HashSet<Key>) {
        self.busy.retain(|key| !keys.contains(key));
    }

    /// The next round, of everything that need not wait, first come first served per key; `None` when all must.
    pub(super) fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch { tickets: Vec::new(), keys: HashSet::new() };
        let mut passed_over: HashSet<Key> = HashSet::new();
        for ticket in std::mem::take(&mut self.waiting) {
            if ticket.is_abandoned() {
                self.forget(&ticket);
            } else if self.must_wait(&ticket, &batch, &passed_over) {
                passed_over.extend(ticket.job.keys());
                self.waiting.push_back(ticket);
            } else {
                self.forget(&ticket);
                batch.keys.extend(ticket.job.keys());
                batch.tickets.push(ticket);
            }
        }
        self.busy.extend(batch.keys.iter().cloned());
        (!batch.tickets.is_empty()).then_some(batch)
    }

    fn must_wait(&self, ticket: &Ticket, batch: &Batch, passed_over: &HashSet<Key>) -> bool {
        let again = ticket.job.record().is_some_and(|record| batch.keys.contains(&record));
        batch.tickets.len() >= ROUND_MAX
            || again
            || ticket.job.keys().any(|key| self.busy.contains(&key) || passed_over.contains(&key))
    }

    fn forget(&mut self, ticket: &Ticket) {
        for key in ticket.job.keys() {
            if let Some(count) = self.wanted.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.wanted.remove(&key);
                }
            }
        }
    }
}
