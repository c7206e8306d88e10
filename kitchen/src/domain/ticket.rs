//! The ticket: queued → preparing → ready → picked up; rejected or cancelled while it is queued.

use common::{Code, Fault, ItemId, OrderId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Queued,
    Preparing,
    Ready,
    PickedUp,
    Rejected,
    /// Cancelled while queued, or a tombstone: the cancellation came before the ticket.
    Cancelled,
}

impl State {
    pub const OPEN: [Self; 3] = [Self::Queued, Self::Preparing, Self::Ready];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::PickedUp => "picked_up",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }
}

/// What to cook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub item_id: ItemId,
    pub name: String,
    pub quantity: u32,
}

/// A ticket, keyed by its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub order_id: OrderId,
    pub state: State,
    pub lines: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub queued_at: Timestamp,
    /// When the meal should be ready, as estimated when it was queued.
    pub promised_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked_up_at: Option<Timestamp>,
    /// Why it was rejected or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub changed_at: Timestamp,
    /// The order's, which the ticket's events go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// What staff do with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Start,
    Finish,
    PickUp,
    Reject,
}

impl Verb {
    fn step(self) -> (State, State) {
        match self {
            Self::Start => (State::Queued, State::Preparing),
            Self::Finish => (State::Preparing, State::Ready),
            Self::PickUp => (State::Ready, State::PickedUp),
            Self::Reject => (State::Queued, State::Rejected),
        }
    }
}

/// What a cancellation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// The ticket was queued and is cancelled now.
    Cancelled,
    /// It was closed before, by a cancellation or by the kitchen's refusal.
    AlreadyClosed,
}

impl Ticket {
    /// A ticket of a paid order.
    #[must_use]
    pub fn queue(
        order_id: OrderId,
        lines: Vec<Line>,
        note: Option<String>,
        now: Timestamp,
        promised_at: Timestamp,
    ) -> Self {
        Self {
            order_id,
            state: State::Queued,
            lines,
            note,
            queued_at: now,
            promised_at,
            started_at: None,
            ready_at: None,
            picked_up_at: None,
            reason: None,
            changed_at: now,
            trace: None,
        }
    }

    /// A cancellation that came before its ticket: whatever arrives later finds it closed.
    #[must_use]
    pub fn tombstone(order_id: OrderId, reason: Option<String>, now: Timestamp) -> Self {
        Self { state: State::Cancelled, reason, ..Self::queue(order_id, Vec::new(), None, now, now) }
    }

    /// The id to show.
    #[must_use]
    pub fn id(&self) -> String {
        self.order_id.shown_as("tkt")
    }

    /// Whether the kitchen ever started to cook.
    #[must_use]
    pub fn was_started(&self) -> bool {
        self.started_at.is_some()
    }

    /// Does what staff ask; false when it was done before. `invalid_transition` from any other state.
    pub fn apply(&mut self, verb: Verb, reason: Option<String>, now: Timestamp) -> Result<bool, Fault> {
        let (from, to) = verb.step();
        if self.state == to {
            return Ok(false);
        }
        if self.state != from {
            return Err(self.refuse(from));
        }
        match verb {
            Verb::Start => self.started_at = Some(now),
            Verb::Finish => self.ready_at = Some(now),
            Verb::PickUp => self.picked_up_at = Some(now),
            Verb::Reject => self.reason = reason,
        }
        self.enter(to, now);
        Ok(true)
    }

    /// Cancels what nobody has started; `order_not_cancellable` once it was.
    pub fn cancel(&mut self, reason: Option<String>, now: Timestamp) -> Result<Cancellation, Fault> {
        match self.state {
            State::Queued => {
                self.reason = reason;
                self.enter(State::Cancelled, now);
                Ok(Cancellation::Cancelled)
            }
            State::Cancelled | State::Rejected => Ok(Cancellation::AlreadyClosed),
            State::Preparing | State::Ready | State::PickedUp => Err(Fault::new(
                Code::OrderNotCancellable,
                format!(
                    "the order cannot be cancelled any more: the kitchen has it {}",
                    self.state.as_str().replace('_', " ")
                ),
            )),
        }
    }

    fn enter(&mut self, state: State, now: Timestamp) {
        self.state = state;
        self.changed_at = now;
    }

    fn refuse(&self, wanted: State) -> Fault {
        Fault::new(
            Code::InvalidTransition,
            format!("the ticket is {}, not {}", self.state.as_str(), wanted.as_str()),
        )
    }
}

#[cfg(test)]
mod tests {
    use common::id::Id as _;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1);

    fn ticket(state: State) -> Ticket {
        let order = OrderId::from_uuid(uuid::Uuid::from_u128(1));
        Ticket { state, ..Ticket::queue(order, Vec::new(), None, NOW, NOW) }
    }

    #[test]
    fn each_verb_works_from_its_own_state_repeats_for_free_and_fails_from_any_other() {
        let all = [
            State::Queued,
            State::Preparing,
            State::Ready,
            State::PickedUp,
            State::Rejected,
            State::Cancelled,
        ];
        for verb in [Verb::Start, Verb::Finish, Verb::PickUp, Verb::Reject] {
            let (from, to) = verb.step();
            for state in all {
                let mut ticket = ticket(state);
                let outcome = ticket.apply(verb, None, NOW).map_err(|fault| fault.code());
                let expected = match state {
                    s if s == from => Ok(true),
                    s if s == to => Ok(false),
                    _ => Err(Code::InvalidTransition),
                };
                assert_eq!(outcome, expected, "{verb:?} from {state:?}");
                assert_eq!(ticket.state, if expected == Ok(true) { to } else { state });
            }
        }
    }

    #[test]
    fn a_ticket_can_be_cancelled_until_it_is_started() {
        assert_eq!(ticket(State::Queued).cancel(None, NOW).unwrap(), Cancellation::Cancelled);
        for closed in [State::Cancelled, State::Rejected] {
            assert_eq!(ticket(closed).cancel(None, NOW).unwrap(), Cancellation::AlreadyClosed);
        }
        for started in [State::Preparing, State::Ready, State::PickedUp] {
            assert_eq!(ticket(started).cancel(None, NOW).unwrap_err().code(), Code::OrderNotCancellable);
        }
    }
}
