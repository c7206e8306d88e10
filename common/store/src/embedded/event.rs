//! An outbox event's bytes: its attributes in a row, then the data as it came.

use bytes::BufMut as _;
use common::{Fault, Timestamp};
use serde_json::value::RawValue;

use super::codec::{self, ID_LEN, Reader};
use crate::port::{OutboxEntry, OutboxEvent};

const FORMAT: u8 = 1;
/// Room for the attributes of most events.
const ATTRIBUTES_LEN: usize = 256;

/// `internal` when a name is longer than the store takes.
pub(super) fn encode(entry: &OutboxEntry) -> Result<Vec<u8>, Fault> {
    let OutboxEvent { id, event_type, subject, sequence, at, trace, data } = &entry.event;
    let mut bytes = Vec::with_capacity(ATTRIBUTES_LEN + data.get().len());
    bytes.put_u8(FORMAT);
    codec::put_id(&mut bytes, id);
    bytes.put_u64(*sequence);
    bytes.put_u64(at.as_millis());
    codec::put_text(&mut bytes, &trace.map(String::from).unwrap_or_default())?;
    for text in [event_type, subject, &entry.collection, &entry.document_id] {
        codec::put_text(&mut bytes, text)?;
    }
    bytes.put_slice(data.get().as_bytes());
    Ok(bytes)
}

/// `internal` when these are not the bytes of an event.
pub(super) fn decode(bytes: &[u8]) -> Result<OutboxEntry, Fault> {
    read(bytes).ok_or_else(|| Fault::internal("an event in the outbox cannot be read"))
}

fn read(bytes: &[u8]) -> Option<OutboxEntry> {
    let mut reader = Reader { rest: bytes };
    if reader.u8()? != FORMAT {
        return None;
    }
    let id = codec::id(reader.take(ID_LEN)?)?;
    let sequence = reader.u64()?;
    let at = Timestamp::from_millis(reader.u64()?);
    let trace = reader.text()?.parse().ok();
    let (event_type, subject) = (reader.text()?.to_owned(), reader.text()?.to_owned());
    let (collection, document_id) = (reader.text()?.to_owned(), reader.text()?.to_owned());
    let data = String::from_utf8(reader.rest.to_vec()).ok()?;
    let data = RawValue::from_string(data).ok()?;
    let event = OutboxEvent { id, event_type, subject, sequence, at, trace, data };
    Some(OutboxEntry { collection, document_id, event })
}
