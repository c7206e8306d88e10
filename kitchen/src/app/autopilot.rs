//! Cooks by itself, for demos: every open ticket moves on after a moment.

use std::time::Duration;

use common::{Fault, Timestamp};

use super::Kitchen;
use crate::{
    domain::{State, Ticket, Verb},
    ports::Versioned,
};

/// How long a ticket stays in a state before the autopilot moves it on.
const PACE: Duration = Duration::from_secs(2);
/// Tickets moved per state and round.
pub const ROUND: usize = 50;
/// Time between rounds.
pub const EVERY: Duration = Duration::from_millis(500);

/// The autopilot of one kitchen.
#[derive(Clone, Debug)]
pub struct Autopilot {
    pub kitchen: Kitchen,
}

impl Autopilot {
    /// Moves on what has waited long enough and says how many tickets that were.
    pub async fn round(&self) -> Result<usize, Fault> {
        let mut moved = 0;
        for (state, verb) in
            [(State::Ready, Verb::PickUp), (State::Preparing, Verb::Finish), (State::Queued, Verb::Start)]
        {
            for Versioned { ticket, .. } in self.kitchen.tickets.oldest(state, ROUND).await? {
                if is_due(&ticket, self.kitchen.clock.now()) {
                    moved += usize::from(self.advance(&ticket, verb).await?);
                }
            }
        }
        Ok(moved)
    }

    /// A ticket that staff moved in between is left to them.
    async fn advance(&self, ticket: &Ticket, verb: Verb) -> Result<bool, Fault> {
        match self.kitchen.advance(ticket.order_id, verb, None).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_transient() => Err(fault),
            Err(_) => Ok(false),
        }
    }
}

fn is_due(ticket: &Ticket, now: Timestamp) -> bool {
    now.since(ticket.changed_at) >= PACE
}
