//! Reads ranges of an index or of the ids, from one snapshot.

use std::ops::Bound;

use bytes::Bytes;
use common::{Fault, Page};

use super::{
    envelope,
    keys::{self, END},
    keyspace::{Entries, Keyspace, View},
};
use crate::{
    cursor,
    port::{Collection, IndexQuery, Order, Stored},
};

/// A page of documents. `invalid_parameter` for a foreign cursor.
pub(super) fn page(
    keyspace: &Keyspace,
    collection: Collection,
    query: &IndexQuery,
) -> Result<Page<Stored>, Fault> {
    let view = keyspace.view();
    let base = base(collection, query.index);
    let range = Range::of(&base, collection, query)?;
    if range.is_empty() {
        return Ok(Page { entries: Vec::new(), next_cursor: None });
    }
    let mut entries = scan(view.range::<Vec<u8>>((range.start, range.end)), query.order);
    let mut found = Vec::with_capacity(query.limit);
    let mut last = None;
    while found.len() < query.limit {
        let Some(entry) = entries.next() else { break };
        let (key, value) = entry?;
        let id = id_of(&key[base.len()..], query.index)?;
        let document = match query.index {
            None => value,
            Some(_) => indexed(&view, collection, &id)?,
        };
        found.push(envelope::stored(id, &document)?);
        last = Some(key);
    }
    let more = entries.next().transpose()?.is_some();
    let next_cursor = last.filter(|_| more).map(|key| cursor::encode(collection, query, &key[base.len()..]));
    Ok(Page { entries: found, next_cursor })
}

fn indexed(view: &View, collection: Collection, id: &str) -> Result<Bytes, Fault> {
    view.get(&keys::document(collection, id))?
        .ok_or_else(|| Fault::internal(format!("{collection} {id} is in an index, but not there")))
}

/// How many keys of the index, or ids, start with the prefix. Reads no document.
pub(super) fn count(
    keyspace: &Keyspace,
    collection: Collection,
    index: Option<&'static str>,
    prefix: &str,
) -> Result<u64, Fault> {
    let mut base = base(collection, index);
    base.extend_from_slice(prefix.as_bytes());
    keyspace.prefix(&base).keys().try_fold(0, |count, key| key.map(|_| count + 1))
}

fn base(collection: Collection, index: Option<&'static str>) -> Vec<u8> {
    match index {
        Some(index) => keys::index(collection.0, index),
        None => keys::documents(collection.0),
    }
}

/// The keys that a query still asks for.
struct Range {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
}

impl Range {
    fn of(base: &[u8], collection: Collection, query: &IndexQuery) -> Result<Self, Fault> {
        let at = |place: &[u8]| [base, place].concat();
        let prefix = at(query.prefix.as_bytes());
        let mut behind = keys::behind(prefix.clone());
        if let Some(below) = &query.below {
            behind = behind.min(at(below.as_bytes()));
        }
        let mut range = Self { start: Bound::Included(prefix), end: Bound::Excluded(behind) };
        if let Some(cursor) = &query.cursor {
            let place = Bound::Excluded(at(&cursor::decode(collection, query, cursor)?));
            match query.order {
                Order::Ascending => range.start = place,
                Order::Descending => range.end = place,
            }
        }
        Ok(range)
    }

    /// Whether nothing can be in it; fjall wants no such range.
    fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
            _ => false,
        }
    }
}

type Scan = Box<dyn Iterator<Item = Result<(Bytes, Bytes), Fault>>>;

fn scan(entries: Entries, order: Order) -> Scan {
    match order {
        Order::Ascending => Box::new(entries),
        Order::Descending => Box::new(entries.rev()),
    }
}

/// The id at the end of an entry's place: all of it, or what follows the index key.
fn id_of(place: &[u8], index: Option<&'static str>) -> Result<String, Fault> {
    let id = match index {
        None => Some(place),
        Some(_) => place.iter().position(|byte| *byte == END).map(|end| &place[end + 1..]),
    };
    id.and_then(|id| String::from_utf8(id.to_vec()).ok())
        .ok_or_else(|| Fault::internal("an index entry in the store cannot be read"))
}
