//! The Stripe adapter over the sandbox, by HTTP: the contract, the faults on the way, and webhooks.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use common::{Call, Clock, Code, Deadline, Kind, SystemRandom, TraceContext};
use hmac::{Hmac, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use payments::{
    domain::{Fact, SessionStatus, SessionView},
    outbound::stripe::{StripeProcessor, StripeSettings},
    ports::{PaymentProcessor, ProviderError},
};
use runtime::{
    Tasks,
    http::{HttpLimits, serve},
};
use sandbox::{Operation, Rule, Sandbox, Strike, WebhookSecret, open_store};
use sha2::Sha256;
use telemetry::Metrics;
use tempfile::TempDir;
use testkit::clock::ManualClock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use crate::processor_contract::{self, Case, Rig};

const NEW_SECRET: &str = "whsec_new";
const OLD_SECRET: &str = "whsec_old";
const DELAY: Duration = Duration::from_secs(5);

/// A sandbox that listens, and the adapter that calls it.
pub(crate) struct OverSandbox {
    pub(crate) address: SocketAddr,
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    processor: StripeProcessor,
    stop: CancellationToken,
    _folder: TempDir,
}

impl OverSandbox {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config =
            sandbox::Config::new(format!("http://{address}"), None, WebhookSecret::new(NEW_SECRET));
        config.delayed_after = DELAY;
        let store = open_store(folder.path(), Arc::clone(&shared)).unwrap();
        let sandbox = Sandbox::new(&config, store, Arc::clone(&shared), Arc::new(SystemRandom)).unwrap();
        let stop = CancellationToken::new();
        let tasks = Tasks::new(stop.clone());
        tasks.spawn("sandbox", serve(listener, sandbox.router(), HttpLimits::default(), stop.clone()));
        let processor = adapter(&format!("http://{address}"), shared);
        Self { address, sandbox, clock, processor, stop, _folder: folder }
    }

    fn strike(&self, operation: Operation, strike: Strike, times: u32) {
        assert!(self.sandbox.faults().arm(Rule { operation, strike, times }));
    }

    async fn post(&self, path: &str, form: &str) {
        let request = http::Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(form.to_owned()))
            .unwrap();
        let response = client().request(request).await.unwrap();
        assert!(response.status().is_success() || response.status().is_redirection(), "{response:?}");
    }

    async fn get(&self, path: &str) -> Bytes {
        let request = http::Request::get(format!("http://{}{path}", self.address))
            .header("authorization", "Bearer sk_test_1")
            .body(Full::default())
            .unwrap();
        client().request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
    }

    /// The newest event, as a webhook would bring it.
    async fn newest_event(&self) -> String {
        let list: serde_json::Value = serde_json::from_slice(&self.get("/v1/events?limit=1").await).unwrap();
        list["data"][0].to_string()
    }
}

impl Drop for OverSandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn client() -> Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn adapter(base: &str, clock: Arc<dyn Clock>) -> StripeProcessor {
    let settings = StripeSettings {
        secret_key: "sk_test_1".into(),
        api_base: base.into(),
        webhook_secrets: vec![NEW_SECRET.into(), OLD_SECRET.into()],
    };
    StripeProcessor::new(settings, clock, Arc::new(SystemRandom), &Metrics::new()).unwrap()
}

#[async_trait]
impl Rig for OverSandbox {
    fn processor(&self) -> &dyn PaymentProcessor {
        &self.processor
    }

    fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    async fn pay(&self, session: &SessionView, end: SessionStatus) {
        let form = match end {
            SessionStatus::Paid => "card_number=4242424242424242",
            SessionStatus::Processing => "method=delayed_success",
            SessionStatus::Failed => "method=delayed_failure",
            SessionStatus::Open | SessionStatus::Expired => panic!("nobody pays to get there"),
        };
        self.post(&format!("/c/pay/{}", session.id), form).await;
        if end == SessionStatus::Failed {
            self.clock.advance(DELAY);
        }
    }
}

#[tokio::test]
async fn the_stripe_adapter_keeps_the_contract() {
    let rig = OverSandbox::start().await;
    processor_contract::run(&rig).await;
}

#[tokio::test]
async fn a_lost_reply_and_a_busy_provider_are_asked_again_under_the_same_key() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    for strike in [Strike::DropReplyBeforeCommit, Strike::DropReplyAfterCommit, Strike::TooManyRequests] {
        rig.strike(Operation::CreateSession, strike, 2);
        let (params, since) = (case.params(), rig.clock.now());
        let session = case.create(&params, 1).await.unwrap();
        let found = rig.processor.find_checkout(params.order_id, since).await.unwrap();
        assert_eq!(found, [session], "{strike:?}");
    }
}

#[tokio::test]
async fn a_stored_server_fault_spends_the_key_and_the_session_is_found_if_it_is_there() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    for (strike, made) in [(Strike::ErrorBeforeCommit, 0), (Strike::ErrorAfterCommit, 1)] {
        rig.strike(Operation::CreateSession, strike, 1);
        let (params, since) = (case.params(), rig.clock.now());
        let error = case.create(&params, 1).await.unwrap_err();
        assert!(matches!(error, ProviderError::KeySpent(_)), "{error}");
        let found = rig.processor.find_checkout(params.order_id, since).await.unwrap();
        assert_eq!(found.len(), made, "{strike:?}");
        case.create(&params, 2).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_with_other_parameters_is_spent() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    let mut params = case.params();
    case.create(&params, 1).await.unwrap();
    params.email = None;
    let error = case.create(&params, 1).await.unwrap_err();
    assert!(matches!(error, ProviderError::KeySpent(_)), "{error}");
}

