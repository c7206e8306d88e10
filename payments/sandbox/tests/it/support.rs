//! A sandbox on a temporary folder, asked through its router.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use common::{Clock, SystemRandom};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use sandbox::{Config, Sandbox, WebhookSecret, open_store};
use serde_json::Value;
use tempfile::TempDir;
use testkit::clock::ManualClock;
use tower::ServiceExt as _;

pub(crate) const PUBLIC_URL: &str = "http://127.0.0.1:8090";
pub(crate) const SECRET: &str = "whsec_test";

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    _folder: TempDir,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The code, or else the type, of an error body.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        let field = |name: &str| json["error"][name].as_str().map(str::to_owned);
        field("code").or(field("type")).unwrap()
    }

    pub(crate) fn param(&self) -> String {
        self.json()["error"]["param"].as_str().unwrap().to_owned()
    }

    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn config(webhook_url: Option<String>) -> Config {
    let mut config = Config::new(PUBLIC_URL, webhook_url, WebhookSecret::new(SECRET));
    config.delayed_after = Duration::from_secs(5);
    config
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(&config(None))
    }

    pub(crate) fn with(config: &Config) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let store = open_store(folder.path(), Arc::clone(&shared)).unwrap();
        let sandbox = Sandbox::new(config, store, shared, Arc::new(SystemRandom)).unwrap();
        Self { sandbox, clock, _folder: folder }
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Reply {
        self.post_with(path, form, None).await
    }

    pub(crate) async fn post_with(&self, path: &str, form: &str, key: Option<&str>) -> Reply {
        let mut request = Request::post(path)
            .header(header::AUTHORIZATION, "Bearer sk_test_1")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        ask(self.sandbox.router(), request.body(Body::from(form.to_owned())).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let request = Request::get(path).header(header::AUTHORIZATION, "Bearer sk_test_1");
        ask(self.sandbox.router(), request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// The answer, or `None` when the reply was dropped.
    pub(crate) async fn try_post(&self, path: &str, form: &str, key: &str) -> Option<Reply> {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, "Bearer sk_test_1")
            .header("idempotency-key", key)
            .body(Body::from(form.to_owned()))
            .unwrap();
        ask(self.sandbox.router(), request).await
    }

    /// A session for an order.
    pub(crate) async fn session(&self, reference: &str) -> String {
        self.post("/v1/checkout/sessions", &self.order(reference)).await.id()
    }

    /// The form of a session for an order: 2 × 1250 usd.
    pub(crate) fn order(&self, reference: &str) -> String {
        let expires_at = self.clock.now().as_secs() + 2700;
        format!(
            "mode=payment&client_reference_id={reference}&expires_at={expires_at}&{LINE}\
             &success_url=http://shop.example/ok?s={{CHECKOUT_SESSION_ID}}&cancel_url=http://shop.example/no\
             &metadata[order]={reference}&payment_intent_data[metadata][order]={reference}"
        )
    }

    pub(crate) async fn pay(&self, session: &str, form: &str) -> Reply {
        self.post(&format!("/c/pay/{session}"), form).await
    }

    pub(crate) async fn charges(&self, reference: &str) -> Vec<Value> {
        let reply = self.get(&format!("/sandbox/charges?client_reference_id={reference}")).await;
        reply.json()["charges"].as_array().unwrap().clone()
    }

    /// The types of all events, oldest first.
    pub(crate) async fn event_types(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100").await.json();
        let types = events["data"].as_array().unwrap().iter().rev();
        types.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) const LINE: &str = "line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=1250\
     &line_items[0][price_data][product_data][name]=Cheese&line_items[0][quantity]=2";

pub(crate) const VISA: &str = "card_number=4242424242424242";

async fn ask(router: Router, request: Request<Body>) -> Option<Reply> {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.ok()?.to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Some(Reply { status: parts.status, headers: parts.headers, text })
}

/// Waits until the condition holds; fails after ten seconds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
