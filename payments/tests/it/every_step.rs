//! Every step of a payment's life fails once, before or after it took effect, and nothing is lost or done twice.

use std::time::Duration;

use common::{Fault, OrderId};
use payments::domain::{CheckoutOrder, RefundRequest, SessionStatus, State};

use crate::{
    bench::{Bench, usd},
    fake_processor::Strike,
    faulty_store::When,
};

/// A failed step is tried again by its caller so often.
const TRIES: usize = 5;

/// From the first call to the last refund, with callers that try again and sweeps that go on.
async fn live(bench: &Bench, strikes: &[Strike]) -> (OrderId, usize) {
    let order: CheckoutOrder = bench.order();
    let refund: RefundRequest = bench.refund(Some(300));
    bench.provider.script(strikes);
    until_done(bench, || async { bench.cashier.create_checkout(order.clone()).await.map(drop) }).await;
    let event = bench.turn(order.order_id, SessionStatus::Paid).await;
    until_done(bench, || bench.deliver(&event)).await;
    until_done(bench, || bench.reconcile_twice()).await;
    bench.sweep_for(Duration::from_secs(60)).await;
    until_done(bench, || async { bench.cashier.refund(order.order_id, &refund).await.map(drop) }).await;
    bench.sweep_for(Duration::from_secs(600)).await;
    (order.order_id, bench.provider.calls().len())
}

async fn until_done<F: Future<Output = Result<(), Fault>>>(bench: &Bench, step: impl Fn() -> F) {
    for _ in 0..TRIES {
        if step().await.is_ok() {
            return;
        }
        bench.sweep_for(Duration::from_secs(30)).await;
    }
    panic!("never done");
}

impl Bench {
    async fn reconcile_twice(&self) -> Result<(), Fault> {
        self.reconcile().await?;
        self.reconcile().await.map(drop)
    }
}

async fn assert_whole(bench: &Bench, order: OrderId, case: &str) {
    let payment = bench.payment(order).await;
    assert_eq!(payment.state, State::Succeeded, "{case}");
    assert_eq!(payment.captured, Some(usd(2800)), "{case}");
    assert_eq!(payment.refunded().unwrap(), Some(usd(300)), "{case}");
    assert_eq!(bench.charges(order), 1, "{case}");
    assert_eq!(bench.provider.refunds().len(), 1, "{case}");
    assert_eq!(bench.told().await, ["payment.succeeded", "payment.refunded"], "{case}");
    let report = bench.verify().await;
    assert!(report.is_clean(), "{case}: {report:?}");
    assert!(report.in_flight.is_empty(), "{case}: {report:?}");
}

#[tokio::test]
async fn every_save_may_fail_before_or_after_it_took_effect() {
    let bench = Bench::new();
    let (order, _) = live(&bench, &[]).await;
    assert_whole(&bench, order, "no fault").await;
    let saves = bench.store.saves();
    assert!(saves >= 6, "{saves}");
    for at in 0..saves {
        for when in [When::Before, When::After] {
            let bench = Bench::with_fault(Some((at, when)));
            let (order, _) = live(&bench, &[]).await;
            assert_whole(&bench, order, &format!("save {at} fails {when:?}")).await;
        }
    }
}

#[tokio::test]
async fn every_call_to_the_provider_may_be_lost_before_or_after_it_took_effect() {
    let (_, calls) = live(&Bench::new(), &[]).await;
    assert!(calls >= 3, "{calls}");
    for at in 0..calls {
        for strike in [Strike::LostBefore, Strike::LostAfter, Strike::SpentAfter] {
            let mut script = vec![Strike::Pass; at];
            script.push(strike);
            let bench = Bench::new();
            let (order, _) = live(&bench, &script).await;
            assert_whole(&bench, order, &format!("call {at}: {strike:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_away_for_a_while_loses_nothing() {
    let bench = Bench::new();
    let paid = bench.open().await;
    let expired = bench.open().await;
    bench.turn(paid, SessionStatus::Paid).await;
    bench.turn(expired, SessionStatus::Expired).await;
    let new = bench.order();
    bench.provider.script(&[Strike::LostBefore; 20]);
    bench.cashier.create_checkout(new.clone()).await.unwrap_err();
    for _ in 0..3 {
        bench.clock.advance(Duration::from_secs(10));
        bench.reconcile().await.unwrap_err();
        bench.sweep().await;
    }
    bench.provider.script(&[]);
    bench.reconcile().await.unwrap();
    bench.sweep_for(Duration::from_secs(120)).await;
    assert_eq!(bench.state(paid).await, State::Succeeded);
    assert_eq!(bench.state(expired).await, State::Expired);
    assert_eq!(bench.state(new.order_id).await, State::Open);
}
