//! One write on its way to disk: encoded by the caller as far as it goes, then checked and applied by the writer.

use bytes::Bytes;
use common::{EventId, Fault};

use super::{
    envelope::{self, Header},
    event, keys,
    keyspace::Keyspace,
    outbox::{Numbered, Outbox},
    transaction::Transaction,
};
use crate::port::{Collection, Expected, IndexKey, OutboxEntry, Write};

#[derive(Debug)]
pub(super) struct Change {
    collection: Collection,
    id: String,
    key: Bytes,
    expected: Expected,
    body: Option<Bytes>,
    index_keys: Vec<IndexKey>,
    encoded_index_keys: Vec<u8>,
    handled: Option<EventId>,
    events: Vec<(OutboxEntry, Vec<u8>)>,
}

impl Change {
    /// `internal` when a name or key is longer than the store takes.
    pub(super) fn prepare(write: Write) -> Result<Self, Fault> {
        let Write { collection, id, expected, body, mut index_keys, events, handled } = write;
        if body.is_none() {
            index_keys.clear();
        }
        let events = events.into_iter().map(|event| {
            let entry = OutboxEntry { collection: collection.0.to_owned(), document_id: id.clone(), event };
            event::encode(&entry).map(|bytes| (entry, bytes))
        });
        Ok(Self {
            key: keys::document(collection, &id),
            encoded_index_keys: envelope::encode_index_keys(&index_keys)?,
            events: events.collect::<Result<_, _>>()?,
            collection,
            id,
            expected,
            body,
            index_keys,
            handled,
        })
    }

    /// Writes and answers with the new version; the events that leave with it are added to `leaving`. With
    /// `version_conflict` the transaction is as it was.
    pub(super) fn apply(
        self,
        transaction: &mut Transaction,
        keyspace: &Keyspace,
        outbox: &Outbox,
        leaving: &mut Vec<Numbered>,
    ) -> Result<u64, Fault> {
        let present = transaction.get(keyspace, &self.key)?;
        let present = present.as_deref().map(Header::parse).transpose()?;
        self.compare(present.as_ref())?;
        let version = self.expected.next();
        self.move_index_entries(transaction, keyspace, present.as_ref());
        match &self.body {
            Some(body) => {
                let (handled, index_keys) = (self.handled.as_ref(), &self.encoded_index_keys);
                let document = envelope::encode(version, present.as_ref(), handled, index_keys, body);
                transaction.insert(keyspace, self.key, document);
            }
            None => transaction.remove(keyspace, self.key),
        }
        for (entry, bytes) in self.events {
            let number = outbox.number();
            transaction.insert(keyspace, keys::outbox(number), bytes);
            leaving.push((number, entry));
        }
        Ok(version)
    }

    fn compare(&self, present: Option<&Header<'_>>) -> Result<(), Fault> {
        let present = present.map(|header| header.version);
        let expected = match self.expected {
            Expected::Absent => None,
            Expected::Version(version) => Some(version),
        };
        if present == expected {
            return Ok(());
        }
        let version = |version: Option<u64>| version.map_or("none".to_owned(), |v| v.to_string());
        let (collection, id) = (self.collection, &self.id);
        Err(Fault::version_conflict(format!(
            "{collection} {id}: version {} expected, {} found",
            version(expected),
            version(present)
        )))
    }

    /// Index entries that stay as they are cost nothing.
    fn move_index_entries(
        &self,
        transaction: &mut Transaction,
        keyspace: &Keyspace,
        present: Option<&Header<'_>>,
    ) {
        let before = || present.into_iter().flat_map(Header::index_keys);
        let after = || self.index_keys.iter().map(|entry| (&*entry.index, &*entry.key));
        let key = |(index, key): (&str, &str)| keys::index_entry(self.collection, index, key, &self.id);
        for gone in before().filter(|entry| after().all(|other| other != *entry)) {
            transaction.remove(keyspace, key(gone));
        }
        for new in after().filter(|entry| before().all(|other| other != *entry)) {
            transaction.insert(keyspace, key(new), Bytes::new());
        }
    }
}
