//! The outboxes in the documents: which events wait, who has claimed which, and until when.
//!
//! A claim picks the oldest events that nobody holds, leases them all with one update (each document by itself is
//! changed as a whole) and keeps those of which the lease is its own: two claimers never get the same.

use std::collections::HashMap;

use common::{Fault, Timestamp};
use futures::future::try_join_all;
use mongodb::{
    Collection,
    bson::{Bson, DateTime, Document, RawBsonRef, doc, raw::RawDocument},
};
use serde_json::value::RawValue;

use super::{
    body,
    failure::bounded,
    fields::{self, ID, OUTBOX, REMOVED, Raw, UNSENT_SINCE, text, unreadable},
    list::all,
};
use crate::port::{OutboxEntry, OutboxEvent};

const LEASE: &str = "lease";

/// One event that was found unleased, with what decides its turn.
pub(super) struct Candidate {
    pub(super) entry: OutboxEntry,
    since: DateTime,
    /// Nothing but events is left of its document.
    pub(super) removed: bool,
}

/// Who claims, in which of its claims, and how long the lease lasts.
pub(super) struct Claim<'a> {
    pub(super) owner: &'a str,
    pub(super) number: i64,
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
}

impl Claim<'_> {
    /// The oldest unleased events of these collections, at most `limit`.
    pub(super) async fn candidates(
        &self,
        outboxes: &[Collection<Raw>],
        limit: usize,
    ) -> Result<Vec<Candidate>, Fault> {
        let found = outboxes.iter().map(|documents| self.candidates_in(documents, limit));
        let mut candidates: Vec<_> = try_join_all(found).await?.into_iter().flatten().collect();
        // Stable: within a document they stay in the order they were written in.
        candidates.sort_by_key(|candidate| candidate.since);
        candidates.truncate(limit);
        Ok(candidates)
    }

    async fn candidates_in(
        &self,
        documents: &Collection<Raw>,
        limit: usize,
    ) -> Result<Vec<Candidate>, Fault> {
        let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX).min(i64::from(i32::MAX));
        let unleased = doc! { "$filter": {
            "input": format!("${OUTBOX}"),
            "as": "event",
            "cond": { "$not": [{ "$gt": ["$$event.lease.until", date(self.now)] }] },
        } };
        let pipeline = [
            doc! { "$match": { UNSENT_SINCE: { "$exists": true }, OUTBOX: { "$elemMatch": self.unleased() } } },
            doc! { "$sort": { UNSENT_SINCE: 1, ID: 1 } },
            doc! { "$limit": limit },
            doc! { "$project": { UNSENT_SINCE: 1, REMOVED: 1, OUTBOX: { "$slice": [unleased, limit] } } },
        ];
        let found = async { all(documents.aggregate(pipeline).await?).await };
        let found = bounded("look into the outbox", found).await?;
        let candidates = found.iter().map(|document| candidates_of(documents.name(), document));
        Ok(candidates.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    fn unleased(&self) -> Document {
        doc! { "lease.until": { "$not": { "$gt": date(self.now) } } }
    }

    /// Leases what is still unleased of these events, all of one collection, and says which those are.
    pub(super) async fn take(
        &self,
        documents: &Collection<Raw>,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Fault> {
        let (ids, events) = names(candidates.iter().map(|candidate| &candidate.entry));
        let lease = doc! { "owner": self.owner, "claim": self.number, "until": date(self.until) };
        let leased = doc! { "$set": { format!("{OUTBOX}.$[event].{LEASE}"): lease } };
        let free = doc! {
            "event.id": { "$in": &events },
            "event.lease.until": { "$not": { "$gt": date(self.now) } },
        };
        let update = documents.update_many(doc! { ID: { "$in": &ids } }, leased).array_filters([free]);
        let updated = bounded("claim events", update).await?.modified_count;
        if updated == 0 {
            return Ok(Vec::new());
        }
        // Each event in a document of its own, and every document changed: all of them are ours.
        if updated == candidates.len() as u64 {
            return Ok(candidates);
        }
        let ours = self.ours(documents, &ids).await?;
        let is_ours = |candidate: &Candidate| ours.contains(&candidate.entry.event.id.to_string());
        Ok(candidates.into_iter().filter(is_ours).collect())
    }

    /// The events of these documents that this claim has leased.
    async fn ours(&self, documents: &Collection<Raw>, ids: &[String]) -> Result<Vec<String>, Fault> {
        let projection = doc! { "outbox.id": 1, "outbox.lease": 1 };
        let find = documents.find(doc! { ID: { "$in": ids } }).projection(projection);
        let found = bounded("look at claimed events", async { all(find.await?).await }).await?;
        let mut ours = Vec::new();
        for document in &found {
            for event in events(document)? {
                if event.get_document(LEASE).is_ok_and(|lease| self.holds(lease)) {
                    ours.push(text(event, "id")?.to_owned());
                }
            }
        }
        Ok(ours)
    }

    fn holds(&self, lease: &RawDocument) -> bool {
        let is_owner = lease.get_str("owner").is_ok_and(|owner| owner == self.owner);
        is_owner && lease.get_i64("claim").is_ok_and(|number| number == self.number)
    }
}

/// Takes published events, all of one collection, out of the outbox.
pub(super) async fn trim(documents: &Collection<Raw>, entries: &[&OutboxEntry]) -> Result<(), Fault> {
    let (ids, events) = names(entries.iter().copied());
    let kept = doc! { "$filter": {
        "input": format!("${OUTBOX}"),
        "as": "event",
        "cond": { "$not": [{ "$in": ["$$event.id", events] }] },
    } };
    let first = doc! { "$arrayElemAt": [format!("${OUTBOX}"), 0] };
    let oldest = doc! { "$let": { "vars": { "first": first }, "in": "$$first.at" } };
    let is_empty = doc! { "$eq": [{ "$size": format!("${OUTBOX}") }, 0] };
    let since = doc! { "$cond": [is_empty, "$$REMOVE", oldest] };
    let update = vec![doc! { "$set": { OUTBOX: kept } }, doc! { "$set": { UNSENT_SINCE: since } }];
    let present = doc! { ID: { "$in": ids }, UNSENT_SINCE: { "$exists": true } };
    bounded("trim the outbox", documents.update_many(present, update)).await.map(drop)
}

/// Removes what is left of removed documents once their events are gone.
pub(super) async fn bury(documents: &Collection<Raw>) -> Result<(), Fault> {
    let empty = doc! { REMOVED: true, OUTBOX: { "$size": 0 } };
    bounded("forget removed documents", documents.delete_many(empty)).await.map(drop)
}

/// Lets events that this owner holds, all of one collection, be claimed again.
pub(super) async fn give_back(
    documents: &Collection<Raw>,
    owner: &str,
    entries: &[&OutboxEntry],
) -> Result<(), Fault> {
    let (ids, events) = names(entries.iter().copied());
    let free = doc! { "$unset": { format!("{OUTBOX}.$[event].{LEASE}"): "" } };
    let held = doc! { "event.id": { "$in": events }, "event.lease.owner": owner };
    let update = documents.update_many(doc! { ID: { "$in": ids } }, free).array_filters([held]);
    bounded("give events back", update).await.map(drop)
}

/// How many events wait in this collection.
pub(super) async fn depth(documents: &Collection<Raw>) -> Result<u64, Fault> {
    let pipeline = [
        doc! { "$match": { UNSENT_SINCE: { "$exists": true } } },
        doc! { "$group": { ID: Bson::Null, "waiting": { "$sum": { "$size": format!("${OUTBOX}") } } } },
    ];
    let sum =
        bounded("measure the outbox", async { all(documents.aggregate(pipeline).await?).await }).await?;
    let Some(sum) = sum.first() else { return Ok(0) };
    fields::get(sum, "waiting")?.and_then(fields::whole).ok_or_else(|| unreadable(OUTBOX))
}

/// Entries by their collection.
pub(super) fn by_collection<T>(
    entries: impl IntoIterator<Item = T>,
    collection: impl Fn(&T) -> String,
) -> HashMap<String, Vec<T>> {
    let mut groups: HashMap<String, Vec<T>> = HashMap::new();
    for entry in entries {
        groups.entry(collection(&entry)).or_default().push(entry);
    }
    groups
}

/// The ids of the documents and of the events.
fn names<'a>(entries: impl Iterator<Item = &'a OutboxEntry>) -> (Vec<String>, Vec<String>) {
    let (mut ids, events): (Vec<_>, Vec<_>) =
        entries.map(|entry| (entry.document_id.clone(), entry.event.id.to_string())).unzip();
    ids.dedup();
    (ids, events)
}

