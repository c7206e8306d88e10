//! A reservation: what one order holds, and how far its last move got. One per order, by its id.

use std::time::Duration;

use common::{Code, Fault, Money, OrderId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

use super::{
    event::{Event, OrderLines},
    movement::Kind,
    shortage::{Shortage, insufficient},
    wanted::Wanted,
};

/// A move that stopped half-way is taken up again after this long.
pub const HALF_DONE: Duration = Duration::from_secs(10);
/// A due hold whose order is undecided, or cannot be asked about, is looked at again after this long.
pub const ASK_AGAIN: Duration = Duration::from_secs(30);
/// No hold waits longer than this for its question, whatever its caller asked for.
pub const HOLD_MAX: Duration = Duration::from_secs(26 * 3600);

/// A line as it was priced when the order reserved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub item_id: common::ItemId,
    pub name: String,
    pub quantity: u32,
    pub unit_price: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_price_id: Option<String>,
}

impl Line {
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted { item_id: self.item_id.clone(), quantity: self.quantity }
    }
}

/// Each move is decided in one write, done to the items, and recorded as done in another: the stages in `-ing` are
/// decided and not yet recorded as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Holding,
    Held,
    Committing,
    Committed,
    /// Undoes a hold; one that was never recorded as done may be on some of the items only.
    Releasing {
        was_held: bool,
    },
    /// Closed; without lines it is a tombstone, which keeps a late `Reserve` out.
    Released,
    Returning,
    Returned,
}

/// What someone wants of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Hold,
    Commit,
    Release {
        ticket_started: bool,
    },
    /// Whatever is half-done gets done.
    Finish,
}

/// A step from one stage at rest to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    Hold,
    Commit,
    Release,
    Return,
}

/// What an order holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub order_id: OrderId,
    pub stage: Stage,
    pub lines: Vec<Line>,
    /// Why a hold that had begun was given up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortage: Vec<Shortage>,
    /// When a hold becomes due for a question.
    pub expires_at: Timestamp,
    /// When the sweep looks at it; `NEVER` once it is closed.
    pub due_at: Timestamp,
    pub updated_at: Timestamp,
    /// The order's, which the reservation's events go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

impl Reservation {
    /// The intent to hold these lines.
    #[must_use]
    pub fn intent(order_id: OrderId, lines: Vec<Line>, expires_at: Timestamp, now: Timestamp) -> Self {
        let expires_at = expires_at.min(now + HOLD_MAX);
        let due_at = now + HALF_DONE;
        let (stage, shortage) = (Stage::Holding, Vec::new());
        Self { order_id, stage, lines, shortage, expires_at, due_at, updated_at: now, trace: None }
    }

    /// What an undo leaves that came before there was anything to undo.
    #[must_use]
    pub fn tombstone(order_id: OrderId, now: Timestamp) -> Self {
        Self {
            stage: Stage::Released,
            due_at: Timestamp::NEVER,
            ..Self::intent(order_id, Vec::new(), now, now)
        }
    }

    /// The id to show.
    #[must_use]
    pub fn id(&self) -> String {
        self.order_id.shown_as("rsv")
    }

    /// The next move towards what is wanted; `None` when there is nothing left to do.
    ///
    /// Faults: `already_closed` and `insufficient_stock` for a hold of what was given up; `invalid_transition` for a
    /// commit of what was released.
    pub fn next(&self, action: Action) -> Result<Option<Move>, Fault> {
        match action {
            Action::Hold => self.towards_hold(),
            Action::Commit => self.towards_commit(),
            Action::Release { ticket_started } => Ok(self.towards_release(ticket_started)),
            Action::Finish => Ok(self.unfinished()),
        }
    }

