//! One round at the desk: read, plan, save; again when someone else was faster.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::Hash,
    time::Duration,
};

use common::{Fault, ItemId, Kind, MovementId, OrderId, crash};
use prometheus_client::metrics::counter::Counter;
use telemetry::Metrics;
use tokio::runtime::Handle;

use super::{
    Desk,
    job::{Answer, Job, Key, Ticket},
    lock,
    plan::{Files, Plan},
    queue::Batch,
};
use crate::{
    domain::{item::Item, movement::Cause},
    ports::Versioned,
};

/// How often a round is planned anew after a lost compare-and-swap; the pause before that doubles up to the most.
const ATTEMPTS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(200);

/// What the desk counts.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    jobs: Counter,
    rounds: Counter,
    conflicts: Counter,
}

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            jobs: metrics.counter("stock_desk_jobs", "Jobs done at the stock desk"),
            rounds: metrics.counter("stock_desk_rounds", "Rounds in which they were done"),
            conflicts: metrics.counter("stock_desk_conflicts", "Rounds planned anew after a lost save"),
        }
    }
}

type Answers = Vec<Result<Answer, Fault>>;

/// Frees a round's keys when it ends, however it ends, and starts those who waited for them.
struct Turn {
    desk: Desk,
    keys: HashSet<Key>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next: Vec<Batch> = {
            let mut queue = lock(&self.desk.0.queue);
            queue.free(&self.keys);
            std::iter::from_fn(|| queue.next()).collect()
        };
        // While the program ends there is no runtime to start them in; their callers are gone, too.
        if Handle::try_current().is_ok() {
            next.into_iter().for_each(|batch| self.desk.start(batch));
        }
    }
}

impl Desk {
    /// Runs a round in a task of its own: a caller that goes away must not stop it half-way.
    pub(super) fn start(&self, batch: Batch) {
        let Batch { tickets, keys } = batch;
        let turn = Turn { desk: self.clone(), keys };
        tokio::spawn(async move {
            let answers = turn.desk.round(&tickets).await;
            tickets.into_iter().zip(answers).for_each(|(ticket, answer)| ticket.answer(answer));
        });
    }

    async fn round(&self, tickets: &[Ticket]) -> Answers {
        self.0.meters.rounds.inc();
        self.0.meters.jobs.inc_by(tickets.len() as u64);
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            match self.attempt(tickets, attempt).await {
                Ok(answers) => return answers,
                Err(fault) if fault.is_version_conflict() && attempt < ATTEMPTS => {
                    self.0.meters.conflicts.inc();
                    tokio::time::sleep(self.jittered(pause)).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                    attempt += 1;
                }
                Err(fault) => return vec![Err(fault); tickets.len()],
            }
        }
    }

    /// Somewhere between half the pause and all of it.
    fn jittered(&self, pause: Duration) -> Duration {
        let half = u64::try_from(pause.as_micros() / 2).unwrap_or(u64::MAX);
        Duration::from_micros(half + self.0.random.below(half))
    }

    /// Reads the items first and the other records second, plans, and saves with the items' versions: whoever
    /// changed an item after it was read makes the save fail, whoever closed a reservation did so before.
    async fn attempt(&self, tickets: &[Ticket], attempt: u32) -> Result<Answers, Fault> {
        let (items, cached) = self.take_items(tickets, attempt > 1).await?;
        let files = self.read_files(tickets, &items).await?;
        let mut plan = Plan::new(items, self.0.clock.now());
        let answers: Answers = tickets.iter().map(|ticket| plan.add(ticket, &files)).collect();
        if cached && answers.iter().any(Result::is_err) {
            // A refusal must not rest on a stale copy.
            return Box::pin(self.attempt(tickets, attempt + 1)).await;
        }
        if attempt < ATTEMPTS && answers.iter().any(is_internal) {
            // Someone moved an item and then its reservation between our two reads: the books are not broken yet.
            return Err(Fault::version_conflict("an item that is older than its reservation"));
        }
        let changes = plan.changes();
        if !changes.is_empty() {
            self.0.stockroom.save_in_order(changes).await?;
            crash::point!("stock.desk.saved");
        }
        lock(&self.0.cache).put(plan.saved());
        Ok(answers)
    }

    /// The items of the round that there are, and whether some come from the cache.
    async fn take_items(
        &self,
        tickets: &[Ticket],
        fresh: bool,
    ) -> Result<(Vec<Versioned<Item>>, bool), Fault> {
        let ids: BTreeSet<&ItemId> = tickets.iter().flat_map(|ticket| ticket.job.items()).collect();
        let mut items = Vec::with_capacity(ids.len());
        let mut missing = Vec::new();
        {
            let mut cache = lock(&self.0.cache);
            for id in ids {
                match cache.take(id).filter(|_| !fresh) {
                    Some(item) => items.push(item),
                    None => missing.push(id.clone()),
                }
            }
        }
        let cached = !items.is_empty();
        if !missing.is_empty() {
            items.extend(self.0.stockroom.items(&missing).await?.into_iter().flatten());
        }
        Ok((items, cached))
    }

    async fn read_files(&self, tickets: &[Ticket], items: &[Versioned<Item>]) -> Result<Files, Fault> {
        let mut orders: HashSet<OrderId> = HashSet::new();
        let mut restocks: HashSet<MovementId> = HashSet::new();
        let mut files = Files::default();
        for ticket in tickets {
            match &ticket.job {
                Job::Settle(wish) => drop(orders.insert(wish.order_id)),
                Job::Restock(request) => drop(restocks.insert(request.movement_id)),
                Job::Put(_) => {}
                Job::Post(id) => {
                    let Some(item) = items.iter().find(|item| item.body.id == *id) else { continue };
                    let movements = &item.body.unposted;
                    orders.extend(movements.iter().filter_map(|m| as_order(m.cause)));
                    restocks.extend(movements.iter().filter_map(|m| as_restock(m.cause)));
                    files.posted.insert(id.clone(), self.posted(&item.body).await?);
                }
            }
        }
        let orders: Vec<OrderId> = orders.into_iter().collect();
        let restocks: Vec<MovementId> = restocks.into_iter().collect();
        if !orders.is_empty() {
            files.reservations = by_id(&orders, self.0.stockroom.reservations(&orders).await?);
        }
        if !restocks.is_empty() {
            files.restocks = by_id(&restocks, self.0.stockroom.restocks(&restocks).await?);
        }
        Ok(files)
    }

    /// Those of the item's movements that the ledger has.
    async fn posted(&self, item: &Item) -> Result<Vec<u64>, Fault> {
        let seqs: Vec<u64> = item.unposted.iter().map(|movement| movement.seq).collect();
        let posted = self.0.stockroom.are_posted(&item.id, &seqs).await?;
        Ok(seqs.into_iter().zip(posted).filter_map(|(seq, posted)| posted.then_some(seq)).collect())
    }
}

fn is_internal(answer: &Result<Answer, Fault>) -> bool {
    answer.as_ref().is_err_and(|fault| fault.kind() == Kind::Internal)
}

fn as_order(cause: Cause) -> Option<OrderId> {
    if let Cause::Order(order) = cause { Some(order) } else { None }
}

fn as_restock(cause: Cause) -> Option<MovementId> {
    if let Cause::Restock(id) = cause { Some(id) } else { None }
}

fn by_id<K: Copy + Eq + Hash, T>(ids: &[K], found: Vec<Option<T>>) -> HashMap<K, T> {
    ids.iter().zip(found).filter_map(|(id, found)| Some((*id, found?))).collect()
}
