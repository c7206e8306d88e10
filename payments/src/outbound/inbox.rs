//! The provider's events as documents, keyed by the event's id: a repeat finds its first copy.

use async_trait::async_trait;
use common::{Fault, Timestamp};
use store::{Collection, Document, Documents, IndexKey, Loaded, Save};

use super::repository::due_before;
use crate::{
    domain::InboxEntry,
    ports::{Inbox, Kept},
};

/// Index of waiting entries by when they are due.
pub const DUE: &str = "due";
/// Index of settled entries by when they may be forgotten.
const FORGET: &str = "forget";

impl Document for InboxEntry {
    const COLLECTION: Collection = Collection("inbox");
    const INDEXES: &'static [&'static str] = &[DUE, FORGET];

    fn document_id(&self) -> String {
        self.id.clone()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let key = if self.is_waiting() {
            IndexKey::new(DUE, self.due_at.sort_key())
        } else {
            IndexKey::new(FORGET, self.expires_at().sort_key())
        };
        vec![key]
    }
}

/// The inbox of one store.
#[derive(Clone, Debug)]
pub struct InboxDocuments {
    entries: Documents<InboxEntry>,
}

impl InboxDocuments {
    #[must_use]
    pub fn new(entries: Documents<InboxEntry>) -> Self {
        Self { entries }
    }
}

#[async_trait]
impl Inbox for InboxDocuments {
    async fn take(&self, entry: InboxEntry) -> Result<Option<Kept<InboxEntry>>, Fault> {
        match self.entries.insert(&entry, Save::new()).await {
            Ok(version) => Ok(Some(Kept { value: entry, version })),
            Err(fault) if fault.is_version_conflict() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn known(&self, ids: &[String]) -> Result<Vec<bool>, Fault> {
        Ok(self.entries.load_many(ids).await?.iter().map(Option::is_some).collect())
    }

    async fn save(&self, entry: Kept<InboxEntry>) -> Result<(), Fault> {
        self.entries.update(&entry.value, entry.version, Save::new()).await.map(drop)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Kept<InboxEntry>>, Fault> {
        let page = self.entries.list(due_before(DUE, now, limit)).await?;
        Ok(page.entries.into_iter().map(kept).collect())
    }

    async fn forget(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        let page = self.entries.list(due_before(FORGET, now, limit)).await?;
        let count = page.entries.len();
        for loaded in page.entries {
            match self.entries.remove(&loaded.body.id, loaded.version).await {
                Err(fault) if !fault.is_version_conflict() => return Err(fault),
                _ => {}
            }
        }
        Ok(count)
    }
}

fn kept(loaded: Loaded<InboxEntry>) -> Kept<InboxEntry> {
    Kept { value: loaded.body, version: loaded.version }
}
