//! What the exporter is told, in the words of OpenTelemetry's environment variables, each checked.

use std::{fmt, str::FromStr};

use common::TraceContext;
use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample as _};
use percent_encoding::percent_decode_str;

/// Where spans go and which.
#[derive(Clone)]
pub struct OtlpSettings {
    /// Such as `http://127.0.0.1:4317`; for HTTP, `/v1/traces` is added to it.
    pub endpoint: String,
    pub protocol: Protocol,
    /// Sent with each export. May hold a token: never shown.
    pub headers: Vec<(String, String)>,
    pub sampler: Sampler,
    /// Attributes of whoever makes the spans.
    pub resource: Vec<(String, String)>,
    /// In place of the service's own name; for a process with one service.
    pub service_name: Option<String>,
}

impl OtlpSettings {
    /// Everything to this endpoint over gRPC, each service under its own name.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            protocol: Protocol::Grpc,
            headers: Vec::new(),
            sampler: Sampler::default(),
            resource: Vec::new(),
            service_name: None,
        }
    }
}

impl fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (endpoint, protocol, sampler) = (&self.endpoint, self.protocol, &self.sampler);
        write!(f, "OtlpSettings({endpoint}, {protocol:?}, {sampler:?})")
    }
}

/// `key=value` pairs, comma-separated, the values percent-encoded.
///
/// # Errors
/// What is wrong with the text; it does not repeat a value, which may be secret.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| pair(part).ok_or_else(|| "is not a list of key=value".to_owned())).collect()
}

fn pair(part: &str) -> Option<(String, String)> {
    let (key, value) = part.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let key = key.trim();
    (!key.is_empty()).then(|| (key.to_owned(), value.into_owned()))
}

/// How spans are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    HttpProtobuf,
}

impl FromStr for Protocol {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "grpc" => Ok(Self::Grpc),
            "http/protobuf" => Ok(Self::HttpProtobuf),
            _ => Err("expected grpc or http/protobuf"),
        }
    }
}

/// Which traces are recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    /// Follow the decision that came with the parent.
    parent_based: bool,
    root: Root,
}

#[derive(Clone, Debug, PartialEq)]
enum Root {
    On,
    Off,
    /// By the trace's id, so that every service decides the same.
    Ratio(f64),
}

impl Default for Sampler {
    fn default() -> Self {
        Self { parent_based: true, root: Root::On }
    }
}

impl Sampler {
    /// The sampler with this name of OpenTelemetry's; the argument is the share of a ratio.
    ///
    /// # Errors
    /// What is wrong with the name or the argument.
    pub fn parse(name: &str, argument: Option<&str>) -> Result<Self, String> {
        let (parent_based, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name),
        };
        let root = match root {
            "always_on" => Root::On,
            "always_off" => Root::Off,
            "traceidratio" => Root::Ratio(share(argument.unwrap_or("1"))?),
            _ => return Err(format!("{name:?} is no sampler")),
        };
        Ok(Self { parent_based, root })
    }

    /// Whether a span is recorded.
    pub(super) fn takes(&self, context: TraceContext, parent: Option<TraceContext>) -> bool {
        match (parent.filter(|_| self.parent_based), &self.root) {
            (Some(parent), _) => parent.is_sampled(),
            (None, Root::On) => true,
            (None, Root::Off) => false,
            (None, Root::Ratio(share)) => {
                let sampler = opentelemetry_sdk::trace::Sampler::TraceIdRatioBased(*share);
                let id = TraceId::from(context.ids().0);
                let result = sampler.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
                result.decision == SamplingDecision::RecordAndSample
            }
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("{text:?} is no share from 0 to 1"))
}

#[cfg(test)]
mod tests {
    use common::SystemRandom;

    use super::*;

    #[test]
    fn a_sampler_follows_the_parent_unless_it_is_told_not_to() {
        let context = TraceContext::root(&SystemRandom);
        for (name, alone, below_taken, below_left) in [
            ("always_on", true, true, true),
            ("always_off", false, false, false),
            ("parentbased_always_on", true, true, false),
            ("parentbased_always_off", false, true, false),
            ("parentbased_traceidratio", true, true, false),
        ] {
            let sampler = Sampler::parse(name, Some("1.0")).unwrap();
            assert_eq!(sampler.takes(context, None), alone, "{name}");
            assert_eq!(sampler.takes(context, Some(context.sampled(true))), below_taken, "{name}");
            assert_eq!(sampler.takes(context, Some(context.sampled(false))), below_left, "{name}");
        }
        for (name, argument) in
            [("sometimes", None), ("traceidratio", Some("2")), ("traceidratio", Some("x"))]
        {
            assert!(Sampler::parse(name, argument).is_err(), "{name} {argument:?}");
        }
    }

    #[test]
    fn a_ratio_takes_its_share() {
        let sampler = Sampler::parse("traceidratio", Some("0.25")).unwrap();
        let taken = (0..4000).filter(|_| sampler.takes(TraceContext::root(&SystemRandom), None)).count();
        assert!((800..1200).contains(&taken), "{taken}");
    }

    #[test]
    fn pairs_are_decoded_and_a_bad_one_is_refused_without_repeating_it() {
        let read = pairs("authorization=Bearer%20abc, tenant=a=b,").unwrap();
        let expected = [("authorization", "Bearer abc"), ("tenant", "a=b")];
        assert_eq!(read, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(!pairs("a=b,secret").unwrap_err().contains("secret"));
    }
}
