//! Stock, payments and kitchen as the real ones behave, small, in memory, and with scripted accidents.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use common::{Code, Fault, ItemId, Money, OrderId, Timestamp};
use orders::{
    domain::{Checkout, Fact, Line, Order, PaymentState, Price, Refund, Returned, Shortage, TicketState},
    ports::{CheckoutAnswer, Kitchen, PaymentView, Payments, Reservation, Stock, TicketView},
};
use tokio::sync::Semaphore;

use crate::histories::usd;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Reserve,
    Release,
    CreateCheckout,
    GetPayment,
    ExpireCheckout,
    Refund,
    EnsureTicket,
    CancelTicket,
}

/// What happens to one call.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// The call never arrives.
    Lost,
    /// It takes effect and the reply is lost.
    ReplyLost,
    /// It waits at the gate before it takes effect.
    Held(Arc<Gate>),
    /// It takes effect and its reply waits at the gate.
    ReplyHeld(Arc<Gate>),
}

/// Holds a call until it is opened.
#[derive(Debug)]
pub(crate) struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { arrived: Semaphore::new(0), open: Semaphore::new(0) })
    }

    /// Returns once a call stands at the gate.
    pub(crate) async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self) {
        self.open.add_permits(1000);
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Held,
    Released,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Pay {
    pub(crate) state: PaymentState,
    pub(crate) captured: Option<Money>,
    /// What each refund paid back.
    pub(crate) refunds: HashMap<String, Money>,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) holds: HashMap<OrderId, Hold>,
    pub(crate) payments: HashMap<OrderId, Pay>,
    pub(crate) tickets: HashMap<OrderId, TicketState>,
    pub(crate) unknown: Vec<ItemId>,
    pub(crate) short: bool,
    pub(crate) rejects: bool,
    /// Attempts of refunds that the provider lets fail.
    pub(crate) failing_attempts: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Peers {
    pub(crate) world: Mutex<World>,
    scripts: Mutex<HashMap<Op, VecDeque<Script>>>,
    down: Mutex<HashSet<Op>>,
    calls: Mutex<HashMap<Op, usize>>,
    /// Every call takes effect twice.
    pub(crate) twice: AtomicBool,
}

impl Peers {
    pub(crate) fn script(&self, op: Op, script: Script) {
        self.scripts.lock().unwrap().entry(op).or_default().push_back(script);
    }

    pub(crate) fn set_down(&self, op: Op, down: bool) {
        let mut all = self.down.lock().unwrap();
        if down {
            all.insert(op)
        } else {
            all.remove(&op)
        };
    }

    pub(crate) fn calls(&self, op: Op) -> usize {
        self.calls.lock().unwrap().get(&op).copied().unwrap_or(0)
    }

    pub(crate) fn hold(&self, id: OrderId) -> Option<Hold> {
        self.world.lock().unwrap().holds.get(&id).copied()
    }

    pub(crate) fn payment(&self, id: OrderId) -> PaymentState {
        self.world.lock().unwrap().payments.get(&id).map(|pay| pay.state).unwrap_or_default()
    }

    pub(crate) fn pay(&self, id: OrderId, minor: i64) {
        let mut world = self.world.lock().unwrap();
        let pay = world.payments.entry(id).or_default();
        pay.state = PaymentState::Succeeded;
        pay.captured = Some(usd(minor));
    }

    pub(crate) fn set_ticket(&self, id: OrderId, state: TicketState) {
        self.world.lock().unwrap().tickets.insert(id, state);
    }

    async fn call<T>(
        &self,
        op: Op,
        mut effect: impl FnMut(&mut World) -> Result<T, Fault> + Send,
    ) -> Result<T, Fault> {
        *self.calls.lock().unwrap().entry(op).or_default() += 1;
        if self.down.lock().unwrap().contains(&op) {
            return Err(Fault::unavailable(format!("{op:?} is down")));
        }
        let script = self.scripts.lock().unwrap().get_mut(&op).and_then(VecDeque::pop_front);
        let mut run = || {
            let mut world = self.world.lock().unwrap();
            if self.twice.load(Ordering::SeqCst) {
                effect(&mut world)?;
            }
            effect(&mut world)
        };
        match script {
            None => run(),
            Some(Script::Lost) => Err(Fault::unavailable("the call was lost")),
            Some(Script::ReplyLost) => {
                run()?;
                Err(Fault::deadline_exceeded("the reply was lost"))
            }
            Some(Script::Held(gate)) => {
                gate.pass().await;
                run()
            }
            Some(Script::ReplyHeld(gate)) => {
                let answer = run();
                gate.pass().await;
                answer
            }
        }
    }
}

#[async_trait]
impl Stock for Peers {
    async fn reserve(&self, order: &Order, _: Timestamp) -> Result<Reservation, Fault> {
        self.call(Op::Reserve, |world| {
            let unknown: Vec<ItemId> = order
                .lines
                .iter()
                .map(|l| l.item_id.clone())
                .filter(|id| world.unknown.contains(id))
                .collect();
            if world.holds.get(&order.id) == Some(&Hold::Released) {
                return Ok(Reservation::Closed);
            }
            if !unknown.is_empty() {
                return Ok(Reservation::Unknown(unknown));
            }
            if world.short {
                let short =
                    |line: &Line| Shortage { id: line.item_id.clone(), wanted: line.quantity, available: 0 };
                return Ok(Reservation::Short(order.lines.iter().map(short).collect()));
            }
            world.holds.insert(order.id, Hold::Held);
            let price = Price { name: "Cheese".into(), unit: usd(500), stripe_price_id: None };
            let priced = |line: &Line| Line { price: Some(price.clone()), ..line.clone() };
            Ok(Reservation::Held(order.lines.iter().map(priced).collect()))
        })
        .await
    }

    async fn release(&self, id: OrderId, _: bool) -> Result<(), Fault> {
        self.call(Op::Release, |world| {
            world.holds.insert(id, Hold::Released);
            Ok(())
        })
        .await
    }
}

fn view(pay: &Pay) -> PaymentView {
    PaymentView { state: pay.state, captured: pay.captured, refunds: Vec::new() }
}

#[async_trait]
impl Payments for Peers {
    async fn create_checkout(&self, order: &Order) -> Result<CheckoutAnswer, Fault> {
        self.call(Op::CreateCheckout, |world| {
            if world.rejects {
                return Ok(CheckoutAnswer::Rejected);
            }
            let pay = world.payments.entry(order.id).or_default();
            if pay.state.is_closed() {
                return Ok(CheckoutAnswer::Closed);
            }
            if pay.state == PaymentState::Unknown {
                pay.state = PaymentState::Open;
            }
            let expires_at = order.created_at + std::time::Duration::from_secs(2700);
            Ok(CheckoutAnswer::Open(Checkout { link: format!("https://pay/{}", order.id), expires_at }))
        })
        .await
    }

    async fn payment(&self, id: OrderId) -> Result<PaymentView, Fault> {
        self.call(Op::GetPayment, |world| {
            let unknown = || Fault::new(Code::PaymentNotFound, "there is no such payment");
            world.payments.get(&id).map(view).ok_or_else(unknown)
        })
        .await
    }

    async fn expire_checkout(&self, id: OrderId) -> Result<PaymentView, Fault> {
        self.call(Op::ExpireCheckout, |world| {
            let pay = world.payments.entry(id).or_default();
            if matches!(pay.state, PaymentState::Unknown | PaymentState::Open) {
                pay.state = PaymentState::Expired;
            }
            Ok(view(pay))
        })
        .await
    }

    async fn refund(&self, id: OrderId, refund: &Refund) -> Result<Vec<Fact>, Fault> {
        self.call(Op::Refund, |world| {
            if refund.attempt <= world.failing_attempts {
                let failed = Fact::RefundFailed { refund_id: refund.id, attempt: refund.attempt };
                return Ok(vec![failed]);
            }
            let pay = world.payments.get_mut(&id).expect("only a payment is refunded");
            let captured = pay.captured.expect("only a paid order is refunded");
            let key = refund.id.to_string();
            let amount = refund.amount.unwrap_or(captured);
            pay.refunds.insert(key.clone(), amount);
            let total: i64 = pay.refunds.values().map(|money| money.amount_minor).sum();
            assert!(total <= captured.amount_minor, "more is refunded than was charged");
            Ok(vec![Fact::Returned(Returned { key, amount })])
        })
        .await
    }
}

#[async_trait]
impl Kitchen for Peers {
    async fn ensure_ticket(&self, order: &Order) -> Result<TicketView, Fault> {
        self.call(Op::EnsureTicket, |world| {
            Ok(ticket(*world.tickets.entry(order.id).or_insert(TicketState::Queued)))
        })
        .await
    }

    async fn cancel_ticket(&self, id: OrderId, _: Option<&str>) -> Result<TicketView, Fault> {
        self.call(Op::CancelTicket, |world| {
            let state = world.tickets.entry(id).or_insert(TicketState::Cancelled);
            match state {
                TicketState::Queued | TicketState::Cancelled => *state = TicketState::Cancelled,
                TicketState::Rejected => {}
                _ => return Err(Fault::new(Code::OrderNotCancellable, "it was started")),
            }
            Ok(ticket(*state))
        })
        .await
    }
}

fn ticket(state: TicketState) -> TicketView {
    let started = matches!(state, TicketState::Preparing | TicketState::Ready | TicketState::PickedUp);
    TicketView { state, started }
}
