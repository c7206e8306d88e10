//! Which sagas this process drives, so that a second request for the same order waits for the first one's driver.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use common::{Code, Deadline, Fault, OrderId};
use tokio::sync::watch;

use crate::{domain::Order, ports::Stored};

/// Most sagas that one process drives at a time.
pub(super) const DRIVERS_MAX: usize = 4096;

/// The newest state of a driven order; `None` before it is stored.
type Latest = Option<Arc<Stored<Order>>>;

/// The seats that are taken.
#[derive(Debug, Default)]
pub(super) struct Drivers {
    seats: Mutex<HashMap<OrderId, watch::Receiver<Latest>>>,
}

/// The right to drive one saga in this process. Dropping it ends the waiting of those who watch.
#[derive(Debug)]
pub(super) struct Seat {
    id: OrderId,
    latest: watch::Sender<Latest>,
    drivers: Arc<Drivers>,
}

impl Drivers {
    /// The seat of this saga; `None` when it is taken. `resource_exhausted` when too many are.
    pub(super) fn enter(self: &Arc<Self>, id: OrderId) -> Result<Option<Seat>, Fault> {
        let mut seats = self.lock();
        let full = seats.len() >= DRIVERS_MAX;
        match seats.entry(id) {
            Entry::Occupied(_) => Ok(None),
            Entry::Vacant(_) if full => {
                Err(Fault::new(Code::ResourceExhausted, "too many orders are being placed; try again"))
            }
            Entry::Vacant(vacant) => {
                let (latest, receiver) = watch::channel(None);
                vacant.insert(receiver);
                Ok(Some(Seat { id, latest, drivers: Arc::clone(self) }))
            }
        }
    }

    /// Waits until the driver of this saga is done, at most until the deadline, and answers with the newest state it
    /// showed; `None` when this process does not drive it or nothing was stored yet.
    pub(super) async fn wait(&self, id: OrderId, until: Deadline) -> Latest {
        let mut latest = self.lock().get(&id).cloned()?;
        let over = async {
            // Undecided states are shown too; only the end of the driver or a decided state ends the wait.
            while latest.changed().await.is_ok() {
                if latest.borrow_and_update().as_ref().is_some_and(|stored| stored.body.driver.is_none()) {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout_at(until.instant(), over).await;
        latest.borrow().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrderId, watch::Receiver<Latest>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Shows the order to those who wait for it.
    pub(super) fn show(&self, stored: Arc<Stored<Order>>) {
        self.latest.send_replace(Some(stored));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.drivers.lock().remove(&self.id);
    }
}
