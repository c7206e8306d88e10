//! What each route asks of the services and answers with.

use serde_json::{Value, json};

use crate::{
    fake::{ORDER, TICKET},
    world::{World, request},
};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn the_original_line_places_an_order_and_returns_a_payment_link() {
    let world = World::start().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let line = r#"{"ID": 123, "Quantity": 2}"#;
    let reply = world.send(request("POST", "/api/customers/2/orders", &form, line)).await;
    assert_eq!(reply.status, 201);
    let id = world.fake.created().order_id;
    assert_eq!(reply.header("location"), format!("/api/customers/2/orders/{id}"));
    let at = "2026-09-21T14:13:20.000Z";
    let usd = |amount: i64| json!({"amount_minor": amount, "currency": "usd"});
    assert_eq!(
        reply.json(),
        json!({"order": {"id": id, "customer_id": "2", "status": "waiting_payment",
            "items": [{"id": "2", "name": "Coke", "quantity": 2, "unit_price": usd(250), "subtotal": usd(500)}],
            "total": usd(500), "payment_link": "https://pay.example/x", "payment_expires_at": at, "created_at": at,
            "updated_at": at, "version": 1},
            "redirect_url": format!("http://localhost:8080/success.html?customer_id=2&order_id={id}")})
    );
    let text = reply.text();
    let fields = [
        "\"id\"",
        "\"customer_id\"",
        "\"status\"",
        "\"items\"",
        "\"total\"",
        "\"payment_link\"",
        "\"payment_expires_at\"",
        "\"created_at\"",
        "\"updated_at\"",
        "\"version\":1",
    ];
    let places: Vec<_> = fields.iter().map(|field| text.find(field).unwrap()).collect();
    assert!(places.is_sorted(), "the order of fields is stable: {text}");
}

#[tokio::test]
async fn an_order_whose_link_is_not_ready_is_202_and_a_replay_says_so() {
    let world = World::start().await;
    let line = r#"{"ID": 123, "Quantity": 2}"#;
    world.fake.link_is_not_ready();
    let reply = world.post("/api/customers/2/orders", line).await;
    assert_eq!(reply.status, 202);
    assert!(reply.header("location").starts_with("/api/customers/2/orders/ord_"));
    world.fake.replays();
    let keyed = [("idempotency-key", "\"k-1\"")];
    let reply = world.send(request("POST", "/api/customers/2/orders", &keyed, line)).await;
    assert_eq!(reply.header("idempotent-replayed"), "true");
    assert_eq!(world.fake.created().idempotency_key.as_deref(), Some("k-1"));
}

#[tokio::test]
async fn a_key_on_a_staff_route_names_the_same_refund_or_movement_each_time() {
    let world = World::start().await;
    let refund = format!("/api/orders/{ORDER}/refund");
    for (path, body, rpc, prefix) in [
        (refund.as_str(), "{}", "refund_order", "rfd_"),
        ("/api/items/2/restock", r#"{"quantity": 5}"#, "restock", "mov_"),
    ] {
        let other = path.replace("/2/", "/3/").replace(ORDER, &ORDER.replace('7', "8"));
        for (path, key) in [
            (path, Some("a")),
            (path, Some("a")),
            (path, Some("b")),
            (&other, Some("a")),
            (path, None),
            (path, None),
        ] {
            let headers: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().chain([JSON]).collect();
            assert_eq!(world.send(request("POST", path, &headers, body)).await.status, 200);
        }
        let id = |asked: &String| {
            let from = asked.find(prefix).unwrap();
            asked[from..from + 36].to_owned()
        };
        let ids: Vec<_> = world.fake.asked(rpc).iter().map(id).collect();
        assert_eq!(ids[0], ids[1], "the same key, the same id");
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), 5, "{ids:?}");
    }
}

