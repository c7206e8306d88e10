//! The contract of `PaymentProcessor`: every adapter runs the same cases, and so does the provider in memory that the
//! use cases are tested with.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{Clock as _, Code, Ids, Money, OrderId, RefundId};
use payments::{
    domain::{
        CheckoutKey, CheckoutLine, CheckoutOrder, CheckoutParams, Fact, ProviderEvent, RefundParams,
        RefundReference, RefundState, SessionStatus, SessionView, Terms,
    },
    ports::{PaymentProcessor, ProviderError},
};
use testkit::{clock::ManualClock, random::SeededRandom};

use crate::{
    bench::{TTL, usd},
    fake_processor::FakeProcessor,
};

/// A provider under test, and what a customer and time do to it.
#[async_trait]
pub(crate) trait Rig: Send + Sync {
    fn processor(&self) -> &dyn PaymentProcessor;
    fn clock(&self) -> &Arc<ManualClock>;

    /// The customer pays, so that the session becomes this in the end.
    async fn pay(&self, session: &SessionView, end: SessionStatus);
}

pub(crate) struct Case<'a> {
    pub(crate) rig: &'a dyn Rig,
    ids: Ids,
}

impl<'a> Case<'a> {
    pub(crate) fn new(rig: &'a dyn Rig, seed: u64) -> Self {
        let ids = Ids::new(rig.clock().clone(), Arc::new(SeededRandom::new(seed)));
        Self { rig, ids }
    }

    pub(crate) fn params(&self) -> CheckoutParams {
        let line = |item: &str, quantity, unit| CheckoutLine {
            item_id: item.parse().unwrap(),
            name: format!("Crème brûlée & co. {item} = 100 %"),
            quantity,
            unit_price: usd(unit),
            price_id: None,
        };
        let order = CheckoutOrder {
            order_id: self.ids.mint(),
            customer_id: "2".parse().unwrap(),
            email: Some("a+b@example.com".into()),
            lines: vec![line("1", 2, 1250), line("2", 1, 300)],
            total: usd(2800),
        };
        let terms = Terms { ttl: TTL, public_url: "http://shop.example".into() };
        CheckoutParams::new(order, &terms, self.rig.clock().now()).unwrap()
    }

    pub(crate) async fn create(
        &self,
        params: &CheckoutParams,
        epoch: u32,
    ) -> Result<SessionView, ProviderError> {
        let key = CheckoutKey { order_id: params.order_id, epoch };
        self.rig.processor().create_checkout(params, key).await
    }

    async fn open(&self) -> SessionView {
        self.create(&self.params(), 1).await.unwrap()
    }

    async fn paid(&self) -> SessionView {
        let session = self.open().await;
        self.rig.pay(&session, SessionStatus::Paid).await;
        self.rig.processor().retrieve_checkout(&session.id).await.unwrap()
    }

    fn refund(&self, session: &SessionView, amount: Money) -> RefundParams {
        RefundParams {
            reference: RefundReference { id: self.ids.mint::<RefundId>(), attempt: 1 },
            payment_intent: session.payment_intent.clone().unwrap(),
            amount,
        }
    }
}

/// Runs every case.
pub(crate) async fn run(rig: &dyn Rig) {
    let mut seed = 0;
    let mut case = || {
        seed += 1;
        Case::new(rig, seed)
    };
    one_key_gives_one_session(&case()).await;
    a_session_says_what_was_asked_for(&case()).await;
    a_session_is_found_by_its_order(&case()).await;
    an_expired_session_stays_expired(&case()).await;
    a_paid_session_is_not_expired_but_shown(&case()).await;
    a_session_without_enough_life_is_refused(&case()).await;
    a_refund_is_made_once_and_found_again(&case()).await;
    more_than_the_charge_is_refused(&case()).await;
    events_are_listed_newest_first_to_the_end(&case()).await;
    what_is_not_there_is_refused(&case()).await;
}

async fn one_key_gives_one_session(case: &Case<'_>) {
    let params = case.params();
    let first = case.create(&params, 1).await.unwrap();
    assert_eq!(case.create(&params, 1).await.unwrap(), first);
    assert_ne!(case.create(&params, 2).await.unwrap().id, first.id);
}

async fn a_session_says_what_was_asked_for(case: &Case<'_>) {
    let params = case.params();
    let session = case.create(&params, 1).await.unwrap();
    assert_eq!(session.order_id, Some(params.order_id));
    assert_eq!((session.status, session.total), (SessionStatus::Open, params.total));
    assert_eq!(session.expires_at, params.expires_at);
    assert!(session.link.as_ref().is_some_and(|link| link.starts_with("http")));
    assert_eq!(case.rig.processor().retrieve_checkout(&session.id).await.unwrap(), session);
}

