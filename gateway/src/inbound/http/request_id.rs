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

/// The caller's span; `None` when it is absent or unreadable.
pub(crate) fn parent(headers: &HeaderMap) -> Option<TraceContext> {
    let mut sent = headers.get_all(TRACEPARENT).iter();
    match (sent.next(), sent.next()) {
        (Some(value), None) => value.to_str().ok()?.parse().ok(),
        _ => None,
    }
}

fn is_fit(id: &str) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-+/=".contains(&b))
}