    fn towards_hold(&self) -> Result<Option<Move>, Fault> {
        match self.stage {
            Stage::Holding => Ok(Some(Move::Hold)),
            Stage::Held | Stage::Committing | Stage::Committed => Ok(None),
            // A hold that was given up for lack of stock is undone first, then refused for the same reason.
            Stage::Releasing { .. } if !self.shortage.is_empty() => Ok(Some(Move::Release)),
            Stage::Released if !self.shortage.is_empty() => Err(insufficient(&self.shortage)),
            Stage::Releasing { .. } | Stage::Released | Stage::Returning | Stage::Returned => {
                Err(Fault::new(Code::AlreadyClosed, "the order's reservation is closed"))
            }
        }
    }

    fn towards_commit(&self) -> Result<Option<Move>, Fault> {
        match self.stage {
            Stage::Holding => Ok(Some(Move::Hold)),
            Stage::Held | Stage::Committing => Ok(Some(Move::Commit)),
            Stage::Committed | Stage::Returning | Stage::Returned => Ok(None),
            Stage::Releasing { .. } | Stage::Released => {
                Err(Fault::new(Code::InvalidTransition, "the order's reservation was released"))
            }
        }
    }

    fn towards_release(&self, ticket_started: bool) -> Option<Move> {
        match self.stage {
            // What is cooked is gone, even if the news of the payment has not come yet.
            Stage::Held if ticket_started => Some(Move::Commit),
            Stage::Holding | Stage::Held | Stage::Releasing { .. } => Some(Move::Release),
            Stage::Committing => Some(Move::Commit),
            Stage::Committed if ticket_started => None,
            Stage::Committed | Stage::Returning => Some(Move::Return),
            Stage::Released | Stage::Returned => None,
        }
    }

    /// The move that is decided and not yet recorded as done.
    #[must_use]
    pub fn unfinished(&self) -> Option<Move> {
        match self.stage {
            Stage::Holding => Some(Move::Hold),
            Stage::Committing => Some(Move::Commit),
            Stage::Releasing { .. } => Some(Move::Release),
            Stage::Returning => Some(Move::Return),
            Stage::Held | Stage::Committed | Stage::Released | Stage::Returned => None,
        }
    }

    /// The record that decides a move.
    #[must_use]
    pub fn decided(&self, towards: Move, now: Timestamp) -> Self {
        let stage = match towards {
            Move::Hold => Stage::Holding,
            Move::Commit => Stage::Committing,
            Move::Release => Stage::Releasing { was_held: self.stage == Stage::Held },
            Move::Return => Stage::Returning,
        };
        Self { stage, due_at: now + HALF_DONE, updated_at: now, ..self.clone() }
    }

    /// The record that the move is done, for one that was decided.
    #[must_use]
    pub fn done(&self, now: Timestamp) -> Self {
        let (stage, due_at) = match self.stage {
            Stage::Holding => (Stage::Held, self.expires_at),
            Stage::Committing => (Stage::Committed, Timestamp::NEVER),
            Stage::Releasing { .. } => (Stage::Released, Timestamp::NEVER),
            Stage::Returning => (Stage::Returned, Timestamp::NEVER),
            at_rest => (at_rest, self.due_at),
        };
        Self { stage, due_at, updated_at: now, ..self.clone() }
    }

    /// What the others are told when the move is done; nothing of a hold that was never complete.
    #[must_use]
    pub fn event(&self) -> Option<fn(OrderLines) -> Event> {
        match self.stage {
            Stage::Holding => Some(Event::Reserved),
            Stage::Committing => Some(Event::Committed),
            Stage::Releasing { was_held: true } | Stage::Returning => Some(Event::Released),
            _ => None,
        }
    }

    /// Whether it records that this was done to its items: from then on the items need not show it.
    #[must_use]
    pub fn records(&self, kind: Kind) -> bool {
        match kind {
            Kind::Hold => !matches!(self.stage, Stage::Holding | Stage::Releasing { was_held: false }),
            Kind::Commit => matches!(self.stage, Stage::Committed | Stage::Returning | Stage::Returned),
            Kind::Release => self.stage == Stage::Released,
            Kind::Return => self.stage == Stage::Returned,
            Kind::Initial | Kind::Restock | Kind::Correction => false,
        }
    }

