//! What a service keeps, declared: its collections, their indexes, and which of them bring events. Adapters make the
//! indexes from it when they start, and refuse what it does not name, so that no test passes with a forgotten one.

use common::Fault;

use crate::{
    document::Document,
    port::{Collection, Expected, Write},
};

/// Everything that one service keeps.
#[derive(Debug)]
pub struct Schema {
    /// Names the service's keyspace or database.
    pub service: &'static str,
    pub collections: &'static [CollectionSchema],
}

/// One collection of a service.
#[derive(Debug)]
pub struct CollectionSchema {
    pub collection: Collection,
    pub indexes: &'static [&'static str],
    /// Whether writes bring events; where none do there is no outbox to look after.
    pub events: bool,
}

impl CollectionSchema {
    /// The collection of this type of document.
    #[must_use]
    pub const fn of<T: Document>() -> Self {
        Self { collection: T::COLLECTION, indexes: T::INDEXES, events: T::EVENTS }
    }

    /// `internal` for an index that is not declared.
    pub fn require_index(&self, index: &str) -> Result<(), Fault> {
        if self.indexes.contains(&index) {
            return Ok(());
        }
        Err(Fault::internal(format!("{} declares no index {index}", self.collection)))
    }
}

impl Schema {
    /// `internal` for a collection that is not declared.
    pub fn collection(&self, collection: Collection) -> Result<&'static CollectionSchema, Fault> {
        let declared = self.collections.iter().find(|declared| declared.collection == collection);
        declared
            .ok_or_else(|| Fault::internal(format!("{} declares no collection {collection}", self.service)))
    }

    /// `internal` for a collection or index that is not declared; `None` is the index of the ids, which always is.
    pub fn check_index(&self, collection: Collection, index: Option<&str>) -> Result<(), Fault> {
        let collection = self.collection(collection)?;
        index.map_or(Ok(()), |index| collection.require_index(index))
    }

    /// `internal` for a write that breaks a rule of the port or is not declared.
    pub fn check_write(&self, write: &Write) -> Result<(), Fault> {
        let collection = self.collection(write.collection)?;
        if !write.events.is_empty() && !collection.events {
            return Err(Fault::internal(format!("{} declares no events", write.collection)));
        }
        if write.body.is_none() && write.expected == Expected::Absent {
            return Err(Fault::internal(format!(
                "{} {} is removed before it is there",
                write.collection, write.id
            )));
        }
        for (place, entry) in write.index_keys.iter().enumerate() {
            collection.require_index(&entry.index)?;
            if write.index_keys[..place].iter().any(|other| other.index == entry.index) {
                return Err(Fault::internal(format!("two keys for the index {}", entry.index)));
            }
            if entry.key.bytes().any(|byte| byte < b' ') {
                let (index, key) = (&entry.index, &entry.key);
                return Err(Fault::internal(format!(
                    "the index key {index} {key:?} holds a control character"
                )));
            }
        }
        Ok(())
    }
}
