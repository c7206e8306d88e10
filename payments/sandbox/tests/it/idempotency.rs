//! Idempotency keys: the first result again, whatever it was, for a day.

use std::time::Duration;

use http::StatusCode;
use sandbox::{Operation, Rule, Strike};

use crate::support::{Bench, Reply};

const PATH: &str = "/v1/checkout/sessions";

fn is_replay(reply: &Reply) -> bool {
    reply.headers.get("idempotent-replayed").is_some_and(|v| v == "true")
}

#[tokio::test]
async fn the_same_key_and_parameters_give_the_same_bytes_and_one_session() {
    let bench = Bench::new();
    let order = bench.order("ord_1");
    let first = bench.post_with(PATH, &order, Some("k1")).await;
    // Later than the lifetime that the parameters would still allow.
    bench.clock.advance(Duration::from_secs(3600));
    let again = bench.post_with(PATH, &order, Some("k1")).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert!(is_replay(&again) && !is_replay(&first));
    assert_ne!(again.headers["request-id"], first.headers["request-id"]);
    assert_eq!(again.headers["original-request"], first.headers["request-id"]);
    assert_eq!(bench.get(PATH).await.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_with_other_parameters_or_another_endpoint_is_an_error() {
    let bench = Bench::new();
    bench.post_with(PATH, &bench.order("ord_1"), Some("k1")).await.id();
    let reused = bench.post_with(PATH, &bench.order("ord_2"), Some("k1")).await;
    assert_eq!((reused.status, reused.error().as_str()), (StatusCode::BAD_REQUEST, "idempotency_error"));
    let elsewhere =
        bench.post_with("/v1/prices", "currency=usd&unit_amount=1&product_data[name]=x", Some("k1")).await;
    assert_eq!(elsewhere.error(), "idempotency_error");
}

#[tokio::test]
async fn a_500_is_replayed_whether_it_was_committed_or_not() {
    for (strike, sessions) in [(Strike::ErrorBeforeCommit, 0), (Strike::ErrorAfterCommit, 1)] {
        let bench = Bench::new();
        let order = bench.order("ord_1");
        bench.sandbox.faults().arm(Rule::once(Operation::CreateSession, strike));
        let first = bench.post_with(PATH, &order, Some("k1")).await;
        let again = bench.post_with(PATH, &order, Some("k1")).await;
        assert_eq!((first.status, is_replay(&first)), (StatusCode::INTERNAL_SERVER_ERROR, false));
        assert_eq!((again.status, is_replay(&again)), (StatusCode::INTERNAL_SERVER_ERROR, true));
        assert_eq!(bench.get(PATH).await.json()["data"].as_array().unwrap().len(), sessions, "{strike:?}");
        bench.post_with(PATH, &order, Some("k2")).await.id();
    }
}

#[tokio::test]
async fn a_dropped_reply_is_there_under_its_key() {
    let bench = Bench::new();
    let order = bench.order("ord_1");
    bench.sandbox.faults().arm(Rule::once(Operation::CreateSession, Strike::DropReplyAfterCommit));
    assert!(bench.try_post(PATH, &order, "k1").await.is_none());
    let again = bench.post_with(PATH, &order, Some("k1")).await;
    assert!(is_replay(&again));
    assert_eq!(bench.get(PATH).await.json()["data"][0]["id"], again.json()["id"]);
}

#[tokio::test]
async fn a_429_is_not_kept() {
    let bench = Bench::new();
    bench.sandbox.faults().arm(Rule::once(Operation::CreateSession, Strike::TooManyRequests));
    let order = bench.order("ord_1");
    let limited = bench.post_with(PATH, &order, Some("k1")).await;
    assert_eq!((limited.status, limited.error().as_str()), (StatusCode::TOO_MANY_REQUESTS, "rate_limit"));
    bench.post_with(PATH, &order, Some("k1")).await.id();
}

#[tokio::test]
async fn what_fails_validation_can_be_corrected_under_the_same_key() {
    let bench = Bench::new();
    let wrong = bench.order("ord_1").replace("mode=payment", "mode=gift");
    assert_eq!(bench.post_with(PATH, &wrong, Some("k1")).await.status, StatusCode::BAD_REQUEST);
    bench.post_with(PATH, &bench.order("ord_1"), Some("k1")).await.id();
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let bench = Bench::new();
    let form = "currency=usd&unit_amount=1&product_data[name]=x";
    let first = bench.post_with("/v1/prices", form, Some("k1")).await.id();
    bench.clock.advance(Duration::from_secs(86_399));
    assert_eq!(bench.post_with("/v1/prices", form, Some("k1")).await.id(), first);
    bench.clock.advance(Duration::from_secs(1));
    assert_ne!(bench.post_with("/v1/prices", form, Some("k1")).await.id(), first);
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict_also_when_its_first_caller_has_hung_up() {
    let bench = Bench::new();
    let order = bench.order("ord_1");
    let rule = Rule::once(Operation::CreateSession, Strike::Delay { delay_ms: 2000 });
    bench.sandbox.faults().arm(rule);
    let hung_up =
        tokio::time::timeout(Duration::from_millis(50), bench.post_with(PATH, &order, Some("k1"))).await;
    assert!(hung_up.is_err());
    let conflict = bench.post_with(PATH, &order, Some("k1")).await;
    assert_eq!(
        (conflict.status, conflict.error().as_str()),
        (StatusCode::CONFLICT, "idempotency_key_in_use")
    );
    assert_eq!(conflict.headers["stripe-should-retry"], "true");
    crate::support::eventually("the first one is done", async || {
        bench.post_with(PATH, &order, Some("k1")).await.status == StatusCode::OK
    })
    .await;
    assert_eq!(bench.get(PATH).await.json()["data"].as_array().unwrap().len(), 1);
}
