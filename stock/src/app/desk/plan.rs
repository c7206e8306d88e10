//! The plan of one round: what each job does to the items in hand, and the writes that this takes, in order.

use std::collections::HashMap;

use common::{Call, Code, Fault, ItemId, MovementId, OrderId, Timestamp};

use super::{
    Placed, Restocked,
    job::{Answer, Job, Ticket},
};
use crate::{
    domain::{
        bench::Bench,
        catalogue::PutItem,
        event::Event,
        item::Item,
        movement::{Cause, Entry, Kind, Movement},
        reservation::Reservation,
        restock::{Answered, Restock, RestockItem},
        settle::{Settlement, settle},
    },
    ports::{Change, Record, Versioned},
};

/// The records beside the items that a round needs, read after the items were.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) reservations: HashMap<OrderId, Versioned<Reservation>>,
    pub(super) restocks: HashMap<MovementId, Versioned<Restock>>,
    /// Movements that the ledger has, of items that are to be posted.
    pub(super) posted: HashMap<ItemId, Vec<u64>>,
}

impl Files {
    /// Whether the movement's cause records it as done.
    fn record(&self, movement: &Movement) -> bool {
        match movement.cause {
            Cause::Staff => true,
            Cause::Order(order) => {
                self.reservations.get(&order).is_some_and(|r| r.body.records(movement.kind))
            }
            Cause::Restock(id) => self.restocks.get(&id).is_some_and(|r| r.body.answer.is_some()),
        }
    }
}

/// Where an item stood before the round.
#[derive(Clone, Copy, Debug)]
struct Before {
    version: u64,
    seq: u64,
}

#[derive(Debug)]
pub(super) struct Plan {
    bench: Bench,
    before: HashMap<ItemId, Before>,
    now: Timestamp,
    posts: Vec<Change>,
    openings: Vec<Change>,
    closings: Vec<Change>,
}

impl Plan {
    pub(super) fn new(items: Vec<Versioned<Item>>, now: Timestamp) -> Self {
        let before = |item: &Versioned<Item>| {
            (item.body.id.clone(), Before { version: item.version, seq: item.body.seq })
        };
        Self {
            before: items.iter().map(before).collect(),
            bench: Bench::new(items.into_iter().map(|item| item.body)),
            now,
            posts: Vec::new(),
            openings: Vec::new(),
            closings: Vec::new(),
        }
    }

    /// Plans one job. A fault leaves the plan as it was.
    pub(super) fn add(&mut self, ticket: &Ticket, files: &Files) -> Result<Answer, Fault> {
        match &ticket.job {
            Job::Settle(wish) => self.settle(wish, ticket.call, files),
            Job::Put(put) => self.put(put),
            Job::Restock(request) => self.restock(request, files),
            Job::Post(item) => {
                self.post(item, files);
                Ok(Answer::Posted)
            }
        }
    }

    fn settle(&mut self, wish: &Settlement, call: Option<Call>, files: &Files) -> Result<Answer, Fault> {
        let found = files.reservations.get(&wish.order_id);
        let step = settle(found.map(|f| f.body.clone()), wish, &mut self.bench, self.now)?;
        let mut version = found.map(|f| f.version);
        if let Some(opening) = step.opening {
            self.openings.push(Change::new(Record::Reservation(opening), version));
            version = Some(version.unwrap_or(0) + 1);
        }
        if let Some(closing) = step.closing {
            let events = step.event.into_iter().collect();
            let change = Change::new(Record::Reservation(closing), version);
            self.closings.push(Change { events, call, ..change });
        }
        step.answer.map(Answer::Settled)
    }

    fn put(&mut self, put: &PutItem) -> Result<Answer, Fault> {
        let found = self.bench.item(&put.item_id);
        let created = found.is_none();
        let item = match put.apply(found, self.now)? {
            Some(item) => {
                self.bench.put(item.clone());
                Answered { version: self.version_after(&item.id), item }
            }
            None => self.present(&put.item_id)?,
        };
        Ok(Answer::Placed(Placed { item, created }))
    }

