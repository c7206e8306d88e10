//! Act on what was decided: ask peers to undo, to refund, or what they know; then write down what they confirmed.
//! Done directly after a decision and again by the sweep; each effect is idempotent.

use common::{Code, Fault, TraceContext, crash};

use super::{App, change::Step};
use crate::{
    domain::{Fact, Order, PaymentState, Refund, Status, Undo},
    ports::{PaymentView, Stored},
};

/// Why an order is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Something was just decided: do what follows from it.
    Decision,
    /// The sweep found it overdue: also ask what events should have told.
    Sweep,
}

impl Occasion {
    /// What its span is called.
    const fn name(self) -> &'static str {
        match self {
            Self::Decision => "orders.carry_out",
            Self::Sweep => "orders.visit",
        }
    }
}

/// What the peers said.
#[derive(Debug, Default)]
struct Findings {
    facts: Vec<Fact>,
    confirmed: Undo,
    started: bool,
}

impl App {
    /// Visits the order; faults are logged, the sweep comes again.
    /// `cause` is the request that it is done for.
    pub(super) async fn act(&self, stored: Stored<Order>, occasion: Occasion, cause: Option<TraceContext>) {
        let id = stored.body.id;
        let mut span = self.work_on(&stored.body, occasion.name(), cause);
        let visited = self.visit(stored, occasion, span.context()).await;
        span.note(&visited);
        if let Err(fault) = visited {
            tracing::warn!(order = %id, %fault, "what was decided could not be carried out yet");
        }
    }

    /// Asks the peers whatever is open for this order and saves what they said. Faults: `unavailable` of the store;
    /// a peer that fails is logged and visited again.
    pub(super) async fn visit(
        &self,
        stored: Stored<Order>,
        occasion: Occasion,
        trace: TraceContext,
    ) -> Result<(), Fault> {
        let order = &stored.body;
        let mut findings = Findings::default();
        if occasion == Occasion::Sweep {
            self.ask_what_happened(order, trace, &mut findings).await;
        }
        self.push_refunds(order, occasion, trace, &mut findings).await;
        self.undo(order, trace, &mut findings).await;
        crash::point!("orders.visit.asked");
        self.step(("visit.write_down", trace), self.write_down(stored, &findings, occasion)).await?;
        crash::point!("orders.visit.written");
        Ok(())
    }

    /// What events should have told long ago.
    async fn ask_what_happened(&self, order: &Order, trace: TraceContext, findings: &mut Findings) {
        let serving = matches!(order.status, Status::Paid | Status::Preparing | Status::Ready);
        if serving {
            let answer =
                self.step(("visit.ensure_ticket", trace), self.parts.kitchen.ensure_ticket(order)).await;
            if let Some(view) = heard(order, "ensure the ticket", answer) {
                findings.facts.push(Fact::Ticket { state: view.state, started: view.started });
            }
        }
        let unknown = order.captured.is_none() && order.status.is_paid_or_later();
        if order.status == Status::WaitingPayment || unknown {
            let answer =
                self.step(("visit.ask_for_payment", trace), self.parts.payments.payment(order.id)).await;
            if let Some(view) = heard(order, "ask for the payment", answer) {
                findings.learn_payment(view);
            }
        }
    }

    async fn push_refunds(
        &self,
        order: &Order,
        occasion: Occasion,
        trace: TraceContext,
        findings: &mut Findings,
    ) {
        let now = self.now();
        let wanted = |refund: &&Refund| occasion == Occasion::Decision || refund.due_at <= now;
        for refund in order.open_refunds().filter(wanted) {
            let answer =
                self.step(("visit.refund", trace), self.parts.payments.refund(order.id, refund)).await;
            findings.facts.extend(heard(order, "refund", answer).unwrap_or_default());
            crash::point!("orders.refund.asked");
        }
    }

    /// Ticket first: whether it was started decides whether the stock comes back.
    async fn undo(&self, order: &Order, trace: TraceContext, findings: &mut Findings) {
        if order.undo.ticket {
            self.cancel_ticket(order, trace, findings).await;
            crash::point!("orders.undo.ticket_cancelled");
        }
        if order.undo.checkout {
            let answer = self
                .step(("visit.expire_checkout", trace), self.parts.payments.expire_checkout(order.id))
                .await;
            if let Some(view) = heard(order, "expire the checkout", answer) {
                findings.confirmed.checkout = view.state.is_closed() || view.state == PaymentState::Succeeded;
                findings.learn_payment(view);
            }
            crash::point!("orders.undo.checkout_expired");
        }
        if order.undo.stock && (!order.undo.ticket || findings.confirmed.ticket) {
            let started = order.ticket_started || findings.started;
            let answer =
                self.step(("visit.release_stock", trace), self.parts.stock.release(order.id, started)).await;
            findings.confirmed.stock = heard(order, "release the stock", answer).is_some();
            crash::point!("orders.undo.stock_released");
        }
    }

    async fn cancel_ticket(&self, order: &Order, trace: TraceContext, findings: &mut Findings) {
        let answer =
            self.step(("visit.cancel_ticket", trace), self.parts.kitchen.cancel_ticket(order.id, None)).await;
        match answer {
            Err(fault) if fault.code() == Code::OrderNotCancellable => {
                findings.confirmed.ticket = true;
                findings.started = true;
            }
            answer => {
                if let Some(view) = heard(order, "cancel the ticket", answer) {
                    findings.confirmed.ticket = true;
                    findings.facts.push(Fact::Ticket { state: view.state, started: view.started });
                }
            }
        }
    }

    async fn write_down(
        &self,
        stored: Stored<Order>,
        findings: &Findings,
        occasion: Occasion,
    ) -> Result<(), Fault> {
        let write = |order: &mut Order, at: super::change::At| {
            let before = order.clone();
            for fact in &findings.facts {
                order.merge(fact, at.now);
            }
            order.ticket_started |= findings.started;
            order.confirm(findings.confirmed);
            let unmoved = *order == before;
            if occasion == Occasion::Sweep && order.due_at() <= at.now {
                order.postpone(at.now);
            }
            let keep = unmoved && occasion == Occasion::Decision;
            Ok(if keep { Step::Keep(()) } else { Step::Save(()) })
        };
        let id = stored.body.id;
        self.change(stored, None, write).await?;
        self.raise_alerts(id, &findings.facts);
        Ok(())
    }
}

impl Findings {
    fn learn_payment(&mut self, view: PaymentView) {
        if !matches!(view.state, PaymentState::Unknown | PaymentState::Open) {
            self.facts.push(Fact::Payment { state: view.state, captured: view.captured });
        }
        self.facts.extend(view.refunds);
    }
}

/// The answer, or a log line saying which peer could not do what.
fn heard<T>(order: &Order, what: &'static str, answer: Result<T, Fault>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(fault) if fault.is_transient() => {
            tracing::info!(order = %order.id, %fault, "could not {what} yet");
            None
        }
        Err(fault) => {
            tracing::error!(order = %order.id, %fault, "could not {what}");
            None
        }
    }
}
