//! The reconciler's cursor as a document of its own.

use async_trait::async_trait;
use common::{Fault, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Collection, Document, Documents, IndexKey, Save};

use crate::ports::{Cursor, Cursors, Kept, Pass};

/// The cursor over one provider's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CursorDocument {
    provider: String,
    read_to: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pass: Option<PassDocument>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PassDocument {
    since: Timestamp,
    newest: Timestamp,
    older: String,
}

impl Document for CursorDocument {
    const COLLECTION: Collection = Collection("cursors");

    fn document_id(&self) -> String {
        self.provider.clone()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

/// Keeps the cursor of one provider.
#[derive(Clone, Debug)]
pub struct CursorDocuments {
    documents: Documents<CursorDocument>,
    provider: &'static str,
}

impl CursorDocuments {
    #[must_use]
    pub fn new(documents: Documents<CursorDocument>, provider: &'static str) -> Self {
        Self { documents, provider }
    }
}

#[async_trait]
impl Cursors for CursorDocuments {
    async fn load(&self) -> Result<Option<Kept<Cursor>>, Fault> {
        let loaded = self.documents.load(self.provider).await?;
        Ok(loaded.map(|loaded| Kept { version: loaded.version, value: cursor(loaded.body) }))
    }

    async fn save(&self, cursor: Cursor, version: u64) -> Result<(), Fault> {
        let document = CursorDocument {
            provider: self.provider.to_owned(),
            read_to: cursor.read_to,
            pass: cursor.pass.map(|p| PassDocument { since: p.since, newest: p.newest, older: p.older }),
        };
        let saved = match version {
            0 => self.documents.insert(&document, Save::new()).await,
            version => self.documents.update(&document, version, Save::new()).await,
        };
        saved.map(drop)
    }
}

fn cursor(document: CursorDocument) -> Cursor {
    let pass = document.pass.map(|p| Pass { since: p.since, newest: p.newest, older: p.older });
    Cursor { read_to: document.read_to, pass }
}
