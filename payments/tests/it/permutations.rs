//! The end does not depend on the order or the number of deliveries of one real history.

use common::{Clock as _, Ids, OrderId};
use payments::domain::{
    CheckoutParams, Payment, RefundReference, RefundRequest, RefundState, RefundView, SessionStatus,
    SessionView, State, Terms,
};
use std::sync::Arc;
use testkit::{clock::ManualClock, random::SeededRandom};

use crate::bench::{Bench, TTL, usd};

#[derive(Clone, Debug)]
enum News {
    Session(SessionStatus),
    Refund(RefundState),
    ByHand,
}

struct History {
    ids: Ids,
    clock: Arc<ManualClock>,
    params: CheckoutParams,
    refund: RefundRequest,
}

impl History {
    fn new() -> Self {
        let bench = Bench::new();
        let clock = Arc::new(ManualClock::default());
        let ids = Ids::new(clock.clone(), Arc::new(SeededRandom::new(1)));
        let terms = Terms { ttl: TTL, public_url: "http://shop.example".into() };
        let params = CheckoutParams::new(bench.order(), &terms, clock.now()).unwrap();
        let refund = RefundRequest { id: ids.mint(), amount: Some(usd(300)), attempt: 1, reason: None };
        Self { ids, clock, params, refund }
    }

    /// A payment that was handed out, and of which nothing is heard yet.
    fn payment(&self) -> Payment {
        let mut payment = Payment::intend(self.params.clone(), self.clock.now());
        payment.observe(&self.session(SessionStatus::Open), &self.ids, self.clock.now());
        payment
    }

    fn session(&self, status: SessionStatus) -> SessionView {
        SessionView {
            id: "cs_1".into(),
            order_id: Some(self.params.order_id),
            status,
            link: Some("https://pay.example/cs_1".into()),
            total: self.params.total,
            expires_at: self.params.expires_at,
            payment_intent: (status != SessionStatus::Open).then(|| "pi_1".into()),
        }
    }

    fn take(&self, payment: &mut Payment, news: &News) {
        let now = self.clock.now();
        match news {
            News::Session(status) => drop(payment.observe(&self.session(*status), &self.ids, now)),
            News::Refund(state) => drop(payment.observe_refund(&self.refund_view(*state), now)),
            News::ByHand => drop(payment.observe_refund(&by_hand(), now)),
        }
    }

    fn refund_view(&self, state: RefundState) -> RefundView {
        RefundView {
            provider_id: "re_1".into(),
            reference: Some(RefundReference { id: self.refund.id, attempt: 1 }),
            amount: usd(300),
            state,
            payment_intent: Some("pi_1".into()),
        }
    }

    /// Every order of the news, each with every one of them doubled in place and at the end.
    fn every_end(&self, begin: &Payment, news: &[News]) -> Vec<Payment> {
        let mut ends = Vec::new();
        for order in orders_of(news.len()) {
            let mut plain = begin.clone();
            let mut doubled = begin.clone();
            for at in &order {
                self.take(&mut plain, &news[*at]);
                self.take(&mut doubled, &news[*at]);
                self.take(&mut doubled, &news[*at]);
            }
            for at in &order {
                self.take(&mut doubled, &news[*at]);
            }
            ends.extend([plain, doubled]);
        }
        ends
    }
}

fn by_hand() -> RefundView {
    RefundView {
        provider_id: "re_hand".into(),
        reference: None,
        amount: usd(100),
        state: RefundState::Succeeded,
        payment_intent: Some("pi_1".into()),
    }
}

fn orders_of(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders_of(count - 1);
    let with_last = |order: &Vec<usize>, place: usize| {
        let mut order = order.clone();
        order.insert(place, count - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..count).map(move |place| with_last(order, place))).collect()
}

/// What counts: everything but the order of the refunds and the times.
fn essence(payment: &Payment) -> String {
    let mut refunds: Vec<String> = payment
        .refunds
        .iter()
        .map(|r| format!("{:?} {:?} {:?} {}", r.id, r.provider_id, r.state, r.amount))
        .collect();
    refunds.sort_unstable();
    format!("{:?} {:?} {:?} {refunds:?}", payment.state, payment.captured, payment.session)
}

fn all_end_alike(history: &History, begin: &Payment, news: &[News]) -> Payment {
    let ends = history.every_end(begin, news);
    for end in &ends {
        assert_eq!(essence(end), essence(&ends[0]));
        assert_eq!(end.refundable().is_ok(), end.captured.is_some());
    }
    ends.into_iter().next().unwrap()
}

#[test]
fn a_delayed_payment_with_refunds_ends_the_same_in_every_order() {
    let history = History::new();
    let news = [
        News::Session(SessionStatus::Processing),
        News::Session(SessionStatus::Paid),
        News::Refund(RefundState::Pending),
        News::Refund(RefundState::Succeeded),
        News::ByHand,
    ];
    let end = all_end_alike(&history, &history.payment(), &news);
    assert_eq!((end.state, end.refunded().unwrap()), (State::Succeeded, Some(usd(400))));
}

#[test]
fn a_refund_that_the_provider_takes_back_has_failed_in_every_order() {
    let history = History::new();
    let news = [
        News::Session(SessionStatus::Paid),
        News::Refund(RefundState::Pending),
        News::Refund(RefundState::Succeeded),
        News::Refund(RefundState::Failed),
    ];
    let end = all_end_alike(&history, &history.payment(), &news);
    assert_eq!(end.refunded().unwrap(), Some(usd(0)));
}

#[test]
fn a_delayed_payment_that_fails_and_one_that_expires_end_the_same_in_every_order() {
    let history = History::new();
    for (last, end) in [(SessionStatus::Failed, State::Failed), (SessionStatus::Expired, State::Expired)] {
        let news = [
            News::Session(SessionStatus::Open),
            News::Session(SessionStatus::Processing),
            News::Session(last),
        ];
        assert_eq!(all_end_alike(&history, &history.payment(), &news).state, end);
    }
}

#[test]
fn a_success_counts_in_whatever_state_it_finds_the_payment() {
    let history = History::new();
    let order: OrderId = history.params.order_id;
    for begin in [history.payment(), Payment::tombstone(order, history.clock.now())] {
        let news = [News::Session(SessionStatus::Paid), News::Session(SessionStatus::Expired)];
        let end = all_end_alike(&history, &begin, &news);
        assert_eq!((end.state, end.captured), (State::Succeeded, Some(usd(2800))));
    }
}
