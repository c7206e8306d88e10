//! Readers of one keyspace: they see what has been committed, read inline and never wait for the writer.

use std::{fmt, ops::RangeBounds};

use bytes::Bytes;
use common::Fault;
use fjall::Readable as _;

use super::failure::unavailable;

/// A named, sorted set of keys and values of one database. Cheap to clone.
#[derive(Clone)]
pub struct Keyspace {
    /// Its place among the database's keyspaces; the writer's overlay is indexed by it.
    pub(super) slot: usize,
    pub(super) tree: fjall::Keyspace,
    pub(super) database: fjall::Database,
}

impl Keyspace {
    /// The committed value of a key. Faults: `unavailable`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let value = self.tree.get(key).map_err(|e| unavailable(format_args!("read {self:?}"), &e))?;
        Ok(value.map(Bytes::from))
    }

    /// A view that does not change while it is held: no unit of work shows in it by half.
    #[must_use]
    pub fn view(&self) -> View {
        View { tree: self.tree.clone(), snapshot: self.database.snapshot() }
    }

    /// The entries within the bounds, in order; `rev` gives them backwards.
    pub fn range<K: AsRef<[u8]>>(&self, bounds: impl RangeBounds<K>) -> Entries {
        self.view().range(bounds)
    }

    /// The entries whose key starts with the prefix, in order; `rev` gives them backwards.
    pub fn prefix(&self, prefix: &[u8]) -> Entries {
        self.view().prefix(prefix)
    }
}

impl fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keyspace {}", &**self.tree.name())
    }
}

/// A keyspace as it was at one moment.
pub struct View {
    tree: fjall::Keyspace,
    snapshot: fjall::Snapshot,
}

impl View {
    /// The value that the key had. Faults: `unavailable`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let value = self.snapshot.get(&self.tree, key).map_err(|e| unavailable("read", &e))?;
        Ok(value.map(Bytes::from))
    }

    /// The entries within the bounds, in order; `rev` gives them backwards.
    pub fn range<K: AsRef<[u8]>>(&self, bounds: impl RangeBounds<K>) -> Entries {
        Entries(self.snapshot.range(&self.tree, bounds))
    }

    /// The entries whose key starts with the prefix, in order; `rev` gives them backwards.
    pub fn prefix(&self, prefix: &[u8]) -> Entries {
        Entries(self.snapshot.prefix(&self.tree, prefix))
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "view of {}", &**self.tree.name())
    }
}

/// Keys and values, read one by one. Faults: `unavailable`.
pub struct Entries(fjall::Iter);

impl Entries {
    /// Only the keys.
    pub fn keys(self) -> impl DoubleEndedIterator<Item = Result<Bytes, Fault>> {
        self.0.map(|entry| entry.key().map(Bytes::from).map_err(|e| unavailable("scan", &e)))
    }

    fn read(entry: fjall::Guard) -> Result<(Bytes, Bytes), Fault> {
        let (key, value) = entry.into_inner().map_err(|e| unavailable("scan", &e))?;
        Ok((key.into(), value.into()))
    }
}

impl Iterator for Entries {
    type Item = Result<(Bytes, Bytes), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Self::read)
    }
}

impl DoubleEndedIterator for Entries {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(Self::read)
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entries")
    }
}
