//! A `StripeClient` of ours: pooled, bounded, counted; it repeats what may be repeated under the same key, and tells a
//! refusal from a spent key from an unknown outcome.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use common::{Call, Fault, Random, Span, SpanKind, Spans, span::Opening};
use miniserde::json;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
};
use stripe_client_core::{
    CustomizedStripeRequest, RequestBuilder, StripeClient, StripeClientErr, StripeMethod,
};
use telemetry::Metrics;
use tokio::time::Instant;

use super::connection::{Connection, Reply, deadline};

/// Attempts at one request, the first included.
const ATTEMPTS_MAX: u32 = 4;
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause that is waited out; a provider that asks for more is asked again later, by the sweep.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Why there is no object.
#[derive(Debug)]
pub(super) enum Failure {
    /// A definite 4xx: it did not happen and never will.
    Refused {
        detail: String,
    },
    /// The key keeps a server fault, or was used with another body.
    KeySpent(String),
    Unknown(Fault),
}

impl StripeClientErr for Failure {
    fn deserialize_err(msg: impl fmt::Display) -> Self {
        Self::Unknown(Fault::unavailable(format!("the provider's answer cannot be read: {msg}")))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    operation: &'static str,
    outcome: &'static str,
}

/// The client. Every request that goes through it may be repeated: it reads, has a key, or expires.
#[derive(Debug)]
pub(super) struct Client {
    connection: Connection,
    random: Arc<dyn Random>,
    spans: Spans,
    latencies: Family<Labels, Histogram, fn() -> Histogram>,
}

/// The client, on behalf of one operation.
pub(super) struct Named<'a> {
    client: &'a Client,
    operation: &'static str,
}

impl Client {
    pub(super) fn new(
        secret_key: &str,
        base: &str,
        random: Arc<dyn Random>,
        metrics: &Metrics,
    ) -> Result<Self, Fault> {
        let help = "Time of one request to the payment provider, retries included";
        Ok(Self {
            connection: Connection::new(secret_key, base)?,
            spans: Spans::off(Arc::clone(&random)),
            random,
            latencies: metrics.latencies("payment_provider_seconds", help),
        })
    }

    pub(super) fn traced(self, spans: Spans) -> Self {
        Self { spans, ..self }
    }

    pub(super) fn named(&self, operation: &'static str) -> Named<'_> {
        Named { client: self, operation }
    }

    async fn send(&self, request: &RequestBuilder, key: Option<&str>) -> Result<Bytes, Failure> {
        let mut attempt = 1;
        loop {
            let (pause, fault) = match judge(self.exchange(request, key, attempt).await) {
                Verdict::Done(body) => return Ok(body),
                Verdict::Failed(failure) => return Err(failure),
                Verdict::Again { after, fault } => (self.pause(attempt).max(after), fault),
            };
            if attempt == ATTEMPTS_MAX || pause > PAUSE_MAX || deadline().remaining() <= pause {
                return Err(Failure::Unknown(fault));
            }
            tracing::debug!(path = request.path, attempt, %fault, "provider request is repeated");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One attempt, in a span of its own.
    async fn exchange(
        &self,
        request: &RequestBuilder,
        key: Option<&str>,
        attempt: u32,
    ) -> Result<Reply, Fault> {
        let mut span = self.span(request, attempt);
        let exchange = self.connection.exchange(request, key).await;
        span.note(&exchange);
        if let Ok(reply) = &exchange {
            span.set("http.response.status_code", reply.status);
            if reply.status >= 400 {
                span.fail("refused");
            }
        }
        exchange
    }

    fn span(&self, request: &RequestBuilder, attempt: u32) -> Span {
        let (method, template) = (method(request), Template(&request.path));
        let mut span = self.spans.start(Opening {
            kind: SpanKind::Client,
            name: format_args!("{method} {template}"),
            parent: Call::current_trace(),
            links: &[],
        });
        span.set("http.request.method", method);
        span.set_shown("url.template", &template);
        span.set("peer.service", "stripe");
        if attempt > 1 {
            span.set("http.request.resend_count", attempt - 1);
        }
        span
    }

    /// Doubling, with half of it left to chance, so that many do not come back at once.
    fn pause(&self, attempt: u32) -> Duration {
        let whole = PAUSE_FIRST.saturating_mul(1 << attempt.min(8)).min(PAUSE_MAX);
        let half = u64::try_from(whole.as_millis() / 2).unwrap_or(u64::MAX);
        Duration::from_millis(half + self.random.below(half))
    }
}

const fn method(request: &RequestBuilder) -> &'static str {
    match request.method {
        StripeMethod::Get => "GET",
        StripeMethod::Delete => "DELETE",
        StripeMethod::Post => "POST",
    }
}

/// A path of the provider without the ids in it: they have digits, its own words have none.
struct Template<'a>(&'a str);

impl fmt::Display for Template<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/v1")?;
        self.0.split('/').skip(1).try_for_each(|part| {
            let is_id = part.bytes().any(|byte| byte.is_ascii_digit());
            write!(f, "/{}", if is_id { "{id}" } else { part })
        })
    }
}

