//! Refunds: never more than the charge, whatever comes at once.

use futures::future::join_all;
use http::StatusCode;
use sandbox::{Operation, Rule, Strike, verify};

use crate::support::{Bench, VISA};

async fn paid(bench: &Bench) -> String {
    let id = bench.session("ord_1").await;
    bench.pay(&id, VISA).await;
    let session = bench.get(&format!("/v1/checkout/sessions/{id}")).await.json();
    session["payment_intent"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn parts_are_refunded_until_nothing_is_left() {
    let bench = Bench::new();
    let intent = paid(&bench).await;
    let refund = |form: &str| {
        let form = format!("payment_intent={intent}{form}");
        let bench = &bench;
        async move { bench.post("/v1/refunds", &form).await }
    };
    let part = refund("&amount=1000&metadata[refund_id]=rfd_1&reason=requested_by_customer").await.json();
    assert_eq!((&part["status"], &part["amount"]), (&"succeeded".into(), &1000.into()));
    let too_much = refund("&amount=1501").await;
    assert_eq!((too_much.status, too_much.param().as_str()), (StatusCode::BAD_REQUEST, "amount"));
    assert_eq!(refund("").await.json()["amount"], 1500);
    assert_eq!(refund("").await.error(), "charge_already_refunded");
    let listed = bench.get(&format!("/v1/refunds?payment_intent={intent}")).await.json();
    let amounts: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|r| r["amount"].as_i64().unwrap()).collect();
    assert_eq!(amounts, [1500, 1000], "newest first");
    assert_eq!(listed["data"][1]["metadata"]["refund_id"], "rfd_1");
    let types = bench.event_types().await;
    assert_eq!(types.iter().filter(|t| *t == "charge.refunded").count(), 2);
}

#[tokio::test]
async fn refunds_at_once_never_exceed_the_charge() {
    let bench = Bench::new();
    let intent = paid(&bench).await;
    let form = format!("payment_intent={intent}&amount=400");
    let replies = join_all((0..20).map(|_| bench.post("/v1/refunds", &form))).await;
    assert_eq!(replies.iter().filter(|r| r.status == StatusCode::OK).count(), 6, "6 × 400 of 2500");
    assert_eq!(bench.charges("ord_1").await[0]["refunded_minor"], 2400);
    assert!(verify::check(&bench.sandbox.store()).await.unwrap().is_clean());
}

#[tokio::test]
async fn a_failed_refund_gives_its_amount_back() {
    let bench = Bench::new();
    let intent = paid(&bench).await;
    let form = format!("payment_intent={intent}");
    bench.sandbox.faults().arm(Rule::once(Operation::Refund, Strike::Fail));
    assert_eq!(bench.post("/v1/refunds", &form).await.json()["status"], "failed");
    assert_eq!(bench.charges("ord_1").await[0]["refunded_minor"], 0);
    assert!(bench.event_types().await.contains(&"refund.failed".to_owned()));
    assert_eq!(bench.post("/v1/refunds", &form).await.json()["status"], "succeeded");
    assert!(verify::check(&bench.sandbox.store()).await.unwrap().is_clean());
}

#[tokio::test]
async fn what_was_not_charged_is_not_refunded() {
    let bench = Bench::new();
    let (open, failed) = (bench.session("ord_1").await, bench.session("ord_2").await);
    let intent_of = |session: &str| session.replace("cs_test_", "pi_");
    bench.pay(&failed, "method=delayed_failure").await;
    let unpaid = bench.post("/v1/refunds", &format!("payment_intent={}", intent_of(&open))).await;
    assert_eq!(unpaid.error(), "resource_missing");
    let processing = bench.post("/v1/refunds", &format!("payment_intent={}", intent_of(&failed))).await;
    assert_eq!(processing.error(), "payment_intent_unexpected_state");
    assert_eq!(bench.post("/v1/refunds", "amount=1").await.error(), "parameter_missing");
}
