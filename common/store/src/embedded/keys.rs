//! Where things are in a service's keyspace: documents, index entries and the outbox, in one sorted set of keys.
//!
//! `d` collection 0 id → document; `i` collection 0 index 0 key 0 id → nothing; `o` number → event. The 0 sorts below
//! every character that a key may hold, so that entries come in the order of their key, then of their id.

use bytes::Bytes;

use crate::port::Collection;

const DOCUMENT: u8 = b'd';
const INDEX: u8 = b'i';
const OUTBOX: u8 = b'o';
/// Ends a name; no name and no index key holds it.
pub(super) const END: u8 = 0;

/// What all keys of the outbox start with.
pub(super) const OUTBOX_PREFIX: &[u8] = &[OUTBOX];

/// What the keys of a collection's documents start with.
pub(super) fn documents(collection: &str) -> Vec<u8> {
    key(DOCUMENT, &[collection, ""])
}

/// What the keys of an index's entries start with.
pub(super) fn index(collection: &str, index: &str) -> Vec<u8> {
    key(INDEX, &[collection, index, ""])
}

/// The key of a document.
pub(super) fn document(collection: Collection, id: &str) -> Bytes {
    key(DOCUMENT, &[collection.0, id]).into()
}

/// The key of an index entry.
pub(super) fn index_entry(collection: Collection, index: &str, index_key: &str, id: &str) -> Bytes {
    key(INDEX, &[collection.0, index, index_key, id]).into()
}

/// The key of the outbox's event with this number.
pub(super) fn outbox(number: u64) -> Bytes {
    let mut bytes = Vec::with_capacity(9);
    bytes.push(OUTBOX);
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.into()
}

/// The number in the key of an outbox's event.
pub(super) fn outbox_number(key: &[u8]) -> Option<u64> {
    key.strip_prefix(OUTBOX_PREFIX)?.try_into().ok().map(u64::from_be_bytes)
}

/// The first key behind all that start with this prefix, which is not empty and does not end in `0xff`.
pub(super) fn behind(mut prefix: Vec<u8>) -> Vec<u8> {
    if let Some(last) = prefix.last_mut() {
        *last += 1;
    }
    prefix
}

fn key(kind: u8, parts: &[&str]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.push(kind);
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            bytes.push(END);
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
