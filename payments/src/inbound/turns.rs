//! One creation per order at a time in this process: who asks again waits for the one under way instead of calling
//! the provider beside it. It only saves work; the provider's keys make several at once safe.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use common::OrderId;
use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

type Locks = HashMap<OrderId, Arc<Lock<()>>>;

/// Whose turn it is. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<Locks>>);

/// The turn of one caller, until it is dropped: the lock first, then the place.
#[derive(Debug)]
pub(crate) struct Turn {
    _held: OwnedMutexGuard<()>,
    _place: Place,
}

/// A caller's place in the queue of an order. The last one out clears the queue away.
#[derive(Debug)]
struct Place {
    order: OrderId,
    turns: Turns,
    lock: Option<Arc<Lock<()>>>,
}

impl Turns {
    /// Waits for the turn. A caller that stops waiting leaves the queue.
    pub(crate) async fn take(&self, order: OrderId) -> Turn {
        let lock = Arc::clone(self.locks().entry(order).or_default());
        let place = Place { order, turns: self.clone(), lock: Some(Arc::clone(&lock)) };
        Turn { _held: lock.lock_owned().await, _place: place }
    }

    fn locks(&self) -> MutexGuard<'_, Locks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut locks = self.turns.locks();
        drop(self.lock.take());
        if locks.get(&self.order).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.order);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use common::{Ids, SystemClock, SystemRandom};

    use super::*;

    #[tokio::test]
    async fn an_order_has_one_turn_at_a_time_and_leaves_nothing_behind() {
        let (turns, busy) = (Turns::default(), AtomicUsize::new(0));
        let ids = Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom));
        let orders: [OrderId; 2] = [ids.mint(), ids.mint()];
        let held = turns.take(orders[1]).await;
        let callers = (0..32).map(|_| async {
            let _turn = turns.take(orders[0]).await;
            assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0);
            tokio::task::yield_now().await;
            busy.fetch_sub(1, Ordering::SeqCst);
        });
        futures::future::join_all(callers).await;
        assert_eq!(turns.locks().keys().copied().collect::<Vec<_>>(), [orders[1]]);
        drop(held);
        assert!(turns.locks().is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_waiting_is_not_waited_for() {
        let turns = Turns::default();
        let order = Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).mint();
        let first = turns.take(order).await;
        assert!(futures::FutureExt::now_or_never(turns.take(order)).is_none());
        drop(first);
        assert!(turns.locks().is_empty());
        let first = turns.take(order).await;
        let mut next = Box::pin(turns.take(order));
        assert!(futures::poll!(&mut next).is_pending());
        drop(first);
        drop(next);
        assert!(turns.locks().is_empty(), "it was its turn, and it had gone");
    }
}
