//! Creating a checkout: one session per order, whatever becomes of the calls.

use std::time::Duration;

use common::{Code, Kind};
use payments::domain::{CheckoutLine, SessionStatus, State};

use crate::{
    bench::{Bench, TTL, usd, value},
    fake_processor::Strike,
};

#[tokio::test]
async fn an_order_gets_one_link_however_often_it_asks() {
    let bench = Bench::new();
    let order = bench.order();
    let first = value(bench.cashier.create_checkout(order.clone()).await.unwrap());
    let again = value(bench.cashier.create_checkout(order.clone()).await.unwrap());
    assert_eq!(first, again);
    assert_eq!(first.state, State::Open);
    let params = first.intent.unwrap().params;
    assert_eq!(
        params.success_url,
        format!("http://shop.example/success.html?customer_id=2&order_id={}", order.order_id)
    );
    assert_eq!(bench.provider.calls().len(), 1);
    // The intent before the call, the reply after it.
    assert_eq!(bench.store.saves(), 3, "two for the first call, and the second found the document there");
}

#[tokio::test]
async fn what_does_not_add_up_or_changes_its_mind_is_refused() {
    let bench = Bench::new();
    let mut order = bench.order();
    order.total = usd(1);
    let fault = bench.cashier.create_checkout(order.clone()).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidRequest);
    order.total = usd(2800);
    bench.cashier.create_checkout(order.clone()).await.unwrap();
    let line = CheckoutLine { quantity: 1, unit_price: usd(2800), ..order.lines[0].clone() };
    order.lines = vec![line];
    let fault = bench.cashier.create_checkout(order).await.unwrap_err();
    assert_eq!(fault.code(), Code::InvalidTransition);
}

#[tokio::test]
async fn an_unknown_outcome_is_asked_again_under_the_same_key() {
    for strike in [Strike::LostBefore, Strike::LostAfter] {
        let bench = Bench::new();
        bench.provider.script(&[strike]);
        let order = bench.order();
        let fault = bench.cashier.create_checkout(order.clone()).await.unwrap_err();
        assert_eq!(fault.kind(), Kind::Unavailable);
        bench.sweep_for(Duration::from_secs(60)).await;
        assert_eq!(bench.state(order.order_id).await, State::Open, "the sweep went on");
        bench.cashier.create_checkout(order).await.unwrap();
        let calls = bench.provider.calls();
        assert_eq!((calls.len(), &calls[0]), (2, &calls[1]));
        assert_eq!(bench.provider.sessions().len(), 1);
    }
}

#[tokio::test]
async fn behind_a_spent_key_the_session_is_adopted_or_made_under_the_next() {
    for (strike, epoch) in [(Strike::SpentBefore, 2), (Strike::SpentAfter, 1)] {
        let bench = Bench::new();
        bench.provider.script(&[strike]);
        let payment = value(bench.cashier.create_checkout(bench.order()).await.unwrap());
        assert_eq!((payment.state, payment.intent.unwrap().epoch), (State::Open, epoch));
        assert_eq!(bench.provider.sessions().len(), 1);
        assert_eq!(bench.provider.sessions()[0].id, payment.session.unwrap().id);
    }
}

#[tokio::test]
async fn a_definite_refusal_stays_one() {
    let bench = Bench::new();
    bench.provider.script(&[Strike::Refused]);
    let order = bench.order();
    for _ in 0..2 {
        let fault = bench.cashier.create_checkout(order.clone()).await.unwrap_err();
        assert_eq!(fault.code(), Code::PaymentRejected);
    }
    assert_eq!(bench.provider.calls().len(), 1);
    assert!(bench.told().await.is_empty(), "the caller decides; no event races its answer");
}

#[tokio::test]
async fn a_session_over_another_sum_is_expired_and_never_handed_out() {
    let bench = Bench::new();
    bench.provider.charge_instead(usd(9999));
    let order = bench.order();
    let fault = bench.cashier.create_checkout(order.clone()).await.unwrap_err();
    assert_eq!(fault.code(), Code::PaymentRejected);
    assert_eq!(bench.provider.sessions()[0].status, SessionStatus::Expired);
    assert_eq!(bench.alerts().len(), 1);
    assert_eq!(bench.state(order.order_id).await, State::Failed);
}

#[tokio::test]
async fn parameters_that_have_grown_too_old_are_renewed_under_a_new_key() {
    let bench = Bench::new();
    bench.provider.script(&[Strike::LostBefore]);
    let order = bench.order();
    bench.cashier.create_checkout(order.clone()).await.unwrap_err();
    bench.clock.advance(TTL - Duration::from_secs(600));
    bench.sweep().await;
    let payment = bench.payment(order.order_id).await;
    assert_eq!((payment.state, payment.intent.unwrap().epoch), (State::Open, 2));
    assert_eq!(payment.session.unwrap().expires_at.since(common::Clock::now(&*bench.clock)), TTL);
}

#[tokio::test]
async fn many_drivers_of_one_order_make_one_session() {
    let bench = Bench::new();
    let order = bench.order();
    let drivers = (0..16).map(|_| bench.cashier.create_checkout(order.clone()));
    let links: Vec<_> = futures::future::join_all(drivers).await;
    assert!(links.iter().all(Result::is_ok), "{links:?}");
    assert_eq!(bench.provider.sessions().len(), 1);
    assert!(bench.verify().await.is_clean());
}
