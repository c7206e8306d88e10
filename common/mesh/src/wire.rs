//! The gRPC headers that the mesh reads and writes itself: deadline, trace and status.

use std::{io::Write as _, time::Duration};

use common::TraceContext;
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::Code;

pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// The protocol allows eight digits.
const MAX_TIMEOUT_VALUE: u128 = 99_999_999;

/// How a server ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Code,
    /// The status carries details, as every fault that a handler reports does (`ErrorInfo`). What a broken server,
    /// its transport or a proxy says carries none; only that speaks against the endpoint.
    pub(crate) reported: bool,
}

/// The end of a call, if these headers or trailers announce it.
pub(crate) fn ended(headers: &HeaderMap) -> Option<Ended> {
    let code = Code::from_bytes(headers.get(GRPC_STATUS)?.as_bytes());
    Some(Ended { code, reported: headers.contains_key(GRPC_STATUS_DETAILS) })
}

/// `grpc-timeout` for the time that is left: microseconds while eight digits hold them, else milliseconds. Never
/// more than is left.
pub(crate) fn timeout_value(left: Duration) -> HeaderValue {
    let micros = left.as_micros();
    let (value, unit) = if micros <= MAX_TIMEOUT_VALUE { (micros, 'u') } else { (left.as_millis(), 'm') };
    let mut text = [0; 16];
    written(&mut text, format_args!("{}{unit}", value.min(MAX_TIMEOUT_VALUE)))
}

/// `traceparent` for this context.
pub(crate) fn trace_value(trace: TraceContext) -> HeaderValue {
    let mut text = [0; 64];
    written(&mut text, format_args!("{trace}"))
}

fn written(buffer: &mut [u8], text: std::fmt::Arguments<'_>) -> HeaderValue {
    let size = buffer.len();
    let mut rest = &mut *buffer;
    rest.write_fmt(text).expect("the buffer is as long as the longest text");
    let left = rest.len();
    let mut value = HeaderValue::from_bytes(&buffer[..size - left]).expect("digits, letters and dashes");
    // Different in each call: in HPACK's table it would only drive out what repeats.
    value.set_sensitive(true);
    value
}

/// The time that a request's `grpc-timeout` gives; `None` when there is none or it cannot be read.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let well_formed = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let value: u64 = digits.parse().ok().filter(|_| well_formed)?;
    Some(match unit {
        "n" => Duration::from_nanos(value),
        "u" => Duration::from_micros(value),
        "m" => Duration::from_millis(value),
        "S" => Duration::from_secs(value),
        "M" => Duration::from_secs(value * 60),
        "H" => Duration::from_secs(value * 3600),
        _ => return None,
    })
}

/// The trace that a request belongs to, if it says so.
pub(crate) fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    headers.get(TRACEPARENT)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &'static str) -> Option<Duration> {
        timeout(&HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_static(text))]))
    }

    #[test]
    fn a_timeout_survives_its_text_and_never_grows() {
        for left in [0, 1, 999, 5_000_000, 99_999_999, 100_000_000, 3_600_000_000, 1_000_000_000_000] {
            let left = Duration::from_micros(left);
            let headers = HeaderMap::from_iter([(GRPC_TIMEOUT, timeout_value(left))]);
            let back = timeout(&headers).unwrap();
            assert!(
                back <= left && left - back <= left / 1000 + Duration::from_secs(900_000),
                "{left:?}: {back:?}"
            );
            assert!(left > Duration::from_secs(99) || back == left, "{left:?}: {back:?}");
        }
    }

    #[test]
    fn every_unit_is_read_and_nonsense_is_not() {
        assert_eq!(parsed("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parsed("3S"), Some(Duration::from_secs(3)));
        for bad in ["", "u", "5", "-5u", "+5u", "5x", "123456789u", "５u"] {
            let value = HeaderValue::from_bytes(bad.as_bytes()).unwrap();
            assert_eq!(timeout(&HeaderMap::from_iter([(GRPC_TIMEOUT, value)])), None, "{bad}");
        }
    }

    #[test]
    fn a_status_with_details_is_a_report_of_the_service() {
        let mut headers = HeaderMap::new();
        assert_eq!(ended(&headers), None);
        headers.insert(GRPC_STATUS, HeaderValue::from_static("14"));
        assert_eq!(ended(&headers), Some(Ended { code: Code::Unavailable, reported: false }));
        headers.insert(GRPC_STATUS_DETAILS, HeaderValue::from_static("CA4"));
        assert_eq!(ended(&headers), Some(Ended { code: Code::Unavailable, reported: true }));
    }
}
