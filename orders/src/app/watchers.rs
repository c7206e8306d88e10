//! Who wants to know when an order changes: woken by saves of this process and by the bus's hints.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use common::{Code, Fault, OrderId};
use tokio::sync::watch;

/// Most orders that are watched at a time in one process.
pub(super) const WATCHED_MAX: usize = 8192;

/// The orders that are watched.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    watched: Mutex<HashMap<OrderId, watch::Sender<()>>>,
}

/// A watch on one order; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    id: OrderId,
    changes: Option<watch::Receiver<()>>,
    watchers: Arc<Watchers>,
}

impl Watchers {
    /// Watches the order from now on. `too_many_streams` when too many are watched.
    pub(super) fn watch(self: &Arc<Self>, id: OrderId) -> Result<Watch, Fault> {
        let mut watched = self.lock();
        if watched.len() >= WATCHED_MAX && !watched.contains_key(&id) {
            return Err(Fault::new(Code::TooManyStreams, "too many orders are watched; try again later"));
        }
        let changes = watched.entry(id).or_insert_with(|| watch::channel(()).0).subscribe();
        Ok(Watch { id, changes: Some(changes), watchers: Arc::clone(self) })
    }

    pub(super) fn notify(&self, id: OrderId) {
        if let Some(changed) = self.lock().get(&id) {
            changed.send_replace(());
        }
    }

    pub(super) fn notify_all(&self) {
        for changed in self.lock().values() {
            changed.send_replace(());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrderId, watch::Sender<()>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Returns when the order may have changed since the last return.
    pub(super) async fn changed(&mut self) {
        if let Some(changes) = &mut self.changes {
            let _ = changes.changed().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.changes = None;
        let mut watched = self.watchers.lock();
        if watched.get(&self.id).is_some_and(|changed| changed.receiver_count() == 0) {
            watched.remove(&self.id);
        }
    }
}
