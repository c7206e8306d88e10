//! Facts into the order: in any order, any number of times, with the same end.

use common::{Money, Timestamp};

use super::{
    fact::{Fact, PaymentState, TicketState},
    order::Order,
    status::Status,
    timeline::Actor,
};

impl Order {
    /// Learns a fact and moves the order to where everything it knows puts it; false when it knew.
    pub fn merge(&mut self, fact: &Fact, now: Timestamp) -> bool {
        let learnt = match fact {
            Fact::Payment { state, captured } => self.learn_payment(*state, *captured),
            Fact::Returned(report) => self.learn_returned(report),
            Fact::RefundFailed { refund_id, attempt } => self.learn_refund_failed(*refund_id, *attempt, now),
            Fact::Ticket { state, started } => self.learn_ticket(*state, *started, now),
        };
        if learnt {
            if matches!(fact, Fact::Returned(_)) {
                self.updated_at = self.updated_at.max(now);
            }
            self.settle(fact.cause(), fact.actor(), now);
        }
        learnt
    }

    fn learn_payment(&mut self, state: PaymentState, captured: Option<Money>) -> bool {
        let mut learnt = state.rank() > self.payment.rank();
        if learnt {
            self.payment = state;
        }
        if state == PaymentState::Succeeded && self.captured.is_none() {
            self.captured = captured.or(self.total);
            learnt |= self.captured.is_some();
            self.fill_refunds();
        }
        learnt
    }

    fn learn_ticket(&mut self, state: TicketState, started: bool, now: Timestamp) -> bool {
        let newly_started = started && !self.ticket_started;
        self.ticket_started |= started;
        let higher = self.ticket.is_none_or(|known| state.rank() > known.rank());
        if higher {
            self.ticket = Some(state);
            self.schedule(now);
        }
        if self.ticket_started || matches!(self.ticket, Some(TicketState::Rejected | TicketState::Cancelled))
        {
            self.undo.ticket = false;
        }
        higher || newly_started
    }

    /// Moves the order step by step to where its facts put it; a lower or equal place changes nothing.
    pub(super) fn settle(&mut self, cause: &str, actor: Actor, now: Timestamp) {
        loop {
            let target = self.target();
            if target.rank() <= self.status.rank() {
                return;
            }
            self.enter(self.status.towards(target), cause, actor, now);
        }
    }

    /// The highest place that any fact speaks for.
    fn target(&self) -> Status {
        let places = [self.place_by_payment(), self.place_by_ticket(), self.place_by_refunds()];
        places.into_iter().flatten().fold(self.status, |a, b| if b.rank() > a.rank() { b } else { a })
    }

    fn place_by_payment(&self) -> Option<Status> {
        match self.payment {
            PaymentState::Succeeded if self.status.is_closed_unpaid() => Some(Status::Refunding),
            PaymentState::Succeeded => Some(Status::Paid),
            PaymentState::Failed => Some(Status::Cancelled),
            PaymentState::Expired => Some(Status::Expired),
            PaymentState::Unknown | PaymentState::Open | PaymentState::Processing => None,
        }
    }

    /// An order that ended unpaid has no ticket; a cancelled ticket says nothing until the order is known to be paid,
    /// because the tombstone of an unpaid order is reported the same way.
    fn place_by_ticket(&self) -> Option<Status> {
        if self.status.is_closed_unpaid() {
            return None;
        }
        match self.ticket? {
            TicketState::Queued => None,
            TicketState::Preparing => Some(Status::Preparing),
            TicketState::Ready => Some(Status::Ready),
            TicketState::PickedUp => Some(Status::Completed),
            TicketState::Rejected => Some(Status::Refunding),
            TicketState::Cancelled => self.status.is_paid_or_later().then_some(Status::Refunding),
        }
    }

    fn place_by_refunds(&self) -> Option<Status> {
        if self.is_fully_returned() {
            return (self.status.is_paid_or_later()).then_some(Status::Refunded);
        }
        let promised = self.status.is_paid_or_later() && self.refundable().is_some_and(|left| left.is_zero());
        promised.then_some(Status::Refunding)
    }
}