    fn restock(&mut self, request: &RestockItem, files: &Files) -> Result<Answer, Fault> {
        let found = files.restocks.get(&request.movement_id);
        if let Some(found) = found {
            found.body.check_same(request)?;
            if let Some(item) = found.body.answer.clone() {
                return Ok(Answer::Restocked(Restocked { item, replayed: true }));
            }
        }
        let mut item = self.bench.item(&request.item_id).cloned().ok_or_else(no_such_item)?;
        let (id, quantity) = (request.movement_id, request.quantity);
        let cause = Cause::Restock(id);
        if !item.unposted.iter().any(|movement| movement.cause == cause) {
            let quantity = i64::try_from(quantity).expect("at most a billion");
            item.apply(Kind::Restock, quantity, cause, self.now)?;
        }
        let record = found.map_or_else(|| request.record(self.now), |f| f.body.clone());
        if found.is_none() {
            self.openings.push(Change::new(Record::Restock(record.clone()), None));
        }
        let version = self.version_after(&request.item_id);
        let done = record.answered(item.clone(), version);
        self.bench.put(item);
        let answer = done.answer.clone().expect("just answered");
        let read_at = found.map_or(1, |f| f.version);
        self.closings.push(Change::new(Record::Restock(done), Some(read_at)));
        Ok(Answer::Restocked(Restocked { item: answer, replayed: false }))
    }

    fn post(&mut self, id: &ItemId, files: &Files) {
        let (Some(item), Some(before)) = (self.bench.item(id), self.before.get(id)) else { return };
        let mut item = item.clone();
        let posted = files.posted.get(id).map_or(&[][..], Vec::as_slice);
        let (done, open): (Vec<_>, Vec<_>) =
            item.unposted.iter().copied().partition(|m| m.seq <= before.seq && files.record(m));
        let missing = done.into_iter().filter(|m| !posted.contains(&m.seq));
        self.posts.extend(missing.map(|movement| entry(id, movement)));
        item.unposted = open;
        self.bench.put(item);
    }

    /// The version that the item will have if the round saves it.
    fn version_after(&self, id: &ItemId) -> u64 {
        self.before.get(id).map_or(1, |before| before.version + 1)
    }

    fn present(&self, id: &ItemId) -> Result<Answered, Fault> {
        let item = self.bench.item(id).cloned().ok_or_else(no_such_item)?;
        let version = self.before.get(id).map_or(1, |before| before.version);
        Ok(Answered { item, version })
    }

    /// The writes in the order in which they must happen: what is posted before it leaves its item; decisions
    /// before the items, the items by id, "done" after them; then the new movements, which are posted at once
    /// because the round that made them also records them as done.
    pub(super) fn changes(&mut self) -> Vec<Change> {
        let mut items = Vec::new();
        let mut entries = Vec::new();
        for item in self.bench.touched() {
            let before = self.before.get(&item.id);
            let seq = before.map_or(0, |before| before.seq);
            let new = item.unposted.iter().filter(|movement| movement.seq > seq);
            entries.extend(new.map(|movement| entry(&item.id, *movement)));
            let low = item.crosses_low().then(|| Event::low(item, self.now));
            let change = Change::new(Record::Item(item.clone()), before.map(|before| before.version));
            items.push(Change { events: low.into_iter().collect(), ..change });
        }
        let mut changes = std::mem::take(&mut self.posts);
        changes.append(&mut self.openings);
        changes.append(&mut items);
        changes.append(&mut self.closings);
        changes.append(&mut entries);
        changes
    }

    /// The items in hand as they are once the round is saved, without the movements that it posted.
    pub(super) fn saved(self) -> Vec<Versioned<Item>> {
        let before = self.before;
        let saved = |(mut body, touched): (Item, bool)| {
            let before = before.get(&body.id);
            let seq = before.map_or(0, |before| before.seq);
            body.unposted.retain(|movement| movement.seq <= seq);
            Versioned { body, version: before.map_or(0, |before| before.version) + u64::from(touched) }
        };
        self.bench.into_items().map(saved).collect()
    }
}

fn entry(item: &ItemId, movement: Movement) -> Change {
    Change::new(Record::Entry(Entry { item_id: item.clone(), movement }), None)
}

pub(super) fn no_such_item() -> Fault {
    Fault::new(Code::ItemNotFound, "there is no such item")
}
