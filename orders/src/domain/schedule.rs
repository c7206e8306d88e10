//! When a sweep must look at an order again: every order that something is still open for has a due time.

use std::time::Duration;

use common::Timestamp;
use serde::{Deserialize, Serialize};

use super::{order::Order, refund::RefundState, status::Status};

/// The next visit of the sweep and how many found nothing to do or nobody to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub due_at: Timestamp,
    pub fruitless: u32,
}

impl Default for Visit {
    fn default() -> Self {
        Self { due_at: Timestamp::NEVER, fruitless: 0 }
    }
}

/// After the session's end, before payments is asked.
pub const EXPIRY_GRACE: Duration = Duration::from_secs(30);
/// How long a paid order may be without a ticket, or a refund unconfirmed, before a peer is asked.
pub const ASK_AFTER: Duration = Duration::from_secs(30);
/// How often the kitchen is asked about a ticket that it has.
pub const TICKET_EVERY: Duration = Duration::from_secs(600);
/// How long events have to undo what an ended order left, before the sweep makes sure.
pub const UNDO_AFTER: Duration = Duration::from_secs(5);
/// Longest wait between visits that do not help.
pub const VISIT_BACKOFF_MAX: Duration = Duration::from_secs(30);

impl Order {
    /// When a sweep must look at the order; `NEVER` when nothing is open.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        if let (Status::Pending, Some(driver)) = (self.status, &self.driver) {
            return driver.due_at();
        }
        let visit = if self.wants_visit() { self.visit.due_at } else { Timestamp::NEVER };
        let pending = self.refunds.iter().filter(|refund| refund.state == RefundState::Pending);
        pending.map(|refund| refund.due_at).fold(visit, Timestamp::min)
    }

    fn wants_visit(&self) -> bool {
        match self.status {
            Status::Pending => false,
            Status::WaitingPayment | Status::Paid | Status::Preparing | Status::Ready => true,
            Status::Completed => self.captured.is_none(),
            Status::Refunding => self.captured.is_none() || self.undo.is_open(),
            Status::Cancelled | Status::Expired | Status::Refunded => self.undo.is_open(),
        }
    }

    /// Sets the first visit of the state just entered.
    pub(super) fn schedule(&mut self, now: Timestamp) {
        let due_at = match self.status {
            Status::Pending => Timestamp::NEVER,
            Status::WaitingPayment => {
                self.checkout.as_ref().map_or(now, |checkout| checkout.expires_at) + EXPIRY_GRACE
            }
            Status::Paid if self.ticket.is_none() => now + ASK_AFTER,
            Status::Paid | Status::Preparing | Status::Ready => now + TICKET_EVERY,
            Status::Completed => now + ASK_AFTER,
            Status::Cancelled | Status::Expired | Status::Refunding | Status::Refunded => now + UNDO_AFTER,
        };
        self.visit = Visit { due_at, fruitless: 0 };
    }

    /// Puts the next visit off, further each time, so that orders nobody can help do not stand before those that
    /// someone can.
    pub fn postpone(&mut self, now: Timestamp) {
        let fruitless = self.visit.fruitless.saturating_add(1);
        let cooking = matches!(self.status, Status::Paid | Status::Preparing | Status::Ready);
        let wait = if cooking && self.ticket.is_some() {
            TICKET_EVERY
        } else {
            UNDO_AFTER.saturating_mul(1 << fruitless.min(4).saturating_sub(1)).min(VISIT_BACKOFF_MAX)
        };
        self.visit = Visit { due_at: now + wait, fruitless };
        for refund in &mut self.refunds {
            refund.due_at = refund.due_at.max(now + refund.wait());
        }
    }
}
