//! What a unit of work sees and changes: the committed state under the changes of its group under its own.

use std::{collections::HashMap, fmt};

use bytes::Bytes;
use common::Fault;

use super::keyspace::Keyspace;

/// The changes of one group, and of the unit of work that runs now. Units are small: their own reads look through
/// their own changes one by one.
#[derive(Default)]
pub struct Transaction {
    unit: Vec<Change>,
    unit_hooks: Vec<Hook>,
    /// By the keyspace's slot: the newest change of each key, by the units of this group that went through. fjall
    /// gives one sequence number to a batch, so a key must be in it once.
    group: Vec<Option<Pending>>,
    group_hooks: Vec<Hook>,
}

type Hook = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
struct Change {
    keyspace: Keyspace,
    key: Bytes,
    value: Option<Bytes>,
}

struct Pending {
    keyspace: Keyspace,
    changes: HashMap<Bytes, Option<Bytes>>,
}

impl Transaction {
    /// The value as this unit of work would leave it. Faults: `unavailable`.
    pub fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let own = |change: &&Change| change.key == key && change.keyspace.slot == keyspace.slot;
        if let Some(change) = self.unit.iter().rev().find(own) {
            return Ok(change.value.clone());
        }
        let pending = self.group.get(keyspace.slot).and_then(Option::as_ref);
        match pending.and_then(|pending| pending.changes.get(key)) {
            Some(value) => Ok(value.clone()),
            None => keyspace.get(key),
        }
    }

    /// Sets a key.
    pub fn insert(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.change(keyspace, key.into(), Some(value.into()));
    }

    /// Removes a key; nothing happens when it is not there.
    pub fn remove(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>) {
        self.change(keyspace, key.into(), None);
    }

    /// Runs once the group is committed, before anybody is told, and never if this unit of work or its group fails:
    /// for what memory knows of the disk. It runs in the writer's thread, also when the caller has given up waiting.
    pub fn after_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.unit_hooks.push(Box::new(hook));
    }

    fn change(&mut self, keyspace: &Keyspace, key: Bytes, value: Option<Bytes>) {
        self.unit.push(Change { keyspace: keyspace.clone(), key, value });
    }

    /// The unit of work went through: its changes belong to the group.
    pub(super) fn keep_unit(&mut self) {
        for Change { keyspace, key, value } in self.unit.drain(..) {
            let slot = keyspace.slot;
            if self.group.len() <= slot {
                self.group.resize_with(slot + 1, || None);
            }
            let pending =
                self.group[slot].get_or_insert_with(|| Pending { keyspace, changes: HashMap::new() });
            pending.changes.insert(key, value);
        }
        self.group_hooks.append(&mut self.unit_hooks);
    }

    /// The unit of work failed: nothing of it remains.
    pub(super) fn discard_unit(&mut self) {
        self.unit.clear();
        self.unit_hooks.clear();
    }

    /// Moves the group's changes into a batch and is empty after that.
    pub(super) fn drain_into(&mut self, batch: &mut fjall::OwnedWriteBatch) {
        for pending in self.group.iter_mut().flatten() {
            let tree = &pending.keyspace.tree;
            for (key, value) in pending.changes.drain() {
                match value {
                    Some(value) => batch.insert(tree, key, value),
                    None => batch.remove(tree, key),
                }
            }
        }
    }

    /// The group is committed.
    pub(super) fn run_hooks(&mut self) {
        self.group_hooks.drain(..).for_each(|hook| hook());
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("unit", &self.unit).finish_non_exhaustive()
    }
}
