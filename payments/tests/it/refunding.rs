//! Refunds: full and partial, once each, by hand at the dashboard, and with the provider away.

use std::time::Duration;

use common::Code;
use payments::domain::{RefundRequest, RefundState, SessionStatus};

use crate::{
    bench::{Bench, usd, value},
    fake_processor::Strike,
};

#[tokio::test]
async fn a_refund_is_made_once_and_the_rest_of_the_charge_is_left() {
    let bench = Bench::new();
    let order = bench.paid().await;
    let part = bench.refund(Some(800));
    for _ in 0..3 {
        bench.cashier.refund(order, &part).await.unwrap();
    }
    let payment = value(bench.cashier.refund(order, &bench.refund(None)).await.unwrap());
    assert_eq!(payment.refunded().unwrap(), Some(usd(2800)));
    assert_eq!(bench.provider.refunds().iter().map(|r| r.amount).collect::<Vec<_>>(), [usd(800), usd(2000)]);
    assert_eq!(bench.told().await, ["payment.succeeded", "payment.refunded", "payment.refunded"]);
    assert!(bench.verify().await.is_clean());
}

#[tokio::test]
async fn more_than_is_left_or_nothing_at_all_is_refused() {
    let bench = Bench::new();
    let order = bench.paid().await;
    bench.cashier.refund(order, &bench.refund(Some(2000))).await.unwrap();
    for (amount, code) in
        [(801, Code::InvalidTransition), (0, Code::InvalidRequest), (-5, Code::InvalidRequest)]
    {
        let fault = bench.cashier.refund(order, &bench.refund(Some(amount))).await.unwrap_err();
        assert_eq!(fault.code(), code, "{amount}");
    }
    let unpaid = bench.open().await;
    let fault = bench.cashier.refund(unpaid, &bench.refund(None)).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidTransition);
    let fault = bench.cashier.refund(bench.ids.mint(), &bench.refund(None)).await.unwrap_err();
    assert_eq!(fault.code(), Code::PaymentNotFound);
}

#[tokio::test]
async fn whatever_becomes_of_the_call_the_provider_refunds_once() {
    for strike in [Strike::LostBefore, Strike::LostAfter, Strike::SpentAfter] {
        let bench = Bench::new();
        let order = bench.paid().await;
        bench.provider.script(&[strike]);
        let outcome = bench.cashier.refund(order, &bench.refund(None)).await;
        assert_eq!(outcome.is_ok(), strike == Strike::SpentAfter, "found among the charge's refunds");
        bench.sweep_for(Duration::from_secs(120)).await;
        assert_eq!(bench.payment(order).await.refunded().unwrap(), Some(usd(2800)), "{strike:?}");
        assert_eq!(bench.provider.refunds().len(), 1);
        assert_eq!(bench.told().await, ["payment.succeeded", "payment.refunded"]);
    }
}

#[tokio::test]
async fn a_refund_that_fails_is_told_and_tried_again_as_a_new_attempt() {
    for strike in [Strike::Refused, Strike::SpentBefore] {
        let bench = Bench::new();
        let order = bench.paid().await;
        bench.provider.script(&[strike]);
        let first = bench.refund(None);
        let payment = value(bench.cashier.refund(order, &first).await.unwrap());
        assert_eq!(payment.refunds[0].state, RefundState::Failed);
        bench.cashier.refund(order, &first).await.unwrap();
        assert_eq!(bench.provider.refunds().len(), 0, "the same attempt stays failed");
        let second = RefundRequest { attempt: 2, ..first };
        let payment = value(bench.cashier.refund(order, &second).await.unwrap());
        assert_eq!((payment.refunds.len(), payment.refunds[0].attempt), (1, 2));
        assert_eq!(payment.refunded().unwrap(), Some(usd(2800)));
        let told = ["payment.succeeded", "payment.refund_failed", "payment.refunded"];
        assert_eq!(bench.told().await, told);
    }
}

#[tokio::test]
async fn a_pending_refund_is_settled_by_its_event_or_by_a_question() {
    for by_event in [true, false] {
        let bench = Bench::new();
        let order = bench.paid().await;
        bench.provider.refunds_start_as(RefundState::Pending);
        let payment = value(bench.cashier.refund(order, &bench.refund(None)).await.unwrap());
        assert_eq!(payment.refunds[0].state, RefundState::Pending);
        let event = bench.provider.settle("re_1", RefundState::Failed);
        if by_event {
            bench.deliver(&event).await.unwrap();
        } else {
            bench.sweep_for(Duration::from_secs(120)).await;
        }
        assert_eq!(bench.payment(order).await.refunds[0].state, RefundState::Failed);
        assert_eq!(bench.told().await, ["payment.succeeded", "payment.refund_failed"]);
    }
}

#[tokio::test]
async fn news_of_an_attempt_that_another_has_followed_change_nothing() {
    let bench = Bench::new();
    let order = bench.paid().await;
    bench.provider.refunds_start_as(RefundState::Pending);
    let first = bench.refund(None);
    bench.cashier.refund(order, &first).await.unwrap();
    let failed = bench.provider.settle("re_1", RefundState::Failed);
    bench.deliver(&failed).await.unwrap();
    bench.provider.refunds_start_as(RefundState::Succeeded);
    bench.cashier.refund(order, &RefundRequest { attempt: 2, ..first }).await.unwrap();
    let again = bench.provider.settle("re_1", RefundState::Failed);
    bench.deliver(&again).await.unwrap();
    let payment = bench.payment(order).await;
    assert_eq!((payment.refunds.len(), payment.refunds[0].state), (1, RefundState::Succeeded));
}

#[tokio::test]
async fn a_refund_by_hand_is_told_and_leaves_less_for_the_order() {
    let bench = Bench::new();
    let order = bench.paid().await;
    let charge = bench.payment(order).await.session.unwrap().payment_intent.unwrap();
    let event = bench.provider.refund_by_hand(&charge, usd(2800));
    bench.deliver(&event).await.unwrap();
    assert_eq!(bench.payment(order).await.refunded().unwrap(), Some(usd(2800)));
    assert_eq!(bench.told().await, ["payment.succeeded", "payment.refunded"]);
    let calls = bench.provider.calls().len();
    let payment = value(bench.cashier.refund(order, &bench.refund(None)).await.unwrap());
    assert_eq!(payment.refunds[1].state, RefundState::Succeeded, "there is nothing left to do");
    assert_eq!(bench.provider.calls().len(), calls);
}

#[tokio::test]
async fn a_refund_that_is_heard_of_before_its_charge_waits_for_it() {
    let bench = Bench::new();
    let order = bench.open().await;
    let paid = bench.turn(order, SessionStatus::Paid).await;
    let charge = bench.provider.sessions()[0].payment_intent.clone().unwrap();
    let refunded = bench.provider.refund_by_hand(&charge, usd(100));
    bench.deliver(&refunded).await.unwrap_err();
    bench.deliver(&paid).await.unwrap();
    bench.sweep_for(Duration::from_secs(60)).await;
    assert_eq!(bench.payment(order).await.refunded().unwrap(), Some(usd(100)));
}
