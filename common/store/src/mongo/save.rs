//! One write as one update of one document, and what to do when the document was not as expected.

use std::{sync::Arc, time::Duration};

use common::{Backoff, EventId, Fault, Random};
use mongodb::{
    Collection,
    bson::{Bson, Document, doc},
};

use super::{
    body,
    failure::bounded,
    fields::{self, BODY, HANDLED, ID, KEYS, OUTBOX, REMOVED, Raw, UNSENT_SINCE, VERSION},
    outbox,
};
use crate::port::{Expected, HANDLED_MAX, Write};

/// How often a save that lost looks for what it lost to, and how it waits in between: as long as a replica set needs
/// to let a majority have it.
const LOOKS: u32 = 8;
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(4), cap: Duration::from_millis(100) };

/// A write on its way to the server.
pub(super) struct Change {
    collection: crate::port::Collection,
    id: String,
    expected: Expected,
    body: Option<Bson>,
    keys: Document,
    handled: Option<EventId>,
    events: Vec<Bson>,
    unsent_since: Option<Bson>,
}

impl Change {
    /// `internal` when body or data are not JSON.
    pub(super) fn prepare(write: &Write) -> Result<Self, Fault> {
        let keys = write.index_keys.iter().map(|entry| (entry.index.to_string(), Bson::from(&*entry.key)));
        Ok(Self {
            collection: write.collection,
            id: write.id.clone(),
            expected: write.expected,
            body: write.body.as_deref().map(body::to_bson).transpose()?,
            keys: keys.collect(),
            handled: write.handled,
            events: write.events.iter().map(outbox::to_bson).collect::<Result<_, _>>()?,
            unsent_since: write.events.iter().map(|event| event.at).min().map(|at| outbox::date(at).into()),
        })
    }

    /// Writes and answers with the new version.
    pub(super) async fn apply(
        &self,
        documents: &Collection<Raw>,
        random: &Arc<dyn Random>,
    ) -> Result<u64, Fault> {
        let applied = match (&self.body, self.expected) {
            (Some(body), Expected::Absent) => self.insert(documents, body).await?,
            (Some(body), Expected::Version(_)) => self.replace(documents, body, Handled::Unknown).await?,
            (None, _) => self.remove(documents).await?,
        };
        if applied { Ok(self.expected.next()) } else { self.lost(documents, &**random).await }
    }

    /// Takes over what a removed document left; else the server inserts. A document that is there with a version
    /// does not match, so that the server fails to insert another with its id.
    async fn insert(&self, documents: &Collection<Raw>, body: &Bson) -> Result<bool, Fault> {
        let mut update = self.update(body, true);
        update.insert("$unset", doc! { REMOVED: "" });
        match bounded("insert", documents.update_one(self.filter(), update).upsert(true)).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_version_conflict() => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn replace(&self, documents: &Collection<Raw>, body: &Bson, known: Handled) -> Result<bool, Fault> {
        let mut filter = self.filter();
        let remember = known == Handled::Unknown;
        if let Some(event) = self.handled.filter(|_| remember) {
            filter.insert(HANDLED, doc! { "$ne": event.to_string() });
        }
        let updated = bounded("save", documents.update_one(filter, self.update(body, remember))).await?;
        Ok(updated.matched_count == 1)
    }

    /// Without events to keep, the document goes as a whole.
    async fn remove(&self, documents: &Collection<Raw>) -> Result<bool, Fault> {
        if self.events.is_empty() {
            let mut filter = self.filter();
            filter.insert(format!("{OUTBOX}.0"), doc! { "$exists": false });
            if bounded("remove", documents.delete_one(filter)).await?.deleted_count == 1 {
                return Ok(true);
            }
        }
        let mut update = doc! {
            "$set": { REMOVED: true },
            "$unset": { VERSION: "", BODY: "", KEYS: "", HANDLED: "" },
        };
        self.push_events(&mut update);
        let updated = bounded("remove", documents.update_one(self.filter(), update)).await?;
        Ok(updated.matched_count == 1)
    }

    fn filter(&self) -> Document {
        let version = match self.expected {
            Expected::Absent => doc! { "$exists": false }.into(),
            Expected::Version(version) => body::whole(version),
        };
        doc! { ID: &self.id, VERSION: version }
    }

    fn update(&self, body: &Bson, remember: bool) -> Document {
        let set = doc! {
            VERSION: body::whole(self.expected.next()),
            BODY: body.clone(),
            KEYS: self.keys.clone(),
        };
        let mut update = doc! { "$set": set };
        self.push_events(&mut update);
        if let Some(event) = self.handled.filter(|_| remember) {
            let newest = -i32::try_from(HANDLED_MAX).expect("64");
            push(&mut update, HANDLED, doc! { "$each": [event.to_string()], "$slice": newest });
        }
        update
    }

    fn push_events(&self, update: &mut Document) {
        if let Some(since) = &self.unsent_since {
            push(update, OUTBOX, doc! { "$each": self.events.clone() });
            update.insert("$min", doc! { UNSENT_SINCE: since.clone() });
        }
    }

    /// The document was not as expected, or has handled the event already. Waits until a reader sees why: what a
    /// save loses to may not be known to a majority yet.
    async fn lost(&self, documents: &Collection<Raw>, random: &dyn Random) -> Result<u64, Fault> {
        let mut present = None;
        for failures in 0..LOOKS {
            tokio::time::sleep(BACKOFF.delay(failures, random)).await;
            let found = self.look(documents).await?;
            present = found.as_ref().map(|found| found.version);
            match found {
                Some(Present { version, handled: true }) if self.expects(version) => {
                    let Some(body) = &self.body else { break };
                    if self.replace(documents, body, Handled::Already).await? {
                        return Ok(self.expected.next());
                    }
                }
                Some(Present { version, .. }) if self.expects(version) => {}
                None if self.expected == Expected::Absent => {}
                _ => break,
            }
        }
        Err(self.conflict(present))
    }

    fn expects(&self, version: u64) -> bool {
        self.expected == Expected::Version(version)
    }

    async fn look(&self, documents: &Collection<Raw>) -> Result<Option<Present>, Fault> {
        let read = documents.find_one(doc! { ID: &self.id }).projection(doc! { VERSION: 1, HANDLED: 1 });
        let Some(document) = bounded("look at a document", read).await? else { return Ok(None) };
        let Some(version) = fields::version(&document)? else { return Ok(None) };
        let event = self.handled.map(|event| event.to_string());
        let handled = event.is_some_and(|event| {
            document
                .get_array(HANDLED)
                .is_ok_and(|ids| ids.into_iter().any(|id| id.is_ok_and(|id| id.as_str() == Some(&event))))
        });
        Ok(Some(Present { version, handled }))
    }

    fn conflict(&self, present: Option<u64>) -> Fault {
        let version = |version: Option<u64>| version.map_or("none".to_owned(), |v| v.to_string());
        let expected = match self.expected {
            Expected::Absent => None,
            Expected::Version(version) => Some(version),
        };
        let (collection, id) = (self.collection, &self.id);
        let (expected, found) = (version(expected), version(present));
        Fault::version_conflict(format!("{collection} {id}: version {expected} expected, {found} found"))
    }
}

/// Whether the document is known to have handled the event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handled {
    Unknown,
    Already,
}

/// What a save that lost finds.
struct Present {
    version: u64,
    /// It has handled the event that the save handles.
    handled: bool,
}

fn push(update: &mut Document, field: &str, values: Document) {
    match update.get_document_mut("$push") {
        Ok(pushed) => drop(pushed.insert(field, values)),
        Err(_) => drop(update.insert("$push", doc! { field: values })),
    }
}