    /// The same, to be looked at later.
    #[must_use]
    pub fn postponed(&self, until: Timestamp) -> Self {
        Self { due_at: until, ..self.clone() }
    }

    /// `invalid_request` unless these are its lines, in whatever order.
    pub fn check_same_lines(&self, wanted: &[Wanted]) -> Result<(), Fault> {
        let known =
            |w: &Wanted| self.lines.iter().any(|l| l.item_id == w.item_id && l.quantity == w.quantity);
        if self.lines.len() == wanted.len() && wanted.iter().all(known) {
            return Ok(());
        }
        Err(Fault::new(Code::InvalidRequest, "the order has reserved other lines"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 9] = [
        Stage::Holding,
        Stage::Held,
        Stage::Committing,
        Stage::Committed,
        Stage::Releasing { was_held: true },
        Stage::Releasing { was_held: false },
        Stage::Released,
        Stage::Returning,
        Stage::Returned,
    ];

    const UNDO: Action = Action::Release { ticket_started: false };
    const KEEP: Action = Action::Release { ticket_started: true };

    fn at(stage: Stage) -> Reservation {
        let order = "ord_00000000000000000000000000000007".parse().unwrap();
        let now = Timestamp::from_secs(1);
        Reservation { stage, ..Reservation::intent(order, Vec::new(), now, now) }
    }

    /// Where the action leads from here, move by move.
    fn end(stage: Stage, action: Action) -> Result<Stage, Code> {
        let now = Timestamp::from_secs(2);
        let mut reservation = at(stage);
        for _ in 0..4 {
            match reservation.next(action).map_err(|fault| fault.code())? {
                None => return Ok(reservation.stage),
                Some(towards) if reservation.unfinished() == Some(towards) => {
                    reservation = reservation.done(now);
                }
                Some(towards) => reservation = reservation.decided(towards, now).done(now),
            }
        }
        panic!("{stage:?} {action:?} does not come to rest");
    }

    #[test]
    fn every_action_leads_from_every_stage_to_its_end() {
        use Code::{AlreadyClosed as Closed, InvalidTransition as Invalid};
        use Stage::{Committed, Held, Released, Returned};
        let table = [
            // hold, commit, release, release of what is cooked, finish
            [Ok(Held), Ok(Committed), Ok(Released), Ok(Released), Ok(Held)],
            [Ok(Held), Ok(Committed), Ok(Released), Ok(Committed), Ok(Held)],
            [Ok(Stage::Committing), Ok(Committed), Ok(Returned), Ok(Committed), Ok(Committed)],
            [Ok(Committed), Ok(Committed), Ok(Returned), Ok(Committed), Ok(Committed)],
            [Err(Closed), Err(Invalid), Ok(Released), Ok(Released), Ok(Released)],
            [Err(Closed), Err(Invalid), Ok(Released), Ok(Released), Ok(Released)],
            [Err(Closed), Err(Invalid), Ok(Released), Ok(Released), Ok(Released)],
            [Err(Closed), Ok(Stage::Returning), Ok(Returned), Ok(Returned), Ok(Returned)],
            [Err(Closed), Ok(Returned), Ok(Returned), Ok(Returned), Ok(Returned)],
        ];
        for (stage, ends) in STAGES.into_iter().zip(table) {
            let actions = [Action::Hold, Action::Commit, UNDO, KEEP, Action::Finish];
            for (action, expected) in actions.into_iter().zip(ends) {
                assert_eq!(end(stage, action), expected, "{stage:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_reservation_is_due_until_it_is_closed() {
        for stage in STAGES {
            let moved = at(stage).done(Timestamp::from_secs(2));
            let closed = matches!(moved.stage, Stage::Committed | Stage::Released | Stage::Returned);
            let under_way = at(stage).unfinished().is_some();
            assert!(!under_way || closed == (moved.due_at == Timestamp::NEVER), "{stage:?}");
        }
    }
}
