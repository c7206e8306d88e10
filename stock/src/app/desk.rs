//! The desk: the one place of a process where items move. Work on one item queues here and is done in rounds: what
//! gathered during the last round is planned together and saved together, so that a hot item costs one durable wait
//! per round and not one per order. Between processes the compare-and-swap decides.

mod cache;
mod job;
mod plan;
mod queue;
mod round;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::{Clock, Code, Fault, ItemId, Random};
use telemetry::Metrics;
use tokio::sync::oneshot;

use self::{
    cache::Cache,
    job::{Answer, Job, Ticket},
    queue::Queue,
    round::Meters,
};
use crate::{
    domain::{
        catalogue::PutItem,
        reservation::Reservation,
        restock::{Answered, RestockItem},
        settle::Settlement,
    },
    ports::Stockroom,
};

/// Moves that lead from any stage to any other, and one to spare.
const MOVES_MAX: usize = 4;
/// How often room is made in a full list before the caller hears of it, and the pause after each.
const ROOM_TRIES: usize = 5;
const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// A handle to the process's desk. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stockroom: Arc<dyn Stockroom>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    queue: Mutex<Queue>,
    cache: Mutex<Cache>,
    meters: Meters,
}

/// What became of an item that was put.
#[derive(Clone, Debug)]
pub struct Placed {
    pub item: Answered,
    pub created: bool,
}

/// What became of a restock.
#[derive(Clone, Debug)]
pub struct Restocked {
    pub item: Answered,
    /// The id had done its work before.
    pub replayed: bool,
}

impl Desk {
    #[must_use]
    pub fn new(
        stockroom: Arc<dyn Stockroom>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        metrics: &Metrics,
    ) -> Self {
        let meters = Meters::new(metrics);
        let (queue, cache) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { stockroom, clock, random, queue, cache, meters }))
    }

    /// Moves a reservation until nothing is left to do. Faults: those of [`crate::domain::settle::settle`], with
    /// `version_conflict` when the reservation is not as the wish takes it to be.
    pub async fn settle(&self, wish: Settlement) -> Result<Reservation, Fault> {
        let wish = Arc::new(wish);
        for _ in 0..MOVES_MAX {
            let reservation = self.submit_with_room(|| Job::Settle(Arc::clone(&wish))).await?.reservation();
            if reservation.next(wish.action)?.is_none() {
                return Ok(reservation);
            }
        }
        Err(Fault::internal(format!("the reservation of {} does not come to rest", wish.order_id)))
    }

    /// Creates or changes an item. Faults: those of [`PutItem::apply`].
    pub async fn put(&self, item: PutItem) -> Result<Placed, Fault> {
        let item = Arc::new(item);
        Ok(self.submit_with_room(|| Job::Put(Arc::clone(&item))).await?.placed())
    }

    /// Adds stock once per movement id. Faults: `item_not_found`, `idempotency_key_reused`.
    pub async fn restock(&self, request: RestockItem) -> Result<Restocked, Fault> {
        let request = Arc::new(request);
        Ok(self.submit_with_room(|| Job::Restock(Arc::clone(&request))).await?.restocked())
    }

    /// Brings an item's movements to the ledger, as far as their causes record them as done.
    pub async fn post(&self, item: ItemId) -> Result<(), Fault> {
        self.submit(Job::Post(item)).await.map(drop)
    }

    /// As `submit`; when a list is full, makes room and tries again for a while.
    async fn submit_with_room(&self, job: impl Fn() -> Job) -> Result<Answer, Fault> {
        let mut answer = self.submit(job()).await;
        for _ in 0..ROOM_TRIES {
            let Some(item) = answer.as_ref().err().and_then(full_item) else { break };
            self.post(item).await?;
            tokio::time::sleep(ROOM_PAUSE).await;
            answer = self.submit(job()).await;
        }
        answer
    }

    async fn submit(&self, job: Job) -> Result<Answer, Fault> {
        let (reply, answer) = oneshot::channel();
        let free = lock(&self.0.queue).push(Ticket::new(job, reply))?;
        if let Some(batch) = free {
            self.start(batch);
        }
        answer.await.unwrap_or_else(|_| Err(Fault::internal("a round of the desk died")))
    }
}

/// The item whose list is full, if that is what the fault says.
fn full_item(fault: &Fault) -> Option<ItemId> {
    let item = (fault.code() == Code::ResourceExhausted).then(|| fault.metadata().get("item"))??;
    item.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
