//! What this process has of each queue: AMQP tells how many messages wait in a queue, not how many are with a consumer
//! or on the ladder.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::time::Instant;

use super::plan::Plan;

/// Messages on the ladder that are remembered for one queue; more are on the ladder all the same.
const CLIMBING_MAX: usize = 10_000;

/// Of each queue, by its place.
#[derive(Debug)]
pub(super) struct InFlight(Vec<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// The consumers of this process.
    hands: Vec<Weak<Hands>>,
    /// When the broker puts messages of ours back into the queue.
    climbing: VecDeque<Instant>,
}

/// What one consumer has, as long as its channel is there; with the channel it all goes back to the queue.
#[derive(Debug, Default)]
pub(super) struct Hands {
    count: AtomicU64,
    over: AtomicBool,
}

impl Hands {
    /// The channel is gone.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn count(&self) -> u64 {
        if self.has_ended() { 0 } else { self.count.load(Ordering::Relaxed) }
    }
}

impl InFlight {
    pub(super) fn of(queues: usize) -> Self {
        Self((0..queues).map(|_| Mutex::default()).collect())
    }

    /// A new consumer of the queue.
    pub(super) fn hands(&self, place: usize) -> Arc<Hands> {
        let hands = Arc::default();
        let mut held = self.lock(place);
        held.hands.retain(|other| other.strong_count() > 0);
        held.hands.push(Arc::downgrade(&hands));
        hands
    }

    pub(super) fn climbs(&self, place: usize, plan: &Plan, step: &str) {
        let Some(step) = plan.ladder.iter().find(|known| known.name == step) else { return };
        let climbing = &mut self.lock(place).climbing;
        if climbing.len() >= CLIMBING_MAX {
            climbing.pop_front();
        }
        climbing.push_back(Instant::now() + step.pause);
    }

    pub(super) fn count(&self, place: usize) -> u64 {
        let mut held = self.lock(place);
        let now = Instant::now();
        held.climbing.retain(|back| *back > now);
        let in_hand: u64 = held.hands.iter().filter_map(Weak::upgrade).map(|hands| hands.count()).sum();
        in_hand + held.climbing.len() as u64
    }

    fn lock(&self, place: usize) -> MutexGuard<'_, Held> {
        self.0[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One delivery in someone's hands.
#[derive(Debug)]
pub(super) struct InHand(Arc<Hands>);

impl InHand {
    pub(super) fn of(hands: &Arc<Hands>) -> Self {
        hands.count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(hands))
    }

    /// The channel that it came over is gone, and the delivery with it.
    pub(super) fn is_lost(&self) -> bool {
        self.0.has_ended()
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}
