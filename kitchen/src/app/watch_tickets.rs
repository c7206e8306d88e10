//! The live board: one hub per process reads what changed and tells every watcher; a slow one starts over.

use std::time::Duration;

use common::{Fault, OrderId, Timestamp};
use tokio::sync::broadcast;

use super::Kitchen;
use crate::{domain::State, ports::Versioned};

/// Changes that a watcher may lag behind before it is shown the whole board again.
const BACKLOG: usize = 1024;
/// Tickets of one state on a board; a kitchen with more open looks at the list.
const BOARD: usize = 500;
/// Changes read at once when hints were lost.
const CATCH_UP: usize = 500;
/// How far back the regular look goes: hints that were lost are made up for within it.
const LOOK_BACK: Duration = Duration::from_secs(15);

/// Tells watchers of changed tickets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Board {
    changes: broadcast::Sender<Versioned>,
}

impl Default for Board {
    fn default() -> Self {
        Self { changes: broadcast::channel(BACKLOG).0 }
    }
}

impl Board {
    /// Changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Versioned> {
        self.changes.subscribe()
    }

    fn is_watched(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    fn tell(&self, change: Versioned) {
        // Nobody may be watching; then there is nothing to tell.
        let _ = self.changes.send(change);
    }
}

impl Kitchen {
    /// Every open ticket, oldest first.
    pub async fn open_tickets(&self) -> Result<Vec<Versioned>, Fault> {
        let mut open = Vec::new();
        for state in State::OPEN {
            open.extend(self.tickets.oldest(state, BOARD).await?);
        }
        open.sort_by_key(|found| found.ticket.order_id);
        Ok(open)
    }

    /// A ticket may have changed: whoever watches is told its present state.
    pub async fn look_at(&self, order: OrderId, board: &Board) -> Result<(), Fault> {
        if board.is_watched()
            && let Some(found) = self.tickets.load(order).await?
        {
            board.tell(found);
        }
        Ok(())
    }

    /// Hints may have been lost: whoever watches is told of everything that changed lately.
    pub async fn look_around(&self, board: &Board) -> Result<(), Fault> {
        if board.is_watched() {
            let since: Timestamp = self.clock.now() - LOOK_BACK;
            for found in self.tickets.changed_since(since, CATCH_UP).await?.into_iter().rev() {
                board.tell(found);
            }
        }
        Ok(())
    }
}
