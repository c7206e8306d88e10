//! The pooled connection to the provider: one HTTP exchange, bounded in time and size, with its status and headers
//! kept.

use std::{fmt, time::Duration};

use bytes::Bytes;
use common::{Call, Code, Deadline, Fault};
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use stripe_client_core::{RequestBuilder, StripeMethod, VERSION};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one attempt may take; a black hole costs no more.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// Deadline of a call whose task has none.
pub(super) const DEFAULT_DEADLINE: Duration = Duration::from_secs(20);
/// Stripe closes idle connections after about a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const IDLE_MAX: usize = 128;
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
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
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
        Ok(Self { http: pool()?, base, authorization })
    }

    /// One attempt, within the deadline of the present call. `deadline_exceeded` without an answer in time,
    /// `unavailable` when there is no connection or it broke; both leave the outcome unknown.
    pub(super) async fn exchange(&self, request: &RequestBuilder, key: Option<&str>) -> Result<Reply, Fault> {
        let request = self.request(request, key)?;
        let deadline = deadline().min(Deadline::after(ATTEMPT_TIMEOUT));
        deadline.bound("the payment provider", self.round_trip(request)).await
    }

    fn request(&self, request: &RequestBuilder, key: Option<&str>) -> Result<Request<Full<Bytes>>, Fault> {
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
            .header("stripe-version", VERSION.as_str());
        if let Some(key) = key {
            builder = builder.header("idempotency-key", key);
        }
        if body.is_some() {
            builder = builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::from(body.unwrap_or_default());
        builder.body(body).map_err(|e| Fault::internal(format!("request to the provider: {e}")))
    }

    async fn round_trip(&self, request: Request<Full<Bytes>>) -> Result<Reply, Fault> {
        let response = self.http.request(request).await.map_err(|e| {
            let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            Fault::unavailable(format!("payment provider: {e}: {cause}"))
        })?;
        read(response).await
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

/// Plain HTTP is for the sandbox; Stripe's own address is HTTPS.
fn pool() -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, Fault> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let provider = rustls::crypto::ring::default_provider();
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(provider)
        .map_err(|e| Fault::internal(format!("TLS: {e}")))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_TIMEOUT).pool_max_idle_per_host(IDLE_MAX);
    Ok(builder.build(https))
}

async fn read(response: Response<Incoming>) -> Result<Reply, Fault> {
    let (head, body) = response.into_parts();
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let flag = |name: &str| text(name).and_then(|value| value.parse::<bool>().ok());
    let retry_after = text("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
    let (replayed, should_retry) =
        (flag("idempotent-replayed").unwrap_or(false), flag("stripe-should-retry"));
    let body = Limited::new(body, BODY_MAX)
        .collect()
        .await
        .map_err(|e| Fault::unavailable(format!("payment provider's answer broke off: {e}")))?
        .to_bytes();
    Ok(Reply { status: head.status.as_u16(), body, replayed, should_retry, retry_after })
}
