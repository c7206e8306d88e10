//! `event`: the body of a webhook and the entry of a list are the same.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{
    EventRecord, EventType,
    event::{Cause, Delivery},
    token,
};

/// The version of Stripe's API that objects are written in.
pub const API_VERSION: &str = "2026-09-30.endive";

#[derive(Debug, Serialize)]
pub struct Event<'a> {
    id: String,
    object: &'static str,
    api_version: &'static str,
    created: u64,
    data: Data<'a>,
    livemode: bool,
    pending_webhooks: u8,
    request: Request<'a>,
    #[serde(rename = "type")]
    event_type: EventType,
}

#[derive(Debug, Serialize)]
struct Data<'a> {
    object: &'a RawValue,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    id: Option<&'a str>,
    idempotency_key: Option<&'a str>,
}

impl<'a> Event<'a> {
    #[must_use]
    pub fn new(record: &'a EventRecord) -> Self {
        let Cause { request_id, idempotency_key } = &record.cause;
        Self {
            id: record.token.with(token::EVENT),
            object: "event",
            api_version: API_VERSION,
            created: record.token.created(),
            data: Data { object: &record.object },
            livemode: false,
            pending_webhooks: u8::from(matches!(record.delivery, Delivery::Pending { .. })),
            request: Request { id: request_id.as_deref(), idempotency_key: idempotency_key.as_deref() },
            event_type: record.event_type,
        }
    }
}
