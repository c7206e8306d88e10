//! What a provider pushes, or lets us pull: an event, and the inbox entry that keeps it until it took effect.

use std::time::Duration;

use common::{Money, OrderId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

use super::{checkout::SessionView, refund::RefundView};

/// How long an entry is kept after it took effect, to know its event again: longer than a provider repeats itself.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a fresh entry is left to the worker that was woken for it.
const WORKER_GRACE: Duration = Duration::from_secs(5);
/// Longest pause between two tries at one entry.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// After so many tries an entry is given up, loudly; the reconciler's own questions still find the truth.
const TRIES_MAX: u32 = 40;

/// An event of the provider, verified, in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The provider's id; the same event always has the same one.
    pub id: String,
    /// The provider's type, such as `checkout.session.completed`.
    pub kind: String,
    pub created_at: Timestamp,
    pub fact: Fact,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    Session(SessionView),
    Refund(RefundView),
    /// Something was refunded of a charge; which refunds there are must be asked for.
    ChargeRefunded {
        payment_intent: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<OrderId>,
        refunded: Money,
    },
    /// A type that we do not act on.
    Unknown,
    /// A type that we act on, in a form that we cannot read.
    Unreadable {
        why: String,
    },
}

/// How an event came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Webhook,
    Pulled,
}

/// Whether an entry took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxState {
    Waiting,
    /// It did, or there was nothing to do.
    Done,
    /// It could not be read or never found its payment.
    GivenUp {
        why: String,
    },
}

/// An event in the durable inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEntry {
    pub id: String,
    pub kind: String,
    pub source: Source,
    pub fact: Fact,
    pub state: InboxState,
    pub tries: u32,
    pub due_at: Timestamp,
    pub created_at: Timestamp,
    pub received_at: Timestamp,
    /// Of the request that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

impl InboxEntry {
    /// The entry for a new event. What we do not act on is done as it arrives.
    #[must_use]
    pub fn new(event: ProviderEvent, source: Source, now: Timestamp) -> Self {
        let state = match &event.fact {
            Fact::Unknown => InboxState::Done,
            Fact::Unreadable { why } => InboxState::GivenUp { why: why.clone() },
            Fact::Session(_) | Fact::Refund(_) | Fact::ChargeRefunded { .. } => InboxState::Waiting,
        };
        Self {
            id: event.id,
            kind: event.kind,
            source,
            fact: event.fact,
            state,
            tries: 0,
            due_at: now + WORKER_GRACE,
            created_at: event.created_at,
            received_at: now,
            trace: None,
        }
    }

    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.state == InboxState::Waiting
    }

    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.received_at + RETENTION
    }

    #[must_use]
    pub fn done(mut self) -> Self {
        self.state = InboxState::Done;
        self
    }

    /// The same entry after a try that came to nothing. What the provider or the store cannot answer now is tried
    /// for ever; anything else is given up one day.
    #[must_use]
    pub fn postponed(mut self, transient: bool, why: String, now: Timestamp) -> Self {
        self.tries = self.tries.saturating_add(1);
        self.due_at = now + PAUSE_MAX.min(WORKER_GRACE.saturating_mul(1 << self.tries.min(10)));
        if !transient && self.tries >= TRIES_MAX {
            self.state = InboxState::GivenUp { why };
        }
        self
    }
}
