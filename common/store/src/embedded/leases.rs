//! Leases by name. They live in memory: one process owns the folder, and its leases end with it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use common::Timestamp;

/// Who may do what only one may do, until when.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<String, Lease>>);

#[derive(Debug)]
struct Lease {
    owner: String,
    until: Timestamp,
}

impl Leases {
    /// Takes or renews; false when another owner's lease still runs.
    pub(super) fn take(&self, name: &str, owner: &str, ttl: Duration, now: Timestamp) -> bool {
        let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = leases.get(name).is_some_and(|lease| lease.owner != owner && lease.until > now);
        if !taken {
            leases.insert(name.to_owned(), Lease { owner: owner.to_owned(), until: now + ttl });
        }
        !taken
    }
}
