//! The connection to the provider: one HTTP exchange, bounded in time and size, with its status and headers kept.

use std::{fmt, time::Duration};

use bytes::Bytes;
use common::{Call, Code, Deadline, Fault};
use http::{HeaderValue, Method, Request, Response, Uri, header};
use runtime::http_client::HttpClient;
use stripe_client_core::{RequestBuilder, StripeMethod};

/// The API version that every request asks for: the one that the crate's requests and objects were generated from.
const API_VERSION: &str = "2026-09-30.endive";
/// How long one attempt may take; a black hole costs no more.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// Deadline of a call whose task has none.
pub(super) const DEFAULT_DEADLINE: Duration = Duration::from_secs(20);
/// A page of a hundred events is well below this.
const BODY_MAX: usize = 8 * 1024 * 1024;

/// An answer with what the retry decision needs.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// The provider replays what it stored under the key.
    pub(super) replayed: bool,
    /// The provider's own advice, when it gives one.
    pub(super) should_retry: Option<bool>,
    pub(super) retry_after: Option<Duration>,
}

/// A pool of connections to one provider.
#[derive(Clone)]
pub(super) struct Connection {
    http: HttpClient,
    base: String,
    authorization: HeaderValue,
}

impl Connection {
    /// `invalid_request` when the base is no address or the key cannot be sent.
    pub(super) fn new(secret_key: &str, base: &str) -> Result<Self, Fault> {
        let refuse = |what: &'static str| Fault::new(Code::InvalidRequest, what);
        let base = base.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| refuse("the provider's address is no URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(refuse("the provider's address is no URL"));
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {secret_key}"))
            .map_err(|_| refuse("the provider's key has characters that cannot be sent"))?;
        authorization.set_sensitive(true);
        Ok(Self { http: HttpClient::new("payment provider")?, base, authorization })
    }

    /// One attempt, within the deadline of the present call. `deadline_exceeded` without an answer in time,
    /// `unavailable` when there is no connection or it broke; both leave the outcome unknown.
    pub(super) async fn exchange(&self, request: &RequestBuilder, key: Option<&str>) -> Result<Reply, Fault> {
        let request = self.request(request, key)?;
        let deadline = deadline().min(Deadline::after(ATTEMPT_TIMEOUT));
        self.http.exchange(request, BODY_MAX, deadline).await.map(|response| reply(&response))
    }

    fn request(&self, request: &RequestBuilder, key: Option<&str>) -> Result<Request<Bytes>, Fault> {
        let (method, body) = match request.method {
            StripeMethod::Get => (Method::GET, None),
            StripeMethod::Delete => (Method::DELETE, None),
            StripeMethod::Post => (Method::POST, Some(request.body.clone().unwrap_or_default())),
        };
        let query = request.query.as_ref().filter(|query| !query.is_empty());
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let mut builder = Request::builder()
            .method(method)
            .uri(format!("{}/v1{}{query}", self.base, request.path))
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(header::USER_AGENT, concat!("ordermesh/", env!("CARGO_PKG_VERSION")))
            .header("stripe-version", API_VERSION);
        if let Some(key) = key {
            builder = builder.header("idempotency-key", key);
        }
        if body.is_some() {
            builder = builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        builder
            .body(Bytes::from(body.unwrap_or_default()))
            .map_err(|e| Fault::internal(format!("request to the provider: {e}")))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("base", &self.base).finish_non_exhaustive()
    }
}

/// The deadline of the present call, or the default one.
pub(super) fn deadline() -> Deadline {
    Call::current().map_or_else(|| Deadline::after(DEFAULT_DEADLINE), |call| call.deadline)
}

fn reply(response: &Response<Bytes>) -> Reply {
    let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let flag = |name: &str| text(name).and_then(|value| value.parse::<bool>().ok());
    Reply {
        status: response.status().as_u16(),
        body: response.body().clone(),
        replayed: flag("idempotent-replayed").unwrap_or(false),
        should_retry: flag("stripe-should-retry"),
        retry_after: text("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_api_version_is_the_one_that_the_requests_were_generated_for() {
        assert_eq!(stripe_client_core::VERSION.as_str(), API_VERSION);
    }
}
