//! The fields of a document beside its body, by name.

use common::Fault;
use mongodb::bson::{RawBsonRef, RawDocumentBuf, raw::RawDocument};

pub(super) const ID: &str = "_id";
pub(super) const VERSION: &str = "version";
pub(super) const BODY: &str = "body";
pub(super) const KEYS: &str = "keys";
pub(super) const HANDLED: &str = "handled";
pub(super) const OUTBOX: &str = "outbox";
pub(super) const UNSENT_SINCE: &str = "unsent_since";
pub(super) const REMOVED: &str = "removed";

/// A document as it comes from the server.
pub(super) type Raw = RawDocumentBuf;

/// Where a document has its key for an index.
pub(super) fn key_of(index: &str) -> String {
    format!("{KEYS}.{index}")
}

/// The version; `None` when only events are left of the document. `internal` when it is no number.
pub(super) fn version(document: &RawDocument) -> Result<Option<u64>, Fault> {
    match get(document, VERSION)? {
        None => Ok(None),
        Some(value) => whole(value).map(Some).ok_or_else(|| unreadable(VERSION)),
    }
}

/// The text in this field. `internal` when there is none.
pub(super) fn text<'a>(document: &'a RawDocument, field: &'static str) -> Result<&'a str, Fault> {
    get(document, field)?.and_then(RawBsonRef::as_str).ok_or_else(|| unreadable(field))
}

/// The value of this field. `internal` when the bytes are broken.
pub(super) fn get<'a>(
    document: &'a RawDocument,
    field: &'static str,
) -> Result<Option<RawBsonRef<'a>>, Fault> {
    document.get(field).map_err(|_| unreadable(field))
}

/// A number that counts something.
pub(super) fn whole(value: RawBsonRef<'_>) -> Option<u64> {
    match value {
        RawBsonRef::Int32(number) => number.try_into().ok(),
        RawBsonRef::Int64(number) => number.try_into().ok(),
        RawBsonRef::Decimal128(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// A document that somebody else has changed in a way that we do not understand.
pub(super) fn unreadable(field: &str) -> Fault {
    Fault::internal(format!("the field {field} of a document in the store cannot be read"))
}