impl StripeClient for Named<'_> {
    type Err = Failure;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Failure> {
        let (request, config) = request.into_pieces();
        let key = config.request_strategy.and_then(|strategy| strategy.get_key());
        let begin = Instant::now();
        let result = self.client.send(&request, key.as_ref().map(|key| key.as_str())).await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(Failure::Refused { .. }) => "refused",
            Err(Failure::KeySpent(_)) => "key_spent",
            Err(Failure::Unknown(_)) => "unknown",
        };
        let labels = Labels { operation: self.operation, outcome };
        self.client.latencies.get_or_create(&labels).observe(begin.elapsed().as_secs_f64());
        result
    }
}

enum Verdict {
    Done(Bytes),
    Failed(Failure),
    Again { after: Duration, fault: Fault },
}

#[derive(miniserde::Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

#[derive(Default, miniserde::Deserialize)]
struct ErrorObject {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    message: Option<String>,
    param: Option<String>,
}

/// What an answer, or the lack of one, means. The key's own conflicts come before the status: a 409 is a request
/// with the same key still under way, and a server fault with the replay mark is what the key will always say.
fn judge(exchange: Result<Reply, Fault>) -> Verdict {
    let reply = match exchange {
        Ok(reply) => reply,
        Err(fault) => return Verdict::Again { after: Duration::ZERO, fault },
    };
    if (200..300).contains(&reply.status) {
        return Verdict::Done(reply.body);
    }
    let error = error_of(&reply.body);
    let detail = describe(reply.status, &error);
    if error.kind.as_deref() == Some("idempotency_error") && reply.status != 409 {
        return Verdict::Failed(Failure::KeySpent(detail));
    }
    match reply.status {
        500.. if reply.replayed => Verdict::Failed(Failure::KeySpent(detail)),
        409 | 424 | 429 | 500.. => again(&reply, detail),
        _ if reply.should_retry == Some(true) => again(&reply, detail),
        // The provider refuses us, not the request: an outage that an operator ends.
        401 | 403 => Verdict::Failed(Failure::Unknown(Fault::unavailable(detail))),
        400..500 => Verdict::Failed(Failure::Refused { detail }),
        _ => Verdict::Failed(Failure::Unknown(Fault::unavailable(detail))),
    }
}

fn again(reply: &Reply, detail: String) -> Verdict {
    let mut fault = Fault::unavailable(detail);
    if let Some(after) = reply.retry_after {
        fault = fault.with_retry_after(after);
    }
    if reply.should_retry == Some(false) {
        return Verdict::Failed(Failure::Unknown(fault));
    }
    Verdict::Again { after: reply.retry_after.unwrap_or_default(), fault }
}

fn error_of(body: &Bytes) -> ErrorObject {
    let text = std::str::from_utf8(body).unwrap_or_default();
    json::from_str::<ErrorBody>(text).map(|body| body.error).unwrap_or_default()
}

fn describe(status: u16, error: &ErrorObject) -> String {
    let field = |name: &str, value: &Option<String>| {
        value.as_ref().map_or_else(String::new, |value| format!(" {name}={value:?}"))
    };
    let (code, param) = (field("code", &error.code), field("param", &error.param));
    format!("provider answered {status}{code}{param}{}", field("message", &error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &'static str) -> Reply {
        Reply {
            status,
            body: Bytes::from_static(body.as_bytes()),
            replayed: false,
            should_retry: None,
            retry_after: None,
        }
    }

    fn outcome(reply: Reply) -> &'static str {
        match judge(Ok(reply)) {
            Verdict::Done(_) => "done",
            Verdict::Again { .. } => "again",
            Verdict::Failed(Failure::Refused { .. }) => "refused",
            Verdict::Failed(Failure::KeySpent(_)) => "spent",
            Verdict::Failed(Failure::Unknown(_)) => "unknown",
        }
    }

    #[test]
    fn each_answer_means_what_it_says_about_the_outcome() {
        for (status, expected) in [
            (200, "done"),
            (400, "refused"),
            (402, "refused"),
            (404, "refused"),
            (401, "unknown"),
            (403, "unknown"),
            (409, "again"),
            (429, "again"),
            (500, "again"),
            (503, "again"),
        ] {
            assert_eq!(outcome(reply(status, "not json")), expected, "{status}");
        }
    }

    #[test]
    fn a_replayed_server_fault_and_a_key_with_another_body_are_final_for_the_key() {
        assert_eq!(outcome(Reply { replayed: true, ..reply(500, "{}") }), "spent");
        assert_eq!(outcome(Reply { replayed: true, ..reply(402, "{}") }), "refused");
        assert_eq!(outcome(reply(400, r#"{"error":{"type":"idempotency_error"}}"#)), "spent");
        let in_use = r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#;
        assert_eq!(outcome(reply(409, in_use)), "again");
    }

    #[test]
    fn a_spans_name_holds_no_id() {
        for (path, name) in [
            ("/checkout/sessions", "/v1/checkout/sessions"),
            ("/checkout/sessions/cs_test_a1B2/expire", "/v1/checkout/sessions/{id}/expire"),
        ] {
            assert_eq!(Template(path).to_string(), name);
        }
    }

    #[test]
    fn the_providers_advice_wins() {
        assert_eq!(outcome(Reply { should_retry: Some(false), ..reply(500, "{}") }), "unknown");
        assert_eq!(outcome(Reply { should_retry: Some(true), ..reply(400, "{}") }), "again");
    }
}
