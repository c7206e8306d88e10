//! What can be asked of the desk, and what it answers.

use std::sync::Arc;

use common::{Call, Fault, ItemId, MovementId, OrderId};
use tokio::sync::oneshot;

use super::{Placed, Restocked};
use crate::domain::{catalogue::PutItem, reservation::Reservation, restock::RestockItem, settle::Settlement};

/// A piece of work on some items and at most one record beside them.
#[derive(Clone, Debug)]
pub(super) enum Job {
    Settle(Arc<Settlement>),
    Put(Arc<PutItem>),
    Restock(Arc<RestockItem>),
    Post(ItemId),
}

/// What two rounds must not work on at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Item(ItemId),
    Order(OrderId),
    Restock(MovementId),
}

impl Job {
    pub(super) fn items(&self) -> &[ItemId] {
        match self {
            Self::Settle(wish) => &wish.items,
            Self::Put(put) => std::slice::from_ref(&put.item_id),
            Self::Restock(request) => std::slice::from_ref(&request.item_id),
            Self::Post(item) => std::slice::from_ref(item),
        }
    }

    /// The record beside the items; one round does one job on it.
    pub(super) fn record(&self) -> Option<Key> {
        match self {
            Self::Settle(wish) => Some(Key::Order(wish.order_id)),
            Self::Restock(request) => Some(Key::Restock(request.movement_id)),
            Self::Put(_) | Self::Post(_) => None,
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.items().iter().cloned().map(Key::Item).chain(self.record())
    }
}

/// One variant per kind of job.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Settled(Reservation),
    Placed(Placed),
    Restocked(Restocked),
    Posted,
}

const ANSWERS_ITS_JOB: &str = "the plan answers each job with its own kind";

impl Answer {
    pub(super) fn reservation(self) -> Reservation {
        let Self::Settled(reservation) = self else { unreachable!("{ANSWERS_ITS_JOB}") };
        reservation
    }

    pub(super) fn placed(self) -> Placed {
        let Self::Placed(placed) = self else { unreachable!("{ANSWERS_ITS_JOB}") };
        placed
    }

    pub(super) fn restocked(self) -> Restocked {
        let Self::Restocked(restocked) = self else { unreachable!("{ANSWERS_ITS_JOB}") };
        restocked
    }
}

/// A job that waits for its answer.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) job: Job,
    pub(super) call: Option<Call>,
    reply: oneshot::Sender<Result<Answer, Fault>>,
}

impl Ticket {
    pub(super) fn new(job: Job, reply: oneshot::Sender<Result<Answer, Fault>>) -> Self {
        Self { job, call: Call::current(), reply }
    }

    /// Nobody waits for it any more, and it was not begun: it need not be.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn answer(self, answer: Result<Answer, Fault>) {
        // The caller may be gone; the work is done all the same.
        let _ = self.reply.send(answer);
    }
}
