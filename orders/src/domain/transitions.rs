//! The decisions of the saga and of callers, and what entering each state brings with it.

use std::borrow::Cow;

use common::{Fault, Timestamp};

use super::{
    answer::{Answer, Refusal},
    driver::{Driver, GIVE_UP_AFTER},
    fact::TicketState,
    line::{self, Line},
    order::{Checkout, Order, Undo},
    status::Status,
    timeline::Actor,
};

/// What a wish to cancel comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// The order is cancelled by this decision; save it.
    Decided,
    /// It is paid: the kitchen decides.
    AskKitchen,
    /// It was cancelled before; nothing changes.
    Already,
    TooLate,
}

impl Order {
    /// Takes the prices that were reserved. `invalid_request` when they cannot be added up.
    pub fn price(&mut self, priced: Vec<Line>) -> Result<(), Fault> {
        self.total = Some(line::total(&priced)?);
        self.lines = priced;
        Ok(())
    }

    /// The link is issued: the order waits for its payment. `next_version` is the order's after the save.
    pub fn link(&mut self, checkout: Checkout, next_version: u64, now: Timestamp) {
        self.checkout = Some(checkout);
        self.answer = Some(Answer::Placed { version: next_version, at: now });
        self.enter(Status::WaitingPayment, "link_issued", Actor::Orders, now);
    }

    /// The order cannot be placed. What a peer may hold for it is undone.
    pub fn refuse(&mut self, refusal: Refusal, now: Timestamp) {
        let cause = refusal.cause();
        let before_checkout =
            matches!(refusal, Refusal::InsufficientStock { .. } | Refusal::UnknownItem { .. });
        self.answer = Some(Answer::Refused(refusal));
        self.enter(Status::Cancelled, cause, Actor::Orders, now);
        if before_checkout {
            self.undo.checkout = false;
        }
    }

    /// Whether the saga has tried for long enough.
    #[must_use]
    pub fn should_give_up(&self, now: Timestamp) -> bool {
        now.since(self.created_at) >= GIVE_UP_AFTER
    }

    /// The saga did not get through, or found that a peer had closed the order: decided first, undone after.
    pub fn give_up(&mut self, cause: &'static str, now: Timestamp) {
        self.enter(Status::Cancelled, cause, Actor::Orders, now);
    }

    /// Decides a wish to cancel.
    pub fn cancel(&mut self, by: Actor, reason: Option<&str>, now: Timestamp) -> Cancel {
        match self.status {
            Status::Pending | Status::WaitingPayment => {
                self.enter(Status::Cancelled, reason.unwrap_or(by.as_str()), by, now);
                self.cause = Some(by.as_str().to_owned());
                Cancel::Decided
            }
            Status::Paid => Cancel::AskKitchen,
            Status::Cancelled => Cancel::Already,
            Status::Refunding | Status::Refunded if self.was_cancelled() => Cancel::Already,
            _ => Cancel::TooLate,
        }
    }

    /// The kitchen agreed to cancel a paid order; false when its own report came first.
    pub fn cancel_agreed(&mut self, by: Actor, reason: Option<&str>, now: Timestamp) -> bool {
        if self.ticket_is_closed() {
            return false;
        }
        self.ticket = Some(TicketState::Cancelled);
        self.settle(reason.unwrap_or(by.as_str()), by, now);
        self.undo.ticket = false;
        true
    }

    fn was_cancelled(&self) -> bool {
        self.ticket == Some(TicketState::Cancelled)
            || self.timeline.iter().any(|entry| entry.to == Status::Cancelled)
    }

    /// A peer confirmed that there is nothing left to undo there.
    pub fn confirm(&mut self, done: Undo) {
        self.undo.ticket &= !done.ticket;
        self.undo.checkout &= !done.checkout;
        self.undo.stock &= !done.stock;
    }

    /// Puts the saga under another driver.
    pub fn take_over(&mut self, owner: &str, until: Timestamp) {
        self.driver = self.driver.as_ref().map(|driver| driver.taken_over(owner, until));
    }

    /// Leaves the saga until the next attempt.
    pub fn park(&mut self, attempts: u32, next_attempt_at: Timestamp) {
        self.driver = self.driver.as_ref().map(|driver: &Driver| driver.parked(attempts, next_attempt_at));
    }

    /// Enters the next state: timeline, event, undo and the sweep's next visit.
    pub(super) fn enter(&mut self, next: Status, cause: &str, actor: Actor, now: Timestamp) {
        let from = self.status;
        debug_assert!(from.may_become(next), "{from:?} cannot become {next:?}");
        self.status = next;
        self.driver = None;
        self.updated_at = self.updated_at.max(now);
        self.record(Some(from), next, cause, actor, now);
        self.entered.push(next);
        match next {
            Status::Cancelled => {
                self.undo = Undo { stock: true, checkout: true, ticket: false };
                self.cause = Some(cause.to_owned());
            }
            Status::Expired => {
                self.undo = Undo { stock: true, checkout: false, ticket: false };
                self.cause = Some(cause.to_owned());
            }
            Status::Refunding => self.enter_refunding(from, cause, now),
            _ => {}
        }
        self.schedule(now);
    }

    fn enter_refunding(&mut self, from: Status, cause: &str, now: Timestamp) {
        let cause =
            if from.is_closed_unpaid() { Cow::Borrowed("late_payment") } else { Cow::Borrowed(cause) };
        self.undo.checkout = false;
        if !from.is_closed_unpaid() {
            self.undo.stock = true;
            self.undo.ticket = !self.ticket_started && !self.ticket_is_closed();
        }
        self.refund_rest(&cause, now);
        self.cause = Some(cause.into_owned());
    }

    fn ticket_is_closed(&self) -> bool {
        matches!(self.ticket, Some(TicketState::Rejected | TicketState::Cancelled))
    }
}
