//! The error table, a request for each code.

use std::time::Duration;

use common::{Code, Fault};
use serde_json::{Value, json};

use crate::{
    fake::{ORDER, TICKET},
    world::{Reply, World, config, request},
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Method, path, headers, body, the fault that a peer answers with, and what must come out.
type Case<'a> =
    (&'a str, String, Vec<(&'a str, &'a str)>, &'a str, Option<(&'static str, Code)>, u16, &'a str);

fn table() -> Vec<Case<'static>> {
    let order = format!("/api/customers/2/orders/{ORDER}");
    let cancel = format!("{order}/cancel");
    let refund = format!("/api/orders/{ORDER}/refund");
    let start = format!("/api/kitchen/tickets/{TICKET}/start");
    let place = "/api/customers/2/orders".to_owned();
    let item = "/api/items/2".to_owned();
    let line = r#"{"ID": 123, "Quantity": 2}"#;
    let put = r#"{"name": "Coke", "price": {"amount_minor": 250, "currency": "usd"}}"#;
    let peer = |method, code| Some((method, code));
    vec![
        ("POST", place.clone(), vec![], "{", None, 400, "malformed_json"),
        ("POST", place.clone(), vec![], "", None, 400, "malformed_json"),
        ("GET", "/api/customers//orders".into(), vec![], "", None, 400, "invalid_parameter"),
        ("GET", "/docs/%ff".into(), vec![], "", None, 400, "invalid_parameter"),
        ("GET", format!("{place}?limit=0"), vec![], "", None, 400, "invalid_parameter"),
        ("GET", format!("{place}?status=nonsense"), vec![], "", None, 400, "invalid_parameter"),
        ("GET", format!("{place}?cursor=%zz"), vec![], "", None, 400, "invalid_parameter"),
        (
            "GET",
            "/api/orders".into(),
            vec![],
            "",
            peer("list_orders", Code::InvalidRequest),
            400,
            "invalid_parameter",
        ),
        ("POST", place.clone(), vec![("idempotency-key", "")], line, None, 400, "invalid_parameter"),
        ("GET", format!("{order}/events"), vec![("last-event-id", "x")], "", None, 400, "invalid_parameter"),
        (
            "POST",
            "/webhook".into(),
            vec![],
            "{}",
            peer("handle_webhook", Code::InvalidSignature),
            400,
            "invalid_signature",
        ),
        (
            "POST",
            "/api/webhooks/who".into(),
            vec![],
            "{}",
            peer("handle_webhook", Code::InvalidRequest),
            400,
            "invalid_parameter",
        ),
        ("POST", place.clone(), vec![("origin", "https://evil.example")], line, None, 403, "foreign_origin"),
        ("GET", order.clone(), vec![], "", peer("get_order", Code::OrderNotFound), 404, "order_not_found"),
        ("GET", "/api/customers/2/orders/7".into(), vec![], "", None, 404, "order_not_found"),
        ("GET", "/api/items/none".into(), vec![], "", None, 404, "item_not_found"),
        (
            "POST",
            "/api/items/2/restock".into(),
            vec![JSON],
            r#"{"quantity": 1}"#,
            peer("restock", Code::ItemNotFound),
            404,
            "item_not_found",
        ),
        (
            "POST",
            start.clone(),
            vec![],
            "",
            peer("start_ticket", Code::TicketNotFound),
            404,
            "ticket_not_found",
        ),
        ("POST", "/api/kitchen/tickets/7/start".into(), vec![], "", None, 404, "ticket_not_found"),
        (
            "GET",
            "/api/queues/stock.orders/dead-letters/9".into(),
            vec![],
            "",
            peer("get_dead_letter", Code::DeadLetterNotFound),
            404,
            "dead_letter_not_found",
        ),
        (
            "POST",
            "/api/queues/stock.orders/dead-letters/none/replay".into(),
            vec![],
            "",
            None,
            404,
            "dead_letter_not_found",
        ),
        (
            "DELETE",
            "/api/queues/stock.orders/dead-letters/none".into(),
            vec![],
            "",
            None,
            404,
            "dead_letter_not_found",
        ),
        (
            "GET",
            "/api/queues/nowhere/dead-letters".into(),
            vec![],
            "",
            peer("list_dead_letters", Code::InvalidParameter),
            400,
            "invalid_parameter",
        ),
        (
            "GET",
            "/api/queues/stock.orders/dead-letters?limit=101".into(),
            vec![],
            "",
            None,
            400,
            "invalid_parameter",
        ),
        (
            "POST",
            "/api/queues/stock.orders/dead-letters/7/replay".into(),
            vec![],
            "",
            peer("replay_dead_letter", Code::InvalidRequest),
            422,
            "invalid_request",
        ),
        (
            "DELETE",
            "/api/queues/stock.orders/dead-letters/7".into(),
            vec![("origin", "https://evil.example")],
            "",
            None,
            403,
            "foreign_origin",
        ),
        (
            "POST",
            "/api/queues/stock.orders/dead-letters/7/replay".into(),
            vec![("sec-fetch-site", "cross-site")],
            "",
            None,
            403,
            "foreign_origin",
        ),
        (
            "GET",
            format!("/api/orders/{ORDER}"),
            vec![],
            "",
            peer("get_order", Code::OrderNotFound),
            404,
            "order_not_found",
        ),
        ("GET", "/api/orders/7".into(), vec![], "", None, 404, "order_not_found"),
        ("GET", "/api/nothing".into(), vec![], "", None, 404, "route_not_found"),
        ("PATCH", item.clone(), vec![], "", None, 405, "method_not_allowed"),
        ("POST", place.clone(), vec![], BIG.as_str(), None, 413, "body_too_large"),
        ("POST", "/webhook".into(), vec![], WEBHOOK.as_str(), None, 413, "body_too_large"),
        ("PUT", item.clone(), vec![("content-type", "text/plain")], put, None, 415, "unsupported_media_type"),
        ("PUT", item.clone(), vec![], put, None, 415, "unsupported_media_type"),
        (
            "POST",
            place.clone(),
            vec![],
            line,
            peer("create_order", Code::InsufficientStock),
            409,
            "insufficient_stock",
        ),
        (
            "POST",
            cancel.clone(),
            vec![],
            "",
            peer("cancel_order", Code::OrderNotCancellable),
            409,
            "order_not_cancellable",
        ),
        (
            "PUT",
            item.clone(),
            vec![JSON],
            put,
            peer("put_item", Code::InvalidTransition),
            409,
            "invalid_transition",
        ),
        (
            "POST",
            start.clone(),
            vec![],
            "",
            peer("start_ticket", Code::InvalidTransition),
            409,
            "invalid_transition",
        ),
        (
            "POST",
            place.clone(),
            vec![],
            line,
            peer("create_order", Code::IdempotencyInFlight),
            409,
            "idempotency_in_flight",
        ),
        ("POST", place.clone(), vec![], "7", None, 422, "invalid_order"),
        ("PUT", item.clone(), vec![JSON], r#"{"name": ""}"#, None, 422, "invalid_request"),
        ("POST", refund.clone(), vec![JSON], r#"{"amount": 5}"#, None, 422, "invalid_request"),
        (
            "POST",
            refund.clone(),
            vec![],
            "",
            peer("refund_order", Code::InvalidRequest),
            422,
            "invalid_request",
        ),
        (
            "POST",
            place.clone(),
            vec![],
            line,
            peer("create_order", Code::IdempotencyKeyReused),
            422,
            "idempotency_key_reused",
        ),
        (
            "POST",
            place.clone(),
            vec![],
            line,
            peer("create_order", Code::PaymentRejected),
            422,
            "payment_rejected",
        ),
        ("POST", place.clone(), vec![], line, peer("create_order", Code::Unavailable), 503, "unavailable"),
        (
            "POST",
            place.clone(),
            vec![],
            line,
            peer("create_order", Code::ResourceExhausted),
            503,
            "unavailable",
        ),
        ("POST", place, vec![], line, peer("create_order", Code::Internal), 500, "internal"),
    ]
}

static BIG: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| " ".repeat(256 * 1024 + 1));
static WEBHOOK: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| " ".repeat(64 * 1024 + 1));

#[tokio::test]
async fn every_code_of_the_table_has_its_status_and_a_problem_document() {
    let world = World::start().await;
    for (method, path, headers, body, fault, status, code) in table() {
        let what = format!("{method} {path} {}", body.chars().take(60).collect::<String>());
        if let Some((rpc, code)) = fault {
            world.fake.fail(rpc, Fault::new(code, "a public text").with_detail("secret at 10.0.0.1:2000"));
        }
        let reply = world.send(request(method, &path, &headers, body)).await;
        assert_eq!(reply.problem(), (status, code.to_owned()), "{what}: {reply:?}");
        assert_is_complete(&reply, &path, &what);
        if let Some((rpc, _)) = fault {
            world.fake.heal(rpc);
        }
    }
}

fn assert_is_complete(reply: &Reply, path: &str, what: &str) {
    let document = reply.json();
    let code = document["code"].as_str().unwrap();
    assert_eq!(document["type"], format!("urn:ordermesh:problem:{code}"), "{what}");
    assert_eq!(document["instance"], path.split('?').next().unwrap(), "{what}");
    assert_eq!(document["request_id"], reply.header("x-request-id"), "{what}");
    assert!(document["title"].is_string() && document["detail"].is_string(), "{what}");
    assert!(!reply.text().contains("10.0.0.1"), "{what}");
    assert!(reply.header("traceparent").starts_with("00-"), "{what}");
    if reply.status.as_u16() == 503 || code == "idempotency_in_flight" {
        assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1, "{what}");
    }
    if reply.status.as_u16() == 405 {
        assert!(reply.header("allow").contains("PUT"), "{what}: {reply:?}");
    }
}

