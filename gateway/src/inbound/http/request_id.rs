//! The names of a request: its own id, echoed or made, and the trace that it belongs to.

use common::{Random, TraceContext};
use http::{HeaderMap, HeaderName};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID_MAX: usize = 128;

/// The caller's request id if it is fit to be written into logs and headers, else a new one.
pub(crate) fn request_id(headers: &HeaderMap, random: &dyn Random) -> String {
    let sent = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    match sent.filter(|id| is_fit(id)) {
        Some(id) => id.to_owned(),
        None => format!("{:016x}{:016x}", random.next_u64(), random.next_u64()),
    }
}

/// A span of ours in the caller's trace, or in a new one when theirs is absent or unreadable.
pub(crate) fn trace(headers: &HeaderMap, random: &dyn Random) -> TraceContext {
    let mut sent = headers.get_all(TRACEPARENT).iter();
    let parent = match (sent.next(), sent.next()) {
        (Some(value), None) => value.to_str().ok().and_then(|text| text.parse::<TraceContext>().ok()),
        _ => None,
    };
    parent.map_or_else(|| TraceContext::root(random), |parent| parent.child(random))
}

fn is_fit(id: &str) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-+/=".contains(&b))
}
