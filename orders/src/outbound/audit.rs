//! The audit as documents keyed by the event's id: a second copy finds the first and changes nothing.

use async_trait::async_trait;
use common::{EventId, Fault, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Collection, Document, Documents, IndexKey, Save};

use crate::ports::{Audit, AuditRecord};

/// An event as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditDocument {
    pub id: EventId,
    #[serde(rename = "type")]
    pub event_type: String,
    pub source: String,
    pub subject: String,
    pub time: Timestamp,
    pub sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceContext>,
    pub data: Box<RawValue>,
}

impl Document for AuditDocument {
    const COLLECTION: Collection = Collection("audit");

    fn document_id(&self) -> String {
        self.id.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

/// The audit over the service's document store.
#[derive(Clone, Debug)]
pub struct AuditStore(pub Documents<AuditDocument>);

#[async_trait]
impl Audit for AuditStore {
    async fn append(&self, record: AuditRecord) -> Result<(), Fault> {
        let data = RawValue::from_string(record.data)
            .map_err(|error| Fault::internal(format!("data of event {}: {error}", record.id)))?;
        let document = AuditDocument {
            id: record.id,
            event_type: record.event_type,
            source: record.source,
            subject: record.subject,
            time: record.time,
            sequence: record.sequence,
            traceparent: record.trace,
            data,
        };
        match self.0.insert(&document, Save::new()).await {
            Err(fault) if !fault.is_version_conflict() => Err(fault),
            _ => Ok(()),
        }
    }
}
