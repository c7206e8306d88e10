//! The order aggregate: what is stored of one order.

use common::{CustomerId, Money, OrderId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

use super::{
    answer::Answer,
    draft::Draft,
    driver::Driver,
    fact::{PaymentState, TicketState},
    fingerprint,
    line::Line,
    refund::{Refund, Returned},
    schedule::Visit,
    status::Status,
    timeline::{Actor, Entry},
};

/// One order. Written as a whole; the store keeps its version beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub customer_id: CustomerId,
    pub status: Status,
    pub lines: Vec<Line>,
    /// Absent until the lines are priced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<Checkout>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Why the order ended as it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    pub created_at: Timestamp,
    /// Of the last change that a reader can see.
    pub updated_at: Timestamp,
    /// The trace that the order was placed in, which everything that happens to it later goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    pub timeline: Vec<Entry>,
    #[serde(default)]
    pub payment: PaymentState,
    /// What was charged; absent until payments said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketState>,
    /// The kitchen is known to have started to cook.
    #[serde(default)]
    pub ticket_started: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    /// Money that went back for certain, ours or made at the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returned: Vec<Returned>,
    /// Present while the order is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Driver>,
    #[serde(default)]
    pub undo: Undo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    pub visit: Visit,
    /// States entered since the order was loaded: each leaves as an event with the save.
    #[serde(skip)]
    pub(super) entered: Vec<Status>,
}

/// Where and until when the customer can pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    pub link: String,
    pub expires_at: Timestamp,
}

/// What must still be confirmed undone at a peer after the order ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    pub ticket: bool,
    pub checkout: bool,
    pub stock: bool,
}

impl Undo {
    #[must_use]
    pub const fn is_open(self) -> bool {
        self.ticket || self.checkout || self.stock
    }
}

impl Order {
    /// A new order, pending under its first driver.
    #[must_use]
    pub fn place(draft: Draft, driver: Driver, trace: Option<TraceContext>, now: Timestamp) -> Self {
        let mut order = Self {
            id: draft.order_id,
            customer_id: draft.customer_id,
            status: Status::Pending,
            lines: draft.lines,
            total: None,
            checkout: None,
            note: draft.note,
            email: draft.email,
            cause: None,
            created_at: now,
            updated_at: now,
            trace,
            timeline: Vec::with_capacity(4),
            payment: PaymentState::Unknown,
            captured: None,
            ticket: None,
            ticket_started: false,
            refunds: Vec::new(),
            returned: Vec::new(),
            driver: Some(driver),
            undo: Undo::default(),
            answer: None,
            visit: Visit::default(),
            entered: vec![Status::Pending],
        };
        order.record(None, Status::Pending, "placed", Actor::Customer, now);
        order
    }

    /// The fingerprint of what was asked for.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint::of(&self.lines, self.note.as_deref(), self.email.as_deref())
    }

    /// Hands over the states entered since the order was loaded, for the events of its save.
    #[must_use]
    pub fn take_entered(&mut self) -> Vec<Status> {
        std::mem::take(&mut self.entered)
    }

    /// Whether the kitchen cooked, or may have: true while a ticket that must be cancelled has not been. Stock that
    /// may be in a pan does not come back until the kitchen said that it is not.
    #[must_use]
    pub const fn may_have_started(&self) -> bool {
        self.ticket_started || self.undo.ticket
    }

    /// When the present state was entered.
    #[must_use]
    pub fn entered_at(&self) -> Timestamp {
        self.timeline.last().map_or(self.created_at, |entry| entry.at)
    }

    pub(super) fn record(
        &mut self,
        from: Option<Status>,
        to: Status,
        cause: &str,
        actor: Actor,
        at: Timestamp,
    ) {
        self.timeline.push(Entry { at, from, to, cause: cause.to_owned(), actor });
    }
}