/// A moment as MongoDB keeps it, to the millisecond like ours.
pub(super) fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// The event as it lies in a document. `internal` when its data is not JSON.
pub(super) fn to_bson(event: &OutboxEvent) -> Result<Bson, Fault> {
    let OutboxEvent { id, event_type, subject, sequence, at, trace, data } = event;
    let mut document = doc! {
        "id": id.to_string(),
        "type": event_type,
        "subject": subject,
        "sequence": body::whole(*sequence),
        "at": date(*at),
    };
    if let Some(trace) = trace {
        document.insert("trace", String::from(*trace));
    }
    document.insert("data", body::to_bson(data.get().as_bytes())?);
    Ok(document.into())
}

fn from_bson(event: &RawDocument) -> Result<OutboxEvent, Fault> {
    let field = |name| fields::get(event, name)?.ok_or_else(|| unreadable(name));
    let data = body::to_json(field("data")?)?;
    let data = String::from_utf8(data).ok().and_then(|data| RawValue::from_string(data).ok());
    let at = field("at")?.as_datetime().and_then(|at| u64::try_from(at.timestamp_millis()).ok());
    let trace = fields::get(event, "trace")?.and_then(RawBsonRef::as_str);
    Ok(OutboxEvent {
        id: text(event, "id")?.parse().map_err(|_| unreadable("id"))?,
        event_type: text(event, "type")?.to_owned(),
        subject: text(event, "subject")?.to_owned(),
        sequence: fields::whole(field("sequence")?).ok_or_else(|| unreadable("sequence"))?,
        at: at.map(Timestamp::from_millis).ok_or_else(|| unreadable("at"))?,
        trace: trace.and_then(|trace| trace.parse().ok()),
        data: data.ok_or_else(|| unreadable("data"))?,
    })
}

fn candidates_of(collection: &str, document: &RawDocument) -> Result<Vec<Candidate>, Fault> {
    let document_id = text(document, ID)?;
    // Without one it was trimmed while it was read.
    let Some(since) = fields::get(document, UNSENT_SINCE)? else { return Ok(Vec::new()) };
    let since = since.as_datetime().ok_or_else(|| unreadable(UNSENT_SINCE))?;
    let removed = document.get_bool(REMOVED).unwrap_or_default();
    let candidate = |event: &RawDocument| {
        let (collection, document_id) = (collection.to_owned(), document_id.to_owned());
        let entry = OutboxEntry { collection, document_id, event: from_bson(event)? };
        Ok(Candidate { entry, since, removed })
    };
    events(document)?.into_iter().map(candidate).collect()
}

fn events(document: &RawDocument) -> Result<Vec<&RawDocument>, Fault> {
    let events = document.get_array(OUTBOX).map_err(|_| unreadable(OUTBOX))?;
    let mut found = Vec::new();
    for event in events {
        found.push(event.ok().and_then(RawBsonRef::as_document).ok_or_else(|| unreadable(OUTBOX))?);
    }
    Ok(found)
}
