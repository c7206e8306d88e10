//! The Stripe adapter against Stripe's own published mock: every request is valid, every answer can be read. The mock
//! keeps no state, so that behaviour is the sandbox's to test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dahlia;

use std::sync::Arc;

use common::{Clock, Currency, Money, OrderId, SystemClock, SystemRandom, Timestamp};
use payments::{
    domain::{
        CheckoutKey, CheckoutLine, CheckoutOrder, CheckoutParams, Fact, RefundParams, RefundReference,
        RefundState, SessionStatus, Terms,
    },
    outbound::stripe::{StripeProcessor, StripeSettings},
    ports::{PaymentProcessor as _, ProviderError},
};
use telemetry::Metrics;
use testkit::servers::StripeMock;

const ORDER: &str = "ord_01890a5dac96774bbcceb302099a8057";

fn adapter(base: &str) -> StripeProcessor {
    let settings =
        StripeSettings { secret_key: "sk_test_1".into(), api_base: base.into(), webhook_secrets: vec![] };
    StripeProcessor::new(settings, Arc::new(SystemClock), Arc::new(SystemRandom), &Metrics::new()).unwrap()
}

fn usd(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::USD)
}

/// A line with the price spelt out, one with a price kept at Stripe, and everything else that we ever send.
fn params() -> CheckoutParams {
    let line = |price_id: Option<&str>| CheckoutLine {
        item_id: "1".parse().unwrap(),
        name: "Crème brûlée & co. = 100 %".into(),
        quantity: 2,
        unit_price: usd(700),
        price_id: price_id.map(Into::into),
    };
    let order = CheckoutOrder {
        order_id: ORDER.parse().unwrap(),
        customer_id: "2".parse().unwrap(),
        email: Some("a+b@example.com".into()),
        lines: vec![line(None), line(Some("price_1"))],
        total: usd(2800),
    };
    let terms =
        Terms { ttl: std::time::Duration::from_secs(2700), public_url: "https://shop.example".into() };
    CheckoutParams::new(order, &terms, SystemClock.now()).unwrap()
}

fn key() -> CheckoutKey {
    CheckoutKey { order_id: ORDER.parse().unwrap(), epoch: 1 }
}

#[tokio::test]
async fn every_request_is_valid_and_every_answer_can_be_read() {
    let mock = StripeMock::start().await.unwrap();
    let stripe = adapter(&dahlia::before(&mock).await);
    let since = Timestamp::from_secs(1_700_000_000);

    let created = stripe.create_checkout(&params(), key()).await.unwrap();
    assert_eq!(created.status, SessionStatus::Open);
    assert!(created.link.is_some_and(|link| link.starts_with("https://checkout.stripe.com/")));
    let retrieved = stripe.retrieve_checkout(&created.id).await.unwrap();
    assert_eq!(retrieved.id, created.id);
    let found = stripe.find_checkout(ORDER.parse::<OrderId>().unwrap(), since).await.unwrap();
    assert_eq!(found, [], "its fixture is nobody's");
    stripe.expire_checkout(&created.id).await.unwrap();

    let reference: RefundReference = "rfd_01890a5dac96774bbcceb302099a8057:1".parse().unwrap();
    let refund = RefundParams { reference, payment_intent: "pi_1".into(), amount: usd(300) };
    let refunded = stripe.refund(&refund).await.unwrap();
    assert_eq!((refunded.state, refunded.payment_intent.as_deref()), (RefundState::Succeeded, Some("pi_1")));
    let refunds = stripe.find_refunds("pi_1").await.unwrap();
    assert_eq!(refunds.len(), 1);

    let page = stripe.list_events(since, Some("evt_1")).await.unwrap();
    assert!(matches!(page.events[..], [ref event] if event.fact == Fact::Unknown), "{page:?}");
}

/// When this fails the mock has caught up with our version of the API: then the translation in `dahlia` goes.
#[tokio::test]
async fn the_mock_is_a_release_behind_in_how_a_card_is_asked_for() {
    let mock = StripeMock::start().await.unwrap();
    let refused = adapter(mock.url()).create_checkout(&params(), key()).await.unwrap_err();
    let ProviderError::Rejected(fault) = &refused else { panic!("{refused:?}") };
    let detail = fault.detail().unwrap_or_default();
    assert!(detail.contains("additional properties are not allowed"), "{detail}");
}
