//! News of the provider: pushed once or a hundred times, forged, unknown, lost and pulled.

use std::{collections::HashMap, time::Duration};

use common::Code;
use futures::future::join_all;
use payments::domain::{Alert, RefundOrigin, SessionStatus, State};

use crate::{
    bench::{Bench, usd},
    fake_processor::Strike,
};

#[tokio::test]
async fn a_hundred_copies_of_one_webhook_at_once_take_effect_once() {
    let bench = Bench::new();
    let order = bench.open().await;
    let event = bench.turn(order, SessionStatus::Paid).await;
    for outcome in join_all((0..100).map(|_| bench.deliver(&event))).await {
        outcome.unwrap();
    }
    assert_eq!(bench.state(order).await, State::Succeeded);
    assert_eq!(bench.told().await, ["payment.succeeded"]);
    assert!(bench.verify().await.is_clean());
}

#[tokio::test]
async fn a_forged_webhook_changes_nothing_and_an_unknown_one_is_recorded() {
    let bench = Bench::new();
    let order = bench.open().await;
    let event = bench.turn(order, SessionStatus::Paid).await;
    let saves = bench.store.saves();
    let forged = HashMap::from([("signature".to_owned(), "bad".to_owned())]);
    let fault = bench.intake.take_webhook("fake", &forged, event.id.as_bytes()).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidSignature);
    let fault = bench.intake.take_webhook("other", &forged, b"{}").await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidRequest);
    assert_eq!(bench.store.saves(), saves);
    let good = HashMap::from([("signature".to_owned(), "good".to_owned())]);
    assert!(bench.intake.take_webhook("fake", &good, b"evt_unknown").await.unwrap().is_none());
    assert_eq!(bench.store.saves(), saves + 1);
    assert_eq!(bench.state(order).await, State::Open);
}

#[tokio::test]
async fn without_any_webhook_the_reconciler_brings_every_event_once() {
    let bench = Bench::new();
    let mut orders = Vec::new();
    for _ in 0..5 {
        let order = bench.open().await;
        bench.turn(order, SessionStatus::Paid).await;
        orders.push(order);
    }
    assert_eq!(bench.reconcile().await.unwrap(), 5);
    assert_eq!(bench.reconcile().await.unwrap(), 0, "the overlap is known already");
    for order in orders {
        assert_eq!(bench.state(order).await, State::Succeeded);
    }
    assert_eq!(bench.told().await.len(), 5);
}

#[tokio::test]
async fn a_pass_that_breaks_off_goes_on_where_it_stopped_and_misses_nothing() {
    let bench = Bench::new();
    let mut orders = Vec::new();
    for _ in 0..7 {
        orders.push(bench.open().await);
    }
    for order in &orders[..6] {
        bench.turn(*order, SessionStatus::Paid).await;
    }
    assert!(bench.reconciler.read_page().await.unwrap().more);
    bench.provider.script(&[Strike::LostBefore]);
    bench.reconcile().await.unwrap_err();
    // News that come while a pass is under way do not wait for its end.
    bench.turn(orders[6], SessionStatus::Paid).await;
    let newest = bench.reconciler.read_newest().await.unwrap();
    assert!(newest.iter().any(|entry| entry.value.id == "evt_7"), "{newest:?}");
    bench.reconcile().await.unwrap();
    assert!(bench.reconciler.read_newest().await.unwrap().is_empty(), "no pass is under way");
    bench.clock.advance(Duration::from_secs(10));
    bench.sweep().await;
    for order in orders {
        assert_eq!(bench.state(order).await, State::Succeeded);
    }
}

#[tokio::test]
async fn an_event_that_was_stored_and_not_processed_is_found_by_the_sweep() {
    let bench = Bench::new();
    let order = bench.open().await;
    let event = bench.turn(order, SessionStatus::Paid).await;
    let good = HashMap::from([("signature".to_owned(), "good".to_owned())]);
    bench.intake.take_webhook("fake", &good, event.id.as_bytes()).await.unwrap().unwrap();
    assert!(bench.verify().await.in_flight.iter().any(|line| line.contains("waits")));
    bench.sweep().await;
    assert_eq!(bench.state(order).await, State::Open, "the worker has a moment");
    bench.clock.advance(Duration::from_secs(6));
    bench.sweep().await;
    assert_eq!(bench.state(order).await, State::Succeeded);
}

#[tokio::test]
async fn entries_are_forgotten_when_nobody_repeats_them_any_more() {
    let bench = Bench::new();
    bench.paid().await;
    assert_eq!(bench.cashier.forget_entries(10).await.unwrap(), 0);
    bench.clock.advance(payments::domain::provider_event::RETENTION);
    assert_eq!(bench.cashier.forget_entries(10).await.unwrap(), 1);
    assert_eq!(bench.cashier.forget_entries(10).await.unwrap(), 0);
}

#[tokio::test]
async fn a_success_over_another_sum_is_sent_back_and_told_as_a_failure() {
    let bench = Bench::new();
    let order = bench.open().await;
    let mut payment = bench.payment(order).await;
    let session = payment.session.take().unwrap();
    bench.provider.turn(&session.id, SessionStatus::Paid);
    let mut view = bench.provider.sessions().remove(0);
    view.total = usd(5);
    payment_after(&bench, order, &view).await;
    let payment = payment_after(&bench, order, &view).await;
    assert_eq!((payment.state, payment.refunds.len()), (State::Failed, 1), "told twice, sent back once");
    assert!(matches!(bench.alerts()[..], [Alert::WrongAmount { .. }]));
    assert_eq!(bench.provider.refunds()[0].amount, usd(5));
    assert_eq!(bench.told().await, ["payment.failed"]);
    assert!(bench.verify().await.is_clean());
}

#[tokio::test]
async fn money_on_a_session_that_was_never_handed_out_is_sent_back() {
    let bench = Bench::new();
    let order = bench.paid().await;
    let mut stray = bench.provider.sessions().remove(0);
    stray.id = "cs_stray".into();
    stray.payment_intent = Some("pi_stray".into());
    let payment = payment_after(&bench, order, &stray).await;
    let refund = payment.refunds.iter().find(|refund| refund.origin == RefundOrigin::Stray).unwrap();
    assert_eq!((payment.state, refund.payment_intent.as_deref()), (State::Succeeded, Some("pi_stray")));
    assert!(matches!(bench.alerts()[..], [Alert::StrayCharge { .. }]));
    assert!(!bench.verify().await.is_clean(), "an order was charged twice, though not for long");
}

/// The payment after news of a session that the provider did not tell in this form.
async fn payment_after(
    bench: &Bench,
    order: common::OrderId,
    view: &payments::domain::SessionView,
) -> payments::domain::Payment {
    let event = bench.provider.tell_of(view.clone());
    bench.deliver(&event).await.unwrap();
    bench.payment(order).await
}
