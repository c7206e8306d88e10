//! Faults on the wire: `tonic::Status` with `google.rpc.ErrorInfo`, `BadRequest` and `RetryInfo`, there and back.

use std::time::Duration;

use common::{Code, Fault, Kind};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

/// The `domain` of every `ErrorInfo` of ours.
pub const DOMAIN: &str = "ordermesh";

/// The status that tells a caller of this fault. The detail stays here: log it before.
#[must_use]
pub fn to_status(fault: &Fault) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = fault
        .metadata()
        .iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect::<std::collections::HashMap<_, _>>();
    details.set_error_info(fault.code().as_str(), DOMAIN, metadata);
    for violation in fault.violations() {
        details.add_bad_request_violation(&violation.pointer, &violation.detail);
    }
    if fault.retry_after().is_some() {
        details.set_retry_info(fault.retry_after());
    }
    Status::with_error_details(grpc_code(fault.kind()), fault.public(), details)
}

/// The fault that a status stands for. One without our `ErrorInfo` comes from a transport or a stranger: its text
/// is detail, never public.
#[must_use]
pub fn to_fault(status: &Status) -> Fault {
    let details = status.get_error_details();
    let known =
        details.error_info().filter(|i| i.domain == DOMAIN).and_then(|i| Some((i, Code::parse(&i.reason)?)));
    let Some((info, code)) = known else { return foreign(status) };
    let mut fault = Fault::new(code, status.message().to_owned()).with_kind(kind(status.code(), code));
    for (key, value) in &info.metadata {
        fault = fault.with_metadata(key, value);
    }
    for violation in details.bad_request().iter().flat_map(|b| &b.field_violations) {
        fault = fault.with_violation(&violation.field, &violation.description);
    }
    match details.retry_info().and_then(|r| r.retry_delay) {
        Some(after) => fault.with_retry_after(after),
        None => fault,
    }
}

/// Whether a server of ours made this status on purpose; such a one says nothing about the endpoint's health.
#[must_use]
pub fn is_reported(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.domain == DOMAIN)
}

fn foreign(status: &Status) -> Fault {
    let detail = format!("{:?}: {}", status.code(), status.message());
    match status.code() {
        tonic::Code::DeadlineExceeded | tonic::Code::Cancelled => Fault::deadline_exceeded(detail),
        tonic::Code::Unavailable => Fault::unavailable(detail),
        tonic::Code::ResourceExhausted => {
            Fault::new(Code::ResourceExhausted, "the service is busy; try again")
                .with_detail(detail)
                .with_retry_after(Duration::from_secs(1))
        }
        _ => Fault::internal(detail),
    }
}

fn grpc_code(kind: Kind) -> tonic::Code {
    match kind {
        Kind::Invalid => tonic::Code::InvalidArgument,
        Kind::NotFound => tonic::Code::NotFound,
        Kind::Conflict => tonic::Code::FailedPrecondition,
        Kind::Aborted | Kind::VersionConflict => tonic::Code::Aborted,
        Kind::Forbidden => tonic::Code::PermissionDenied,
        Kind::Exhausted => tonic::Code::ResourceExhausted,
        Kind::Unavailable => tonic::Code::Unavailable,
        Kind::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Kind::Internal => tonic::Code::Internal,
    }
}

/// The kind behind a gRPC code; where several kinds share one, the reason's own kind decides.
fn kind(grpc: tonic::Code, code: Code) -> Kind {
    match grpc {
        tonic::Code::InvalidArgument => Kind::Invalid,
        tonic::Code::NotFound => Kind::NotFound,
        tonic::Code::FailedPrecondition => Kind::Conflict,
        tonic::Code::PermissionDenied => Kind::Forbidden,
        tonic::Code::ResourceExhausted => Kind::Exhausted,
        tonic::Code::Unavailable => Kind::Unavailable,
        tonic::Code::DeadlineExceeded => Kind::DeadlineExceeded,
        tonic::Code::Aborted => code.kind(),
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_the_wire_without_its_detail() {
        for code in Code::ALL {
            let fault = Fault::new(*code, "public")
                .with_detail("private")
                .with_metadata("lines", "[]")
                .with_violation("/items/0", "unknown")
                .with_retry_after(Duration::from_secs(2));
            let back = to_fault(&to_status(&fault));
            assert_eq!(
                (back.kind(), back.code(), back.public()),
                (fault.kind(), *code, "public"),
                "{code:?}"
            );
            assert_eq!(back.detail(), None);
            assert_eq!(back.metadata()["lines"], "[]");
            assert_eq!(back.violations(), fault.violations());
            assert_eq!(back.retry_after(), Some(Duration::from_secs(2)));
        }
    }

    #[test]
    fn a_status_of_a_stranger_is_never_shown() {
        let fault = to_fault(&Status::unavailable("tcp connect error 127.0.0.1:2000"));
        assert_eq!(fault.kind(), Kind::Unavailable);
        assert!(!fault.public().contains("127.0.0.1"));
        assert!(!is_reported(&Status::internal("h2 protocol error")));
    }
}
