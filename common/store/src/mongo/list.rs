//! Reads documents: by id, many, a page of an index, a count.

use std::collections::HashMap;

use common::{EventId, Fault, Page};
use mongodb::{
    Collection, Cursor,
    bson::{Document, doc, raw::RawDocument},
    error::Error,
};

use super::{
    body,
    failure::bounded,
    fields::{self, BODY, HANDLED, ID, OUTBOX, REMOVED, Raw, UNSENT_SINCE},
    range,
};
use crate::{
    cursor,
    port::{IndexQuery, Stored},
};

/// Everything but the outbox, which only the relay reads.
fn without_outbox() -> Document {
    doc! { OUTBOX: 0, UNSENT_SINCE: 0 }
}

/// The document; `None` when there is none.
pub(super) async fn one(documents: &Collection<Raw>, id: &str) -> Result<Option<Stored>, Fault> {
    let found = documents.find_one(doc! { ID: id }).projection(without_outbox());
    match bounded("load", found).await? {
        Some(document) => stored(&document),
        None => Ok(None),
    }
}

/// The documents with these ids, in this order.
pub(super) async fn many(documents: &Collection<Raw>, ids: &[String]) -> Result<Vec<Option<Stored>>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let find = documents.find(doc! { ID: { "$in": ids } }).projection(without_outbox());
    let found =
        bounded("load several", async { all(find.batch_size(batch(ids.len())).await?).await }).await?;
    let found = found.iter().filter_map(|document| stored(document).transpose());
    let by_id = found.map(|stored| stored.map(|stored| (stored.id.clone(), stored)));
    let by_id = by_id.collect::<Result<HashMap<_, _>, _>>()?;
    Ok(ids.iter().map(|id| by_id.get(id).cloned()).collect())
}

/// A page of documents. `invalid_parameter` for a foreign cursor.
pub(super) async fn page(
    documents: &Collection<Raw>,
    collection: crate::port::Collection,
    query: &IndexQuery,
) -> Result<Page<Stored>, Fault> {
    let filter = range::filter(collection, query)?;
    let one_more = batch(query.limit.saturating_add(1));
    let find = documents
        .find(filter)
        .sort(range::sort(query))
        .projection(without_outbox())
        .limit(one_more.into())
        .batch_size(one_more);
    let mut found = bounded("list", async { all(find.await?).await }).await?;
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let last = found.last().filter(|_| more);
    let place = last.map(|last| range::place(last, query.index)).transpose()?;
    let next_cursor = place.map(|place| cursor::encode(collection, query, place.as_bytes()));
    let entries =
        found.iter().filter_map(|document| stored(document).transpose()).collect::<Result<_, _>>()?;
    Ok(Page { entries, next_cursor })
}

/// How many keys of the index, or ids, start with the prefix: the server counts entries of the index and reads no
/// document. Removed documents have an id; where there may be some they are counted too and taken off.
pub(super) async fn count(
    documents: &Collection<Raw>,
    index: Option<&str>,
    prefix: &str,
    with_removed: bool,
) -> Result<u64, Fault> {
    let filter = range::prefixed(index, prefix);
    let count = bounded("count", documents.count_documents(filter.clone())).await?;
    if index.is_some() || !with_removed {
        return Ok(count);
    }
    let mut removed = filter;
    removed.insert(REMOVED, true);
    let removed = bounded("count what was removed", documents.count_documents(removed)).await?;
    Ok(count.saturating_sub(removed))
}

/// Everything that a cursor has.
pub(super) async fn all<T>(mut cursor: Cursor<T>) -> Result<Vec<Raw>, Error> {
    let mut found = Vec::new();
    while cursor.advance().await? {
        found.push(cursor.current().to_owned());
    }
    Ok(found)
}

/// The first answer brings all of it: one round trip.
fn batch(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())
}

/// `None` when only events are left of it.
fn stored(document: &RawDocument) -> Result<Option<Stored>, Fault> {
    let Some(version) = fields::version(document)? else { return Ok(None) };
    let id = fields::text(document, ID)?.to_owned();
    let body = fields::get(document, BODY)?.ok_or_else(|| fields::unreadable(BODY))?;
    let body = body::to_json(body)?.into();
    Ok(Some(Stored { id, version, body, handled: handled(document)? }))
}

fn handled(document: &RawDocument) -> Result<Vec<EventId>, Fault> {
    let Some(ids) = fields::get(document, HANDLED)? else { return Ok(Vec::new()) };
    let ids = ids.as_array().into_iter().flatten();
    let parsed = ids.map(|id| id.ok().and_then(|id| id.as_str()?.parse().ok()));
    parsed.collect::<Option<_>>().ok_or_else(|| fields::unreadable(HANDLED))
}
