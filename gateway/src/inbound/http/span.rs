//! The span of a request, in OpenTelemetry's words for HTTP.

use common::{Random, Span, SpanKind, Spans, TraceContext, span::Opening};
use http::{HeaderMap, Method, StatusCode};

use super::{metrics::method_label, request_id};

/// Asked all the time by agents and probes; they tell nothing of any order.
const PROBES: [&str; 3] = ["/health", "/ready", "/metrics"];
/// Behind this, the next part of a path names a customer.
const CUSTOMERS: &str = "/api/customers/";

/// Begins the span of a request to this route; the caller's trace goes on, if there is one.
pub(super) fn open(
    spans: &Spans,
    random: &dyn Random,
    (method, path, route): (&Method, &str, Option<&str>),
    headers: &HeaderMap,
) -> Span {
    let mut parent = request_id::parent(headers);
    if PROBES.contains(&path) {
        parent = Some(parent.unwrap_or_else(|| TraceContext::root(random)).sampled(false));
    }
    let method = method_label(method);
    let kind = SpanKind::Server;
    let mut span = match route {
        Some(route) => {
            spans.start(Opening { kind, name: format_args!("{method} {route}"), parent, links: &[] })
        }
        None => spans.start(Opening { kind, name: format_args!("{method}"), parent, links: &[] }),
    };
    span.set("http.request.method", method);
    // What matches no route can be anything: it is not repeated.
    if let Some(route) = route.filter(|_| span.is_recorded()) {
        span.set("http.route", route);
        span.set("url.path", scrubbed(path).as_str());
    }
    span
}

/// Notes how it was answered: what the caller did wrong is no failure of a server.
pub(super) fn answered(span: &mut Span, status: StatusCode) {
    span.set("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.fail(status.canonical_reason().unwrap_or("server error"));
    }
}

/// The path without the customer in it: traces hold no personal data.
fn scrubbed(path: &str) -> String {
    match path.strip_prefix(CUSTOMERS) {
        Some(rest) => {
            let after = rest.find('/').map_or("", |slash| &rest[slash..]);
            format!("{CUSTOMERS}REDACTED{after}")
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_does_not_name_the_customer() {
        for (path, shown) in [
            ("/api/customers/ada/orders/ord_1", "/api/customers/REDACTED/orders/ord_1"),
            ("/api/customers/ada", "/api/customers/REDACTED"),
            ("/api/items", "/api/items"),
        ] {
            assert_eq!(scrubbed(path), shown);
        }
    }
}
