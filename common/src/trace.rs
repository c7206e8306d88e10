//! W3C trace context (`traceparent`) as a value; exporting spans is telemetry's business.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// Trace id, parent span id and flags, as in W3C Trace Context level 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// The flag that says that spans of the trace are recorded.
const SAMPLED: u8 = 1;

/// The text is not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct NotATraceparent;

impl TraceContext {
    /// A new trace, sampled.
    pub fn root(random: &dyn Random) -> Self {
        let trace_id = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64() | 1);
        Self { trace_id, span_id: random.next_u64() | 1, flags: SAMPLED }
    }

    /// The same trace with a new span.
    #[must_use]
    pub fn child(self, random: &dyn Random) -> Self {
        Self { span_id: random.next_u64() | 1, ..self }
    }

    /// Whether spans of this trace are recorded.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The same with the decision whether spans of this trace are recorded.
    #[must_use]
    pub const fn sampled(self, sampled: bool) -> Self {
        let flags = if sampled { self.flags | SAMPLED } else { self.flags & !SAMPLED };
        Self { flags, ..self }
    }

    #[must_use]
    pub const fn is_same_trace(self, other: Self) -> bool {
        self.trace_id == other.trace_id
    }

    /// The ids of the trace and of the span, as numbers.
    #[must_use]
    pub const fn ids(self) -> (u128, u64) {
        (self.trace_id, self.span_id)
    }

    /// The trace's id as 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceContext {
    type Err = NotATraceparent;

    fn from_str(text: &str) -> Result<Self, NotATraceparent> {
        parse(text).ok_or(NotATraceparent)
    }
}

fn parse(text: &str) -> Option<TraceContext> {
    let lower_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let sizes = version.len() == 2 && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
    let known = version != "ff" && (version != "00" || parts.next().is_none());
    if !sizes || !known || ![version, trace, span, flags].into_iter().all(lower_hex) {
        return None;
    }
    let context = TraceContext {
        trace_id: u128::from_str_radix(trace, 16).ok()?,
        span_id: u64::from_str_radix(span, 16).ok()?,
        flags: u8::from_str_radix(flags, 16).ok()?,
    };
    (context.trace_id != 0 && context.span_id != 0).then_some(context)
}

impl TryFrom<String> for TraceContext {
    type Error = NotATraceparent;

    fn try_from(text: String) -> Result<Self, NotATraceparent> {
        text.parse()
    }
}

impl From<TraceContext> for String {
    fn from(context: TraceContext) -> Self {
        context.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_its_text_and_a_bad_one_is_refused() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(text.parse::<TraceContext>().unwrap().to_string(), text);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(bad.parse::<TraceContext>().is_err(), "{bad}");
        }
    }
}
