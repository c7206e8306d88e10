//! Sessions: what is checked at creation, expiry by the sandbox's own clock, lists.

use std::time::Duration;

use axum::body::Body;
use common::Clock as _;
use http::{Request, StatusCode};
use tower::ServiceExt as _;

use crate::support::{Bench, LINE, PUBLIC_URL, VISA};

#[tokio::test]
async fn a_session_carries_its_total_its_link_and_the_callers_references() {
    let bench = Bench::new();
    let session = bench.post("/v1/checkout/sessions", &bench.order("ord_1")).await.json();
    let id = session["id"].as_str().unwrap();
    assert_eq!(session["amount_total"], 2500);
    assert_eq!(session["status"], "open");
    assert_eq!(session["payment_status"], "unpaid");
    assert_eq!(session["client_reference_id"], "ord_1");
    assert_eq!(session["metadata"]["order"], "ord_1");
    assert_eq!(session["url"], format!("{PUBLIC_URL}/c/pay/{id}"));
    assert_eq!(bench.get(&format!("/v1/checkout/sessions/{id}")).await.json(), session);
    let items = bench.get(&format!("/v1/checkout/sessions/{id}/line_items")).await.json();
    assert_eq!(items["data"][0]["quantity"], 2);
}

#[tokio::test]
async fn a_stored_price_can_be_named_by_a_line() {
    let bench = Bench::new();
    let price = bench.post("/v1/prices", "currency=usd&unit_amount=300&product_data[name]=Coke").await.id();
    let form = format!(
        "mode=payment&success_url=http://a.b/&line_items[0][price]={price}&line_items[0][quantity]=3&{}",
        LINE.replace("line_items[0]", "line_items[1]")
    );
    let session = bench.post("/v1/checkout/sessions", &form).await.json();
    assert_eq!(session["amount_total"], 900 + 2500);
    let unknown = form.replace(&price, "price_nope");
    let refused = bench.post("/v1/checkout/sessions", &unknown).await;
    assert_eq!(
        (refused.error().as_str(), refused.param().as_str()),
        ("resource_missing", "line_items[0][price]")
    );
}

#[tokio::test]
async fn a_wrong_parameter_is_named_as_stripe_names_it() {
    let bench = Bench::new();
    let order = bench.order("ord_1");
    let without = |part: &str| {
        assert!(order.contains(part), "{part}");
        order.replace(part, "")
    };
    let cases = [
        (without("mode=payment"), "parameter_missing", "mode"),
        (without("&line_items[0][quantity]=2"), "parameter_missing", "line_items[0][quantity]"),
        (
            without("line_items[0][price_data][currency]=usd"),
            "parameter_missing",
            "line_items[0][price_data][currency]",
        ),
        (format!("{order}&frobnicate=1"), "parameter_unknown", "frobnicate"),
        (format!("{order}&line_items[0][x][y]=1"), "parameter_unknown", "line_items[0][x]"),
        (
            order.replace("=1250", "=12.50"),
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (order.replace("quantity]=2", "quantity]=0"), "parameter_invalid_integer", "line_items[0][quantity]"),
        (order.replace("=1250", "=99999999"), "amount_too_large", "line_items"),
        (order.replace("http://shop.example/no", "javascript:alert(1)"), "url_invalid", "cancel_url"),
    ];
    for (form, code, param) in cases {
        let refused = bench.post("/v1/checkout/sessions", &form).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{form}");
        assert_eq!((refused.error().as_str(), refused.param().as_str()), (code, param), "{form}");
    }
}

#[tokio::test]
async fn a_lifetime_is_thirty_minutes_to_a_day_from_the_sandboxs_own_clock() {
    let bench = Bench::new();
    let now = bench.clock.now().as_secs();
    for (life, fits) in [(1799, false), (1800, true), (86_400, true), (86_401, false)] {
        let form = format!("mode=payment&success_url=http://a.b/&{LINE}&expires_at={}", now + life);
        let reply = bench.post("/v1/checkout/sessions", &form).await;
        assert_eq!(reply.status == StatusCode::OK, fits, "{life}: {}", reply.text);
        assert!(fits || reply.param() == "expires_at");
    }
}

#[tokio::test]
async fn a_session_expires_by_the_clock_with_one_event_and_cannot_be_paid_after_that() {
    let bench = Bench::new();
    let id = bench.session("ord_1").await;
    bench.clock.advance(Duration::from_secs(2699));
    assert_eq!(bench.get(&format!("/v1/checkout/sessions/{id}")).await.json()["status"], "open");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.pay(&id, VISA).await.status, StatusCode::GONE);
    let session = bench.get(&format!("/v1/checkout/sessions/{id}")).await.json();
    assert_eq!((&session["status"], &session["url"]), (&"expired".into(), &serde_json::Value::Null));
    assert_eq!(bench.event_types().await, ["checkout.session.expired"]);
    assert!(bench.charges("ord_1").await.is_empty());
}

#[tokio::test]
async fn expiring_closes_an_open_session_and_refuses_any_other() {
    let bench = Bench::new();
    let (open, paid) = (bench.session("ord_1").await, bench.session("ord_2").await);
    bench.pay(&paid, VISA).await;
    let expired = bench.post(&format!("/v1/checkout/sessions/{open}/expire"), "").await;
    assert_eq!(expired.json()["status"], "expired");
    for id in [&open, &paid] {
        let refused = bench.post(&format!("/v1/checkout/sessions/{id}/expire"), "").await;
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request_error")
        );
    }
    let missing = bench.post("/v1/checkout/sessions/cs_test_x/expire", "").await;
    assert_eq!((missing.status, missing.error().as_str()), (StatusCode::NOT_FOUND, "resource_missing"));
}

#[tokio::test]
async fn lists_are_newest_first_and_page_behind_an_id_within_a_time() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.session(&format!("ord_{number}")).await);
        bench.clock.advance(Duration::from_secs(10));
    }
    ids.reverse();
    let listed = |json: serde_json::Value| -> (Vec<String>, bool) {
        let data = json["data"].as_array().unwrap().iter();
        (data.map(|s| s["id"].as_str().unwrap().to_owned()).collect(), json["has_more"].as_bool().unwrap())
    };
    let first = listed(bench.get("/v1/checkout/sessions?limit=2").await.json());
    assert_eq!(first, (ids[..2].to_vec(), true));
    let path = format!("/v1/checkout/sessions?limit=3&starting_after={}", ids[1]);
    assert_eq!(listed(bench.get(&path).await.json()), (ids[2..].to_vec(), false));
    let third = bench.get(&format!("/v1/checkout/sessions/{}", ids[2])).await.json()["created"].clone();
    let since = listed(bench.get(&format!("/v1/checkout/sessions?created[gte]={third}")).await.json());
    assert_eq!(since, (ids[..3].to_vec(), false));
    let before = listed(bench.get(&format!("/v1/checkout/sessions?created[lt]={third}")).await.json());
    assert_eq!(before, (ids[3..].to_vec(), false));
    let open = listed(bench.get("/v1/checkout/sessions?status=complete").await.json());
    assert_eq!(open, (Vec::new(), false));
    assert_eq!(bench.get("/v1/checkout/sessions?limit=0").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_a_test_key_there_is_a_401_and_elsewhere_a_404() {
    let bench = Bench::new();
    let anonymous = Request::get("/v1/events").body(Body::empty()).unwrap();
    let response = bench.sandbox.router().oneshot(anonymous).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.headers().contains_key("request-id"));
    for path in ["/v1/customers", "/v1", "/nothing", "/c/pay/cs_test_1"] {
        assert_eq!(bench.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
