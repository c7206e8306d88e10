//! An event as an AMQP message and back: CloudEvents in binary content mode, and how often it failed before.
//!
//! The data is the body, as it is; the attributes are headers named `cloudEvents:…`. The routing key is the event's
//! type on the first way only, so that nothing here reads it.

use std::str::FromStr;

use common::{Timestamp, TraceContext};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString},
};
use serde_json::value::RawValue;

use crate::port::Event;

const CONTENT_TYPE: &str = "application/json";
/// AMQP's word for "on disk".
const PERSISTENT: u8 = 2;
/// What the names of CloudEvents attributes begin with. The AMQP binding knows both; the first is written.
const ATTRIBUTE_PREFIXES: [&str; 2] = ["cloudEvents:", "cloudEvents_"];
const TRACEPARENT: &str = "traceparent";
const ATTEMPTS: &str = "ordermesh-attempts";
const FIRST_FAILED_AT: &str = "ordermesh-first-failed-at";
const REASON: &str = "ordermesh-reason";
const LETTER: &str = "ordermesh-letter";

/// How often and since when a message failed at its queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Failures {
    pub(super) attempts: u32,
    pub(super) first_failed_at: Timestamp,
    pub(super) reason: String,
}

impl Failures {
    /// With one more.
    pub(super) fn and_one(&self, now: Timestamp, reason: String) -> Self {
        let first_failed_at = if self.attempts == 0 { now } else { self.first_failed_at };
        Self { attempts: self.attempts.saturating_add(1), first_failed_at, reason }
    }

    pub(super) fn read(properties: &BasicProperties) -> Self {
        let attempts = header(properties, ATTEMPTS).and_then(AMQPValue::as_long_long_int).unwrap_or(0);
        Self {
            attempts: u32::try_from(attempts).unwrap_or(0),
            first_failed_at: parsed(properties, FIRST_FAILED_AT).unwrap_or_default(),
            reason: text(properties, REASON).unwrap_or_default(),
        }
    }
}

/// The properties of an event that has not failed.
pub(super) fn properties(event: &Event) -> BasicProperties {
    let mut headers = FieldTable::default();
    let mut attribute = |name: &str, value: String| {
        headers.insert(format!("{}{name}", ATTRIBUTE_PREFIXES[0]).into(), LongString::from(value).into());
    };
    attribute("specversion", "1.0".to_owned());
    attribute("id", event.id.to_string());
    attribute("type", event.event_type.clone());
    attribute("source", event.source.clone());
    attribute("subject", event.subject.clone());
    attribute("time", event.time.to_string());
    attribute("sequence", event.sequence.to_string());
    if let Some(trace) = event.traceparent {
        headers.insert(TRACEPARENT.into(), LongString::from(trace.to_string()).into());
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(event.id.to_string().into())
        .with_headers(headers)
}

/// The properties of a message that is published again: what others gave it, with our count and without the broker's
/// own notes, which would make it suspect a circle.
pub(super) fn again(properties: &BasicProperties, failures: &Failures) -> BasicProperties {
    let ours = |name: &str| name.starts_with("ordermesh-");
    let brokers = |name: &str| name.starts_with("x-");
    let mut headers = FieldTable::default();
    for (name, value) in properties.headers().iter().flatten() {
        if !ours(name.as_str()) && !brokers(name.as_str()) {
            headers.insert(name.clone(), value.clone());
        }
    }
    if failures.attempts > 0 {
        headers.insert(ATTEMPTS.into(), i64::from(failures.attempts).into());
        headers.insert(FIRST_FAILED_AT.into(), LongString::from(failures.first_failed_at.to_string()).into());
        headers.insert(REASON.into(), LongString::from(failures.reason.as_str()).into());
    }
    let mut again = BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(headers);
    if let Some(content_type) = properties.content_type() {
        again = again.with_content_type(content_type.clone());
    }
    if let Some(id) = properties.message_id() {
        again = again.with_message_id(id.clone());
    }
    again
}

/// Makes a dead letter of it, named so that operators can point at it.
pub(super) fn with_letter_id(properties: BasicProperties, id: String) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    headers.insert(LETTER.into(), LongString::from(id).into());
    properties.with_headers(headers)
}

pub(super) fn letter_id(properties: &BasicProperties) -> Option<String> {
    text(properties, LETTER)
}

/// The event in a message, or why it cannot be read.
pub(super) fn event(properties: &BasicProperties, body: &[u8]) -> Result<Event, String> {
    let version = attribute::<String>(properties, "specversion")?;
    if version != "1.0" {
        return Err(format!("CloudEvents version {version:?} is not known"));
    }
    let data = String::from_utf8(body.to_vec()).map_err(|_| "the data is not UTF-8")?;
    let data = RawValue::from_string(data).map_err(|error| format!("the data is not JSON: {error}"))?;
    Ok(Event {
        id: attribute(properties, "id")?,
        event_type: attribute(properties, "type")?,
        source: attribute(properties, "source")?,
        subject: attribute(properties, "subject")?,
        time: attribute(properties, "time")?,
        sequence: attribute(properties, "sequence")?,
        traceparent: parsed::<TraceContext>(properties, TRACEPARENT),
        data: data.into(),
    })
}

fn attribute<T: FromStr>(properties: &BasicProperties, name: &str) -> Result<T, String> {
    let mut named =
        ATTRIBUTE_PREFIXES.iter().filter_map(|prefix| text(properties, &format!("{prefix}{name}")));
    let value = named.next().ok_or_else(|| format!("the attribute {name} is missing"))?;
    value.parse().map_err(|_| format!("the attribute {name} is not as it should be"))
}

fn parsed<T: FromStr>(properties: &BasicProperties, name: &str) -> Option<T> {
    text(properties, name)?.parse().ok()
}

fn text(properties: &BasicProperties, name: &str) -> Option<String> {
    match header(properties, name)? {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        AMQPValue::LongLongInt(number) => Some(number.to_string()),
        AMQPValue::LongInt(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
}
