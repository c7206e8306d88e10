//! Which documents an index query means, as a filter: strings compare by their bytes, as the port wants it.

use common::Fault;
use mongodb::bson::{Bson, Document, doc};

use super::fields::{ID, KEYS, REMOVED, key_of, text, unreadable};
use crate::{
    cursor,
    port::{Collection, IndexQuery, Order},
};

/// Between key and id in a cursor's place; no key holds it.
const END: char = '\0';

/// The documents whose key of this index starts with the prefix; by id without one. Removed documents have an id,
/// but no key.
pub(super) fn prefixed(index: Option<&str>, prefix: &str) -> Document {
    let mut bounds = doc! { "$gte": prefix };
    if let Some(behind) = behind(prefix) {
        bounds.insert("$lt", behind);
    }
    doc! { field(index): bounds }
}

/// The documents that a query still asks for. `invalid_parameter` for a foreign cursor.
pub(super) fn filter(collection: Collection, query: &IndexQuery) -> Result<Document, Fault> {
    let field = field(query.index);
    let mut conditions = vec![prefixed(query.index, &query.prefix)];
    if let Some(below) = &query.below {
        conditions.push(doc! { &field: { "$lt": below } });
    }
    if let Some(cursor) = &query.cursor {
        let place = cursor::decode(collection, query, cursor)?;
        let place = String::from_utf8(place).map_err(|_| cursor::foreign())?;
        conditions.push(behind_place(query, &field, &place)?);
    }
    if query.index.is_none() {
        conditions.push(doc! { REMOVED: { "$ne": true } });
    }
    Ok(doc! { "$and": conditions })
}

/// The order of a query.
pub(super) fn sort(query: &IndexQuery) -> Document {
    let direction = match query.order {
        Order::Ascending => 1,
        Order::Descending => -1,
    };
    match query.index {
        None => doc! { ID: direction },
        Some(index) => doc! { key_of(index): direction, ID: direction },
    }
}

/// Where a document is in the index.
pub(super) fn place(
    document: &mongodb::bson::raw::RawDocument,
    index: Option<&str>,
) -> Result<String, Fault> {
    let id = text(document, ID)?;
    let Some(index) = index else { return Ok(id.to_owned()) };
    let keys = document.get_document(KEYS).map_err(|_| unreadable(KEYS))?;
    let key = keys.get_str(index).map_err(|_| unreadable(KEYS))?;
    Ok(format!("{key}{END}{id}"))
}

/// What comes behind a place. The first condition bounds the scan of the index, the second skips within one key.
fn behind_place(query: &IndexQuery, field: &str, place: &str) -> Result<Document, Fault> {
    let (from, past) = match query.order {
        Order::Ascending => ("$gte", "$gt"),
        Order::Descending => ("$lte", "$lt"),
    };
    if query.index.is_none() {
        return Ok(doc! { ID: { past: place } });
    }
    let (key, id) = place.split_once(END).ok_or_else(cursor::foreign)?;
    let later = Bson::Array(vec![doc! { field: { past: key } }.into(), doc! { ID: { past: id } }.into()]);
    Ok(doc! { field: { from: key }, "$or": later })
}

fn field(index: Option<&str>) -> String {
    index.map_or_else(|| ID.to_owned(), key_of)
}

/// The first string behind all that start with this prefix; `None` when there is none.
fn behind(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // The step over the surrogates is the range's own.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}