#[tokio::test]
async fn lists_hand_on_filters_and_cursors_and_never_ask_for_any_customer_on_a_customers_route() {
    let world = World::start().await;
    let reply = world.get("/api/customers/2/orders?status=paid&limit=7&cursor=abc%2Bd&unknown=1").await;
    assert_eq!(reply.json()["next_cursor"], "next");
    assert_eq!(reply.json()["orders"][0]["id"], ORDER);
    let asked = world.fake.asked("list_orders").remove(0);
    for part in [r#"customer_id: "2""#, "status: Paid", "page_size: 7", r#"page_token: "abc+d""#] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert_eq!(world.get("/api/orders").await.status, 200);
    assert!(world.fake.asked("list_orders")[1].contains(r#"customer_id: """#));
    let tickets = world.get("/api/kitchen/tickets?state=queued").await.json();
    assert_eq!(tickets["tickets"][0]["state"], "queued");
    assert_eq!(tickets.get("next_cursor"), None, "absent at the end, never null");
}

#[tokio::test]
async fn every_other_route_answers_in_its_shape() {
    let world = World::start().await;
    let put = r#"{"name": "Coke", "price": {"amount_minor": 250, "currency": "USD"}, "on_hand": 0}"#;
    let order = format!("/api/customers/2/orders/{ORDER}");
    let ticket = format!("/api/kitchen/tickets/{TICKET}");
    for (method, path, body, status, pointer, expected) in [
        ("GET", order.clone(), "", 200, "/order/id", json!(ORDER)),
        ("POST", format!("{order}/cancel"), "", 200, "/order/status", json!("cancelled")),
        (
            "POST",
            format!("{order}/cancel"),
            r#"{"reason": "late"}"#,
            200,
            "/order/status",
            json!("cancelled"),
        ),
        ("DELETE", order.clone(), "", 200, "/order/status", json!("cancelled")),
        (
            "GET",
            format!("{order}/timeline"),
            "",
            200,
            "/entries/0",
            json!({"at": "2026-09-21T14:13:20.000Z", "to": "pending", "cause": "placed", "actor": "customer"}),
        ),
        ("GET", "/api/items".into(), "", 200, "/items/1/available", json!(7)),
        (
            "GET",
            "/api/items/2".into(),
            "",
            200,
            "/item",
            json!({"id": "2", "name": "Coke", "price": {"amount_minor": 250, "currency": "usd"}, "on_hand": 10, "held": 3, "available": 7}),
        ),
        ("PUT", "/api/items/2".into(), put, 200, "/item/id", json!("2")),
        ("PUT", "/api/items/new".into(), put, 201, "/item/id", json!("new")),
        ("POST", format!("/api/orders/{ORDER}/refund"), "", 200, "/order/id", json!(ORDER)),
        ("POST", format!("{ticket}/start"), "", 200, "/ticket/id", json!(TICKET)),
        ("POST", format!("{ticket}/ready"), "", 200, "/ticket/id", json!(TICKET)),
        ("POST", format!("{ticket}/pickup"), "", 200, "/ticket/id", json!(TICKET)),
        ("POST", format!("{ticket}/reject"), r#"{"reason": "burnt"}"#, 200, "/ticket/id", json!(TICKET)),
        (
            "GET",
            "/stats".into(),
            "",
            200,
            "",
            json!({"orders": {"paid": 3}, "revenue": [{"amount_minor": 1500, "currency": "usd"}], "queues": [
                {"queue": "orders.payments", "ready": 1, "in_flight": 2, "dead_letters": 1},
                {"queue": "orders.kitchen", "ready": 1, "in_flight": 2, "dead_letters": 2}], "dead_letters": 3}),
        ),
        ("GET", "/health".into(), "", 200, "", json!({"status": "ok"})),
    ] {
        let reply = world.send(request(method, &path, &[JSON], body)).await;
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        assert_eq!(reply.json().pointer(pointer), Some(&expected), "{method} {path}");
    }
    assert!(world.fake.asked("put_item")[0].contains(r#"currency: "usd""#));
}

#[tokio::test]
async fn a_webhook_is_handed_on_as_it_came() {
    let world = World::start().await;
    let headers = [
        ("Stripe-Signature", "t=1,v1=x"),
        ("origin", "https://stripe.com"),
        ("host", "shop.example"),
        ("content-type", "text/plain"),
    ];
    for path in ["/webhook", "/api/webhooks/stripe"] {
        let body = "{\"id\" :\t1}\n\u{1}";
        assert_eq!(world.send(request("POST", path, &headers, body)).await.status, 200);
        let webhook = world.fake.webhook();
        assert_eq!((webhook.provider.as_str(), &*webhook.body), ("stripe", body.as_bytes()));
        assert_eq!(webhook.headers["stripe-signature"], "t=1,v1=x");
    }
}

#[tokio::test]
async fn ready_names_every_dependency_and_the_test_mode() {
    let world = World::start().await;
    let reply = world.get("/ready").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let report = reply.json();
    let names: Vec<_> =
        report["dependencies"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["orders", "stock", "payments", "kitchen", "broker", "registry", "provider"]);
    assert!(report["mode"].as_str().unwrap().starts_with("TEST MODE"));
}

#[tokio::test]
async fn without_a_service_that_orders_need_it_is_not_ready() {
    let mut world = World::start().await;
    world.stop("stock").await;
    let reply = world.get("/ready").await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "1"));
    let report = reply.json();
    assert_eq!(report["ready"], Value::Bool(false));
    let down: Vec<_> =
        report["dependencies"].as_array().unwrap().iter().filter(|d| d["status"] == "down").collect();
    assert_eq!(down, [&json!({"name": "stock", "status": "down", "required": true})]);
}

#[tokio::test]
async fn without_the_kitchen_it_is_ready_all_the_same() {
    let mut world = World::start().await;
    world.stop("kitchen").await;
    assert_eq!(world.get("/ready").await.status, 200);
}

#[tokio::test]
async fn a_request_keeps_its_names_and_gets_new_ones_when_they_are_not_fit() {
    let world = World::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let named = [("x-request-id", "abc-1"), ("traceparent", trace)];
    let reply = world.send(request("GET", "/health", &named, "")).await;
    assert_eq!(reply.header("x-request-id"), "abc-1");
    assert!(reply.header("traceparent").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert_ne!(reply.header("traceparent"), trace, "the span is ours");
    let unfit = [("x-request-id", "a b<script>"), ("traceparent", "nonsense")];
    let reply = world.send(request("GET", "/health", &unfit, "")).await;
    assert_eq!(reply.header("x-request-id").len(), 32);
    assert_eq!(reply.header("traceparent").len(), 55);
}

#[tokio::test]
async fn head_and_options_are_answered_sensibly() {
    let world = World::start().await;
    let head = world.send(request("HEAD", "/api/items", &[], "")).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let options = world.send(request("OPTIONS", "/api/items/2", &[], "")).await;
    assert_eq!(options.status, 204);
    assert!(
        options.header("allow").contains("GET") && options.header("allow").contains("PUT"),
        "{options:?}"
    );
    assert_eq!(options.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn the_mesh_report_names_the_services_and_their_instances() {
    let world = World::start().await;
    assert_eq!(world.get("/api/items").await.status, 200);
    let report = world.get("/api/mesh").await.json();
    let services = report["services"].as_array().unwrap();
    let stock = services.iter().find(|s| s["service"] == "stock").unwrap();
    assert_eq!(stock["endpoints"].as_array().unwrap().len(), 1);
}
