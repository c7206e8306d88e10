//! Where a page ended, as an opaque text: good only for the same index, order and prefix.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Code, Fault};

use crate::port::{Collection, IndexQuery, Order};

/// Changes with the meaning of what follows; a cursor of another version is foreign.
const VERSION: &str = "1.";

/// The cursor behind the entry at `place`: the entry's key without what all entries of the index have in common.
pub(crate) fn encode(collection: Collection, query: &IndexQuery, place: &[u8]) -> String {
    let mut bytes = scope(collection, query);
    bytes.extend_from_slice(place);
    format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The place where the page before ended. `invalid_parameter` for a cursor of another list.
pub(crate) fn decode(collection: Collection, query: &IndexQuery, cursor: &str) -> Result<Vec<u8>, Fault> {
    let encoded = cursor.strip_prefix(VERSION);
    let bytes = encoded.and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
    let place = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(&*scope(collection, query)));
    match place {
        Some(place) if place.starts_with(query.prefix.as_bytes()) => Ok(place.to_owned()),
        _ => Err(foreign()),
    }
}

/// What a cursor of another list gives.
pub(crate) fn foreign() -> Fault {
    Fault::new(Code::InvalidParameter, "this cursor does not belong to this list")
}

fn scope(collection: Collection, query: &IndexQuery) -> Vec<u8> {
    let order = match query.order {
        Order::Ascending => "up",
        Order::Descending => "down",
    };
    format!("{collection}\0{}\0{order}\0", query.index.unwrap_or_default()).into_bytes()
}