#[tokio::test]
async fn two_at_once_with_one_key_get_one_session() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    rig.strike(Operation::CreateSession, Strike::Delay { delay_ms: 150 }, 1);
    let params = case.params();
    let (one, other) = tokio::join!(case.create(&params, 1), case.create(&params, 1));
    assert_eq!(one.unwrap(), other.unwrap());
}

#[tokio::test]
async fn the_callers_deadline_bounds_a_call_and_its_outcome_is_unknown() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    rig.strike(Operation::CreateSession, Strike::Delay { delay_ms: 60_000 }, 10);
    let call = Call::new(Deadline::after(Duration::from_millis(200)), TraceContext::root(&SystemRandom));
    let begin = std::time::Instant::now();
    let error = call.scope(case.create(&case.params(), 1)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unknown(fault) if fault.kind() == Kind::DeadlineExceeded));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn nobody_there_is_an_unknown_outcome() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let clock = Arc::new(ManualClock::default());
    let processor = adapter(&format!("http://{address}"), clock);
    let fault = processor.retrieve_checkout("cs_1").await.unwrap_err();
    assert_eq!(fault.kind(), Kind::Unavailable);
    assert!(!fault.public().contains("127.0.0.1"));
}

/// Answers every request on a connection with the same refusal, and counts connections and requests.
async fn count(listener: TcpListener, connections: Arc<AtomicUsize>, requests: Arc<AtomicUsize>) {
    const REFUSAL: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}";
    while let Ok((mut stream, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut bytes = vec![0; 64 * 1024];
            while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                requests.fetch_add(1, Ordering::SeqCst);
                stream.write_all(REFUSAL).await.unwrap();
            }
        });
    }
}

#[tokio::test]
async fn calls_in_a_row_share_one_connection_and_a_refusal_is_not_repeated() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let processor =
        adapter(&format!("http://{}", listener.local_addr().unwrap()), Arc::new(ManualClock::default()));
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = tokio::spawn(count(listener, Arc::clone(&connections), Arc::clone(&requests)));
    for _ in 0..10 {
        let fault = processor.retrieve_checkout("cs_1").await.unwrap_err();
        assert_eq!(fault.code(), Code::PaymentRejected);
    }
    assert_eq!((connections.load(Ordering::SeqCst), requests.load(Ordering::SeqCst)), (1, 10));
    server.abort();
}

#[tokio::test]
async fn a_delayed_payment_is_told_apart_from_one_that_failed() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    let session = case.create(&case.params(), 1).await.unwrap();
    rig.pay(&session, SessionStatus::Processing).await;
    let now = rig.processor.retrieve_checkout(&session.id).await.unwrap();
    assert_eq!(now.status, SessionStatus::Processing);
    rig.clock.advance(DELAY);
    let later = rig.processor.retrieve_checkout(&session.id).await.unwrap();
    assert_eq!(later.status, SessionStatus::Paid);
}

fn signed(secret: &str, at_s: u64, body: &str) -> HashMap<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at_s}.{body}").as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    HashMap::from([("stripe-signature".to_owned(), format!("t={at_s},v1={signature}"))])
}

#[tokio::test]
async fn a_webhook_is_read_when_either_secret_signed_it_in_time() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    let session = case.create(&case.params(), 1).await.unwrap();
    rig.pay(&session, SessionStatus::Paid).await;
    let listed = rig.processor.list_events(rig.clock.now() - DELAY, None).await.unwrap().events;
    let completed = listed.iter().find(|event| event.kind == "checkout.session.completed").unwrap();
    let body = String::from_utf8(rig.get(&format!("/v1/events/{}", completed.id)).await.to_vec()).unwrap();
    let now = rig.clock.now().as_secs();
    for secret in [NEW_SECRET, OLD_SECRET] {
        let event = rig.processor.parse_webhook(&signed(secret, now, &body), body.as_bytes()).unwrap();
        assert_eq!(event, *completed);
        assert!(matches!(event.fact, Fact::Session(view) if view.status == SessionStatus::Paid));
    }
    for headers in [signed("whsec_gone", now, &body), signed(NEW_SECRET, now - 301, &body), HashMap::new()] {
        let fault = rig.processor.parse_webhook(&headers, body.as_bytes()).unwrap_err();
        assert_eq!(fault.code(), Code::InvalidSignature);
    }
}

#[tokio::test]
async fn a_verified_event_that_cannot_be_read_is_no_forgery() {
    let rig = OverSandbox::start().await;
    let case = Case::new(&rig, 1);
    let session = case.create(&case.params(), 1).await.unwrap();
    rig.processor.expire_checkout(&session.id).await.unwrap();
    let now = rig.clock.now().as_secs();
    let body = rig.newest_event().await;
    let broken = body.replace("\"amount_total\":2800", "\"amount_total\":null");
    assert_ne!(broken, body);
    let event = rig.processor.parse_webhook(&signed(NEW_SECRET, now, &broken), broken.as_bytes()).unwrap();
    assert!(matches!(event.fact, Fact::Unreadable { .. }), "{:?}", event.fact);
    let other = body.replace("checkout.session.expired", "customer.created");
    let event = rig.processor.parse_webhook(&signed(NEW_SECRET, now, &other), other.as_bytes()).unwrap();
    assert_eq!(event.fact, Fact::Unknown);
    let fault = rig.processor.parse_webhook(&signed(NEW_SECRET, now, "[]"), b"[]").unwrap_err();
    assert_eq!(fault.code(), Code::InvalidRequest);
}
