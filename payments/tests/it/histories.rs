//! Histories by chance: callers, customers, sweeps and time in any order, over a provider and a disk that fail now and
//! then. Whatever happens, money is taken once and accounted for. A failure names its seed.

use std::time::Duration;

use common::{OrderId, Random as _, Timestamp};
use payments::domain::{CheckoutOrder, RefundRequest, RefundState, SessionStatus, SessionView, State};
use testkit::random::SeededRandom;

use crate::{
    bench::{Bench, TTL, usd},
    fake_processor::Strike,
    faulty_store::When,
};

const SEEDS: u64 = 40;
const STEPS: usize = 120;
const STRIKES: [Strike; 6] = [
    Strike::Pass,
    Strike::LostBefore,
    Strike::LostAfter,
    Strike::SpentBefore,
    Strike::SpentAfter,
    Strike::Refused,
];

struct History {
    bench: Bench,
    die: SeededRandom,
    orders: Vec<CheckoutOrder>,
    refunds: Vec<(OrderId, RefundRequest)>,
}

impl History {
    fn new(seed: u64) -> Self {
        let (orders, refunds) = (Vec::new(), Vec::new());
        Self { bench: Bench::new(), die: SeededRandom::new(seed), orders, refunds }
    }

    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.die.below(bound as u64)).unwrap()
    }

    fn one_of<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }

    /// One thing that happens. Callers see faults and come again, or not.
    async fn step(&mut self) {
        match self.below(12) {
            0 | 1 => self.place().await,
            2 => self.close().await,
            3 | 4 => self.customer().await,
            5 => self.news().await,
            6 => self.refund().await,
            7 => self.settle(),
            8 => drop(self.bench.reconcile().await),
            9 => {
                self.bench.clock.advance(Duration::from_secs(self.die.below(300)));
                self.bench.provider.expire_overdue();
                self.bench.sweep().await;
            }
            10 => self.bench.provider.script(&[STRIKES[self.below(6)], STRIKES[self.below(6)]]),
            _ => self.bench.store.fail_next(if self.below(2) == 0 { When::Before } else { When::After }),
        }
    }

    async fn place(&mut self) {
        if self.orders.is_empty() || self.below(2) == 0 {
            self.orders.push(self.bench.order());
        }
        let order = self.one_of(&self.orders).unwrap().clone();
        drop(self.bench.cashier.create_checkout(order).await);
    }

    async fn close(&self) {
        if let Some(order) = self.one_of(&self.orders) {
            drop(self.bench.cashier.expire_checkout(order.order_id).await);
        }
    }

    /// A customer with a link pays, at once or later; a delayed payment comes to its end. Only a link that left us
    /// can be paid.
    async fn customer(&self) {
        let sessions = self.bench.provider.sessions();
        let Some(session) = self.one_of(&sessions) else { return };
        let next = match (session.status, self.below(3)) {
            (SessionStatus::Open, 0) => SessionStatus::Paid,
            (SessionStatus::Open, 1) => SessionStatus::Processing,
            (SessionStatus::Processing, 0) => SessionStatus::Failed,
            (SessionStatus::Processing, _) => SessionStatus::Paid,
            _ => return,
        };
        if self.handed_out(session).await {
            self.bench.provider.turn(&session.id, next);
        }
    }

    async fn handed_out(&self, session: &SessionView) -> bool {
        let known = self.bench.cashier.get_payment(session.order_id.unwrap()).await;
        known.is_ok_and(|kept| kept.value.session.is_some_and(|own| own.id == session.id))
    }

    /// Any event of the past, once more.
    async fn news(&self) {
        let events = self.bench.provider.events();
        if let Some(event) = self.one_of(&events) {
            drop(self.bench.deliver(event).await);
        }
    }

    async fn refund(&mut self) {
        let Some(order) = self.one_of(&self.orders).map(|order| order.order_id) else { return };
        let amounts = [None, Some(700), Some(1400), Some(2800)];
        match self.one_of(&self.refunds).filter(|_| self.below(2) == 0).cloned() {
            Some((order, mut again)) => {
                again.attempt += u32::try_from(self.below(2)).unwrap();
                drop(self.bench.cashier.refund(order, &again).await);
            }
            None => {
                let request = self.bench.refund(amounts[self.below(4)]);
                self.refunds.push((order, request.clone()));
                drop(self.bench.cashier.refund(order, &request).await);
            }
        }
        let start = [RefundState::Pending, RefundState::Succeeded][self.below(2)];
        self.bench.provider.refunds_start_as(start);
    }

    fn settle(&self) {
        let pending = self.bench.provider.refunds().into_iter().filter(|r| r.state == RefundState::Pending);
        let end = [RefundState::Succeeded, RefundState::Failed][self.below(2)];
        if let Some(refund) = self.one_of(&pending.collect::<Vec<_>>()) {
            self.bench.provider.settle(&refund.provider_id, end);
        }
    }

    /// Nothing fails any more, nobody asks for anything new, and time passes until all is over.
    async fn come_to_rest(&self) {
        self.bench.provider.script(&[]);
        for refund in self.bench.provider.refunds() {
            if refund.state == RefundState::Pending {
                self.bench.provider.settle(&refund.provider_id, RefundState::Succeeded);
            }
        }
        for session in self.bench.provider.sessions() {
            if session.status == SessionStatus::Processing {
                self.bench.provider.turn(&session.id, SessionStatus::Paid);
            }
        }
        self.bench.provider.refunds_start_as(RefundState::Succeeded);
        for _ in 0..4 {
            drop(self.bench.reconcile().await);
            self.bench.sweep_for(TTL).await;
            self.bench.provider.expire_overdue();
        }
    }

    async fn assert_accounted_for(&self) {
        let mut successes = 0;
        for order in &self.orders {
            successes += usize::from(self.assert_order(order.order_id).await);
        }
        let told = self.bench.told().await;
        assert_eq!(told.iter().filter(|kind| *kind == "payment.succeeded").count(), successes);
        let report = self.bench.verify().await;
        assert!(report.is_clean() && report.in_flight.is_empty(), "{report:?}");
        assert_eq!(self.bench.alerts(), []);
    }

    /// Whether the order was paid, which it knows then, to the cent.
    async fn assert_order(&self, order: OrderId) -> bool {
        let Ok(kept) = self.bench.cashier.get_payment(order).await else {
            assert!(self.bench.provider.sessions().iter().all(|session| session.order_id != Some(order)));
            return false;
        };
        let payment = kept.value;
        let charges = self.bench.charges(order);
        assert!(charges <= 1, "{order} was charged {charges} times");
        assert_eq!(payment.due_at(), Timestamp::NEVER, "{payment:?}");
        if charges == 0 {
            assert!(matches!(payment.state, State::Expired | State::Failed), "{payment:?}");
            return false;
        }
        assert_eq!((payment.state, payment.captured), (State::Succeeded, Some(usd(2800))), "{payment:?}");
        let charge = payment.session.as_ref().unwrap().payment_intent.clone();
        let of_charge = self.bench.provider.refunds().into_iter().filter(|r| r.payment_intent == charge);
        let back: i64 =
            of_charge.filter(|r| r.state == RefundState::Succeeded).map(|r| r.amount.amount_minor).sum();
        assert!(back <= 2800);
        assert_eq!(payment.refunded().unwrap(), Some(usd(back)), "{payment:?}");
        true
    }
}

#[tokio::test]
async fn whatever_happens_money_is_taken_once_and_accounted_for() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let mut history = History::new(seed);
        for _ in 0..STEPS {
            history.step().await;
        }
        history.come_to_rest().await;
        history.assert_accounted_for().await;
    }
}