async fn a_session_is_found_by_its_order(case: &Case<'_>) {
    let since = case.rig.clock().now();
    let params = case.params();
    let first = case.create(&params, 1).await.unwrap();
    let second = case.create(&params, 2).await.unwrap();
    case.open().await;
    let found = case.rig.processor().find_checkout(params.order_id, since).await.unwrap();
    assert_eq!(found.into_iter().map(|view| view.id).collect::<Vec<_>>(), [second.id, first.id]);
    let stranger: OrderId = case.ids.mint();
    assert!(case.rig.processor().find_checkout(stranger, since).await.unwrap().is_empty());
}

async fn an_expired_session_stays_expired(case: &Case<'_>) {
    let session = case.open().await;
    for _ in 0..2 {
        let view = case.rig.processor().expire_checkout(&session.id).await.unwrap();
        assert_eq!(view.status, SessionStatus::Expired);
    }
    let view = case.rig.processor().retrieve_checkout(&session.id).await.unwrap();
    assert_eq!(view.status, SessionStatus::Expired);
}

async fn a_paid_session_is_not_expired_but_shown(case: &Case<'_>) {
    for end in [SessionStatus::Paid, SessionStatus::Processing, SessionStatus::Failed] {
        let session = case.open().await;
        case.rig.pay(&session, end).await;
        let view = case.rig.processor().expire_checkout(&session.id).await.unwrap();
        assert_eq!((view.status, view.order_id), (end, session.order_id));
        assert!(view.payment_intent.is_some());
    }
}

async fn a_session_without_enough_life_is_refused(case: &Case<'_>) {
    let mut params = case.params();
    params.expires_at = case.rig.clock().now() + Duration::from_secs(600);
    let refusal = case.create(&params, 1).await.unwrap_err();
    assert!(matches!(&refusal, ProviderError::Rejected(fault) if fault.code() == Code::PaymentRejected));
    // It left nothing behind under its key.
    params.expires_at = case.rig.clock().now() + TTL;
    case.create(&params, 1).await.unwrap();
}

async fn a_refund_is_made_once_and_found_again(case: &Case<'_>) {
    let session = case.paid().await;
    let processor = case.rig.processor();
    let part = case.refund(&session, usd(800));
    let first = processor.refund(&part).await.unwrap();
    assert_eq!((first.amount, first.state), (usd(800), RefundState::Succeeded));
    assert_eq!(first.reference, Some(part.reference));
    assert_eq!(processor.refund(&part).await.unwrap(), first);
    let rest = processor.refund(&case.refund(&session, usd(2000))).await.unwrap();
    let found = processor.find_refunds(&part.payment_intent).await.unwrap();
    assert_eq!(found, [rest, first]);
}

async fn more_than_the_charge_is_refused(case: &Case<'_>) {
    let session = case.paid().await;
    let refusal = case.rig.processor().refund(&case.refund(&session, usd(2801))).await.unwrap_err();
    assert!(matches!(refusal, ProviderError::Rejected(_)), "{refusal}");
}

async fn events_are_listed_newest_first_to_the_end(case: &Case<'_>) {
    case.rig.clock().advance(Duration::from_secs(3600));
    let since = case.rig.clock().now();
    let mut paid = Vec::new();
    for _ in 0..5 {
        paid.push(case.paid().await.id);
        case.rig.clock().advance(Duration::from_secs(2));
    }
    let (mut listed, mut older) = (Vec::new(), None);
    loop {
        let page = case.rig.processor().list_events(since, older.as_deref()).await.unwrap();
        listed.extend(page.events.iter().filter_map(session_of));
        older = page.older;
        if older.is_none() {
            break;
        }
    }
    paid.reverse();
    assert_eq!(listed, paid);
    let since = case.rig.clock().now();
    assert!(case.rig.processor().list_events(since, None).await.unwrap().events.is_empty());
}

fn session_of(event: &ProviderEvent) -> Option<String> {
    match &event.fact {
        Fact::Session(view) if view.status == SessionStatus::Paid => Some(view.id.clone()),
        _ => None,
    }
}

async fn what_is_not_there_is_refused(case: &Case<'_>) {
    let fault = case.rig.processor().retrieve_checkout("cs_test_none").await.unwrap_err();
    assert_eq!(fault.code(), Code::PaymentRejected);
}

struct InMemory {
    clock: Arc<ManualClock>,
    processor: FakeProcessor,
}

#[async_trait]
impl Rig for InMemory {
    fn processor(&self) -> &dyn PaymentProcessor {
        &self.processor
    }

    fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    async fn pay(&self, session: &SessionView, end: SessionStatus) {
        self.processor.turn(&session.id, end);
    }
}

#[tokio::test]
async fn the_provider_in_memory_keeps_the_contract() {
    let clock = Arc::new(ManualClock::default());
    let processor = FakeProcessor::new(clock.clone());
    run(&InMemory { clock, processor }).await;
}