#[tokio::test]
async fn a_peer_that_is_too_slow_is_a_504_and_retry_after_is_rounded_up() {
    let short = gateway::Config { request_deadline: Duration::from_millis(300), ..config() };
    let world = World::with(short).await;
    world.fake.delay("create_order", Duration::from_secs(30));
    let slow = world.post("/api/customers/2/orders", r#"{"ID": 1, "Quantity": 1}"#).await;
    assert_eq!(slow.problem(), (504, "deadline_exceeded".into()));
    let busy = Fault::new(Code::IdempotencyInFlight, "busy").with_retry_after(Duration::from_millis(2100));
    world.fake.fail("get_order", busy);
    let busy = world.get(&format!("/api/customers/2/orders/{ORDER}")).await;
    assert_eq!(busy.header("retry-after"), "3");
}

#[tokio::test]
async fn a_fault_says_which_lines_lack_stock_and_where_unknown_items_stand() {
    let world = World::start().await;
    let short = json!([{"id": "2", "wanted": 5, "available": 1}]);
    let fault = Fault::new(Code::InsufficientStock, "not enough stock");
    world.fake.fail(
        "create_order",
        fault.with_metadata("lines", short.to_string()).with_metadata("replayed", "true"),
    );
    let reply = world.post("/api/customers/2/orders", r#"[{"id": 2, "quantity": 5}]"#).await;
    assert_eq!(reply.json()["lines"], short);
    assert_eq!(reply.header("idempotent-replayed"), "true");

    world.fake.fail("create_order", Fault::new(Code::InvalidOrder, "x").with_metadata("items", r#"["9"]"#));
    for (body, expected) in [
        (
            r#"{"items": [{"id": "2", "quantity": 1}, {"Id": 9, "quantity": 1}, {"id": "9", "quantity": 2}]}"#,
            vec!["/items/1/Id", "/items/2/id"],
        ),
        (r#"[{"ID": "9", "quantity": 1}]"#, vec!["/0/ID"]),
        (r#"{"iD": 9, "Quantity": 2}"#, vec!["/iD"]),
        (r#"{"ITEMS": [{"id": "9", "quantity": 1}]}"#, vec!["/ITEMS/0/id"]),
    ] {
        let reply = world.post("/api/customers/2/orders", body).await;
        assert_eq!(reply.problem(), (422, "invalid_order".into()));
        assert_eq!(pointers(&reply.json()), expected, "{body}");
    }
}

pub(crate) fn pointers(document: &Value) -> Vec<&str> {
    let errors = document["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_service_that_is_gone_is_a_503_before_the_deadline() {
    let mut world = World::start().await;
    world.stop("orders").await;
    let reply = world.post("/api/customers/2/orders", r#"{"ID": 1, "Quantity": 1}"#).await;
    assert_eq!(reply.problem(), (503, "unavailable".into()));
    assert!(!reply.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_fault_of_ours_is_counted_by_route() {
    let world = World::start().await;
    world.fake.fail("list_items", Fault::internal("broken"));
    assert_eq!(world.get("/api/items").await.problem(), (500, "internal".into()));
    let metrics = world.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    let line = r#"ordermesh_http_requests_total{method="GET",route="/api/items",status="5xx"} 1"#;
    assert!(metrics.text().contains(line), "{}", metrics.text());
}
