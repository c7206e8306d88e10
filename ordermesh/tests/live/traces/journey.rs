//! An order from the curl to the collected meal, and what must be true of its trace.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use testkit::otlp::{OtlpReceiver, Received, SpanKind, orphans, services};

/// How long anything may take that should happen by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The trace of whoever places the order.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Their span.
const CALLER: &str = "00f067aa0ba902b7";
/// The trace of the staff's requests.
const STAFF: &str = "0af7651916cd43dd8448eb211c80319c";
const GOOD_CARD: &str = "card_number=4242424242424242";

/// The order that was walked through.
pub(crate) struct Journey {
    pub(crate) id: String,
    /// At the end, as its customer sees it.
    pub(crate) seen: Value,
}

/// Placing an order and cooking are done in traces of their own.
fn parent_of(url: &str) -> String {
    let trace = if url.contains("/api/kitchen/") { STAFF } else { TRACE };
    format!("00-{trace}-{CALLER}-01")
}

impl Journey {
    /// Places, pays, cooks and collects.
    pub(crate) async fn walk(base: &str) -> Self {
        let http =
            Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build().unwrap();
        let body = json!({"items": [{"id": "123", "quantity": 2}]});
        let placed = send(&http, (Method::POST, format!("{base}/api/customers/ada/orders")), body).await;
        let id = placed["order"]["id"].as_str().unwrap().to_owned();
        let link = placed["order"]["payment_link"].as_str().unwrap();
        let form = http.post(link).header("content-type", "application/x-www-form-urlencoded");
        assert!(form.body(GOOD_CARD).send().await.unwrap().status().is_redirection());
        let mut journey = Self { id, seen: Value::Null };
        let ticket = journey.id.replacen("ord_", "tkt_", 1);
        // Paid orders get their ticket by an event: the kitchen's verb is tried until it is there.
        journey.reach(&http, base, "paid").await;
        for (verb, status) in [("start", "preparing"), ("ready", "ready"), ("pickup", "completed")] {
            let url = format!("{base}/api/kitchen/tickets/{ticket}/{verb}");
            let until = tokio::time::Instant::now() + PATIENCE;
            loop {
                let request = http.post(&url).header("traceparent", parent_of(&url)).json(&json!({}));
                if request.send().await.unwrap().status().is_success() {
                    break;
                }
                assert!(tokio::time::Instant::now() < until, "{verb} never succeeds");
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            journey.reach(&http, base, status).await;
        }
        journey
    }

    /// Waits until the order has this status. The looks belong to no trace of the order.
    async fn reach(&mut self, http: &Client, base: &str, status: &str) {
        let url = format!("{base}/api/customers/ada/orders/{}", self.id);
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let seen: Value = http.get(&url).send().await.unwrap().json().await.unwrap();
            self.seen = seen["order"].clone();
            if self.seen["status"] == status {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "never {status}: {seen}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// Waits until the collector has the order's last event.
pub(crate) async fn is_complete(collector: &OtlpReceiver) {
    let last = |spans: &[Received]| {
        spans.iter().any(|span| {
            span.trace_id == TRACE
                && span.name == "process orders.audit"
                && span.attributes.get("ordermesh.event.type").is_some_and(|kind| kind == "order.completed")
        })
    };
    collector.eventually(PATIENCE, "the order's last event is in its trace", last).await;
}

/// Everything that must be true of the trace.
pub(crate) fn assert_is_right(collector: &OtlpReceiver, order: &Journey) {
    assert_is_unbroken(collector, order);
    assert_hops_are_right(collector);
    assert_requests_are_linked(collector);
}

/// One trace id for everything about the order, spans of every service in it, and no parent missing.
fn assert_is_unbroken(collector: &OtlpReceiver, order: &Journey) {
    let trace = collector.trace(TRACE);
    let everybody = ["gateway", "kitchen", "orders", "payments", "stock"];
    assert_eq!(services(&trace).into_iter().collect::<Vec<_>>(), everybody);
    let ends: Vec<_> = orphans(&trace).into_iter().map(|span| (&*span.name, &*span.parent_id)).collect();
    assert_eq!(ends, [("POST /api/customers/{customer_id}/orders", CALLER)], "every parent is in the trace");
    let all = collector.spans();
    let about = |span: &&Received| span.attributes.get("ordermesh.order.id") == Some(&order.id);
    let elsewhere: Vec<_> = all.iter().filter(about).filter(|span| span.trace_id != TRACE).collect();
    assert_eq!(elsewhere, Vec::<&Received>::new(), "one trace id for the order");
    let private = |span: &Received| span.attributes.values().any(|value| value.contains("/ada"));
    assert!(!all.iter().any(private), "no span names the customer");
}

/// Each hop's far end is below its near end: calls, the outbox, the broker, the provider.
fn assert_hops_are_right(collector: &OtlpReceiver) {
    let trace = collector.trace(TRACE);
    let by_id: BTreeMap<_, _> = trace.iter().map(|span| (span.span_id.as_str(), span)).collect();
    let parent = |span: &Received| by_id.get(span.parent_id.as_str()).copied();
    for span in trace.iter().filter(|span| span.kind == SpanKind::Server && span.name.contains("Service/")) {
        let caller = parent(span).expect("a call has a caller");
        assert_eq!((caller.kind, &caller.name), (SpanKind::Client, &span.name));
        assert_ne!(caller.service, span.service);
    }
    for span in trace.iter().filter(|span| span.kind == SpanKind::Consumer) {
        let publisher = parent(span).expect("an event has a publisher");
        let event = &span.attributes["ordermesh.event.type"];
        assert_eq!((publisher.kind, &publisher.name), (SpanKind::Producer, &format!("publish {event}")));
        assert_eq!(publisher.attributes["messaging.message.id"], span.attributes["messaging.message.id"]);
    }
    for (service, name) in [
        ("orders", "orders.saga"),
        ("orders", "saga.reserve"),
        ("orders", "ordermesh.stock.v1.StockService/Reserve"),
        ("stock", "ordermesh.stock.v1.StockService/Reserve"),
        ("payments", "POST /v1/checkout/sessions"),
        ("stock", "publish stock.reserved"),
        ("payments", "publish payment.succeeded"),
        ("orders", "process orders.payments"),
        ("orders", "publish order.paid"),
        ("stock", "process stock.orders"),
        ("kitchen", "process kitchen.orders"),
        ("kitchen", "publish ticket.picked_up"),
        ("orders", "process orders.kitchen"),
        ("orders", "publish order.completed"),
    ] {
        let there = trace.iter().any(|span| span.service == service && span.name == name && !span.failed);
        assert!(there, "{service} has a span {name}");
    }
}

/// What was caused by requests with traces of their own links them.
fn assert_requests_are_linked(collector: &OtlpReceiver) {
    let trace = collector.trace(TRACE);
    for (made, cause) in [
        ("create payment.succeeded", "POST /api/webhooks/{provider}"),
        ("create ticket.preparing", "POST /api/kitchen/tickets/{ticket_id}/start"),
        ("create ticket.ready", "POST /api/kitchen/tickets/{ticket_id}/ready"),
        ("create ticket.picked_up", "POST /api/kitchen/tickets/{ticket_id}/pickup"),
    ] {
        let span = trace.iter().find(|span| span.name == made).unwrap_or_else(|| panic!("no span {made}"));
        let [(linked, below)] = &span.links[..] else { panic!("{made} has one link: {:?}", span.links) };
        let request = collector.trace(linked);
        assert_ne!(linked, TRACE);
        assert!(request.iter().any(|span| span.name == cause), "{made} links {cause}: {request:?}");
        assert!(request.iter().any(|span| span.span_id == *below), "the span that is linked was sent");
    }
}

/// A request with JSON both ways.
async fn send(http: &Client, (method, url): (Method, String), body: Value) -> Value {
    let request = http.request(method, &url).header("traceparent", parent_of(&url));
    let answer = request.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.json().await.unwrap()
}
