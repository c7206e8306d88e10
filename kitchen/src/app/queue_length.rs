//! How many tickets are open: counted now and then, kept up to date in between. Good enough for a promise.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use common::Fault;

use crate::{domain::State, ports::Tickets};

/// Shared by the use cases of one process.
#[derive(Clone, Debug, Default)]
pub struct QueueLength(Arc<AtomicU64>);

impl QueueLength {
    /// The number of open tickets, as far as this process knows.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A ticket went from one state (none: it is new) to another.
    pub fn moved(&self, from: Option<State>, to: State) {
        match (from.is_some_and(State::is_open), to.is_open()) {
            (false, true) => drop(self.0.fetch_add(1, Ordering::Relaxed)),
            (true, false) => {
                // Another process may have closed what this one never counted.
                let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            }
            _ => {}
        }
    }

    /// Counts anew, so that what other processes did is known too.
    pub async fn recount(&self, tickets: &dyn Tickets) -> Result<(), Fault> {
        let mut open = 0;
        for state in State::OPEN {
            open += tickets.count(state).await?;
        }
        self.0.store(open, Ordering::Relaxed);
        Ok(())
    }
}
