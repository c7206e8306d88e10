//! How a call's span is named and what it says, in OpenTelemetry's words for RPC; the same on both sides.

use common::{Span, SpanKind, Spans, TraceContext, span::Opening};
use tonic::Code;

/// Services that are asked all the time by agents and probes, and that tell nothing of any order.
const PROBES: &str = "/grpc.";

/// Begins the span of a call or an attempt; `path` is `/package.Service/Method`.
pub(crate) fn open(spans: &Spans, kind: SpanKind, path: &str, parent: Option<TraceContext>) -> Span {
    let name = path.strip_prefix('/').unwrap_or(path);
    let mut span = spans.start(Opening { kind, name: format_args!("{name}"), parent, links: &[] });
    if span.is_recorded() {
        let (service, method) = name.split_once('/').unwrap_or((name, ""));
        span.set("rpc.system", "grpc");
        span.set("rpc.service", service);
        span.set("rpc.method", method);
    }
    span
}

pub(crate) fn is_probe(path: &str) -> bool {
    path.starts_with(PROBES)
}

/// Notes how the peer ended it: to a caller every code but `OK` is a failure.
pub(crate) fn answered(span: &mut Span, code: Code) {
    span.set("rpc.grpc.status_code", code as i32);
    if code != Code::Ok {
        span.fail(code.description());
    }
}

/// Notes how this side ended it: what the caller did wrong is no failure of a server.
pub(crate) fn served(span: &mut Span, code: Code) {
    span.set("rpc.grpc.status_code", code as i32);
    let ours = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    if ours {
        span.fail(code.description());
    }
}
