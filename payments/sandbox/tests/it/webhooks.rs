//! Webhooks: signed, repeated until they are taken, and struck by faults.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, routing::post};
use common::Clock as _;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, StatusCode};
use runtime::Tasks;
use sandbox::{Operation, Rule, Strike, verify};
use serde_json::Value;
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, SECRET, VISA, config, eventually};

/// What a merchant saw: the signature header and the body.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

#[derive(Clone, Default)]
struct Merchant {
    seen: Seen,
    /// How many of the next webhooks are refused.
    refusing: Arc<Mutex<u32>>,
}

impl Merchant {
    async fn open(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(runtime::http::serve(
            listener,
            router,
            runtime::http::HttpLimits::default(),
            CancellationToken::new(),
        ));
        address
    }

    fn types(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let of =
            |body: &String| serde_json::from_str::<Value>(body).unwrap()["type"].as_str().unwrap().to_owned();
        seen.iter().map(|(_, body)| of(body)).collect()
    }
}

async fn take(State(merchant): State<Merchant>, headers: HeaderMap, body: String) -> StatusCode {
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    merchant.seen.lock().unwrap().push((signature, body));
    let mut refusing = merchant.refusing.lock().unwrap();
    if *refusing == 0 {
        return StatusCode::OK;
    }
    *refusing -= 1;
    StatusCode::SERVICE_UNAVAILABLE
}

struct Running {
    bench: Bench,
    merchant: Merchant,
    shutdown: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn running() -> Running {
    let merchant = Merchant::default();
    let address = merchant.open().await;
    let bench = Bench::with(&config(Some(format!("http://{address}/hook"))));
    let shutdown = CancellationToken::new();
    bench.sandbox.start(&Tasks::new(shutdown.clone()));
    Running { bench, merchant, shutdown }
}

#[tokio::test]
async fn a_webhook_carries_the_event_under_a_signature_of_its_bytes() {
    let running = running().await;
    let id = running.bench.session("ord_1").await;
    running.bench.pay(&id, VISA).await;
    eventually("the webhook arrives", async || !running.merchant.types().is_empty()).await;
    let (signature, body) = running.merchant.seen.lock().unwrap()[0].clone();
    let t = running.bench.clock.now().as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{t}.{body}").as_bytes());
    let digits: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(signature, format!("t={t},v1={digits}"));
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["type"], "checkout.session.completed");
    assert_eq!(event["data"]["object"]["id"], Value::String(id));
    // The session's own events are subscribed to, the payment intent's are only listed.
    eventually("the delivery is noted", async || {
        verify::check(&running.bench.sandbox.store()).await.unwrap().in_flight.is_empty()
    })
    .await;
    assert_eq!(running.merchant.types(), ["checkout.session.completed"]);
}

#[tokio::test]
async fn a_webhook_is_repeated_until_it_is_taken() {
    let running = running().await;
    *running.merchant.refusing.lock().unwrap() = 2;
    let id = running.bench.session("ord_1").await;
    running.bench.pay(&id, VISA).await;
    for attempts in 1..=3 {
        eventually("an attempt", async || running.merchant.types().len() == attempts).await;
        if attempts < 3 {
            eventually("the failure is noted", async || {
                let report = verify::check(&running.bench.sandbox.store()).await.unwrap();
                report.in_flight.iter().any(|line| line.contains(&format!("after {attempts} attempts")))
            })
            .await;
            running.bench.clock.advance(Duration::from_secs(2));
        }
    }
    eventually("nothing is pending", async || {
        verify::check(&running.bench.sandbox.store()).await.unwrap().in_flight.is_empty()
    })
    .await;
}

#[tokio::test]
async fn what_time_does_is_told_without_anybody_looking() {
    let running = running().await;
    let open = running.bench.session("ord_1").await;
    let delayed = running.bench.session("ord_2").await;
    running.bench.pay(&delayed, "method=delayed_success").await;
    running.bench.clock.advance(Duration::from_secs(5));
    eventually("the delayed payment succeeds", async || {
        running.merchant.types().contains(&"checkout.session.async_payment_succeeded".to_owned())
    })
    .await;
    running.bench.clock.advance(Duration::from_secs(2700));
    eventually("the other session expires", async || {
        running.merchant.types().contains(&"checkout.session.expired".to_owned())
    })
    .await;
    let expired = running.merchant.seen.lock().unwrap().last().unwrap().1.clone();
    assert!(expired.contains(&open));
}

#[tokio::test]
async fn what_is_kept_for_a_time_is_forgotten_after_it_and_charges_never_are() {
    let running = running().await;
    let bench = &running.bench;
    let order = bench.order("ord_1");
    let id = bench.post_with("/v1/checkout/sessions", &order, Some("k1")).await.id();
    bench.pay(&id, VISA).await;
    eventually("the webhook arrives", async || !running.merchant.types().is_empty()).await;
    bench.clock.advance(Duration::from_secs(31 * 24 * 3600));
    let count = async |collection| {
        bench.sandbox.store().count(store::Collection(collection), None, "").await.unwrap()
    };
    eventually("events and replies are gone", async || {
        count("events").await == 0 && count("replies").await == 0
    })
    .await;
    assert_eq!(bench.charges("ord_1").await.len(), 1);
}

#[tokio::test]
async fn faults_lose_repeat_and_hold_back_webhooks() {
    let running = running().await;
    let faults = running.bench.sandbox.faults();
    let strikes = [
        ("ord_lost", Strike::Lose),
        ("ord_late", Strike::Delay { delay_ms: 60_000 }),
        ("ord_twice", Strike::Duplicate { copies: 1 }),
    ];
    for (reference, strike) in strikes {
        faults.arm(Rule::once(Operation::Webhook, strike));
        let id = running.bench.session(reference).await;
        running.bench.pay(&id, VISA).await;
        eventually("the fault has struck", async || faults.armed().is_empty()).await;
    }
    let seen = |reference: &str| {
        let seen = running.merchant.seen.lock().unwrap();
        seen.iter().filter(|(_, body)| body.contains(reference)).count()
    };
    eventually("it is sent twice", async || seen("ord_twice") == 2).await;
    assert_eq!((seen("ord_lost"), seen("ord_late")), (0, 0));
    running.bench.clock.advance(Duration::from_secs(60));
    eventually("the late one arrives", async || seen("ord_late") == 1).await;
    assert_eq!(seen("ord_lost"), 0);
}

#[tokio::test]
async fn a_refund_that_is_decided_later_is_told_as_it_was_decided() {
    let running = running().await;
    let id = running.bench.session("ord_1").await;
    running.bench.pay(&id, VISA).await;
    running.bench.sandbox.faults().arm(Rule::once(Operation::Refund, Strike::FailLater));
    let form = format!("payment_intent={}", id.replace("cs_test_", "pi_"));
    assert_eq!(running.bench.post("/v1/refunds", &form).await.json()["status"], "pending");
    assert_eq!(running.bench.charges("ord_1").await[0]["refunded_minor"], 2500);
    running.bench.clock.advance(Duration::from_secs(1));
    eventually("the refund fails", async || running.merchant.types().contains(&"refund.failed".to_owned()))
        .await;
    assert_eq!(running.bench.charges("ord_1").await[0]["refunded_minor"], 0);
}
