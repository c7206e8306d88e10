//! Proves the counters from the movements, and the movements from the reservations.

use std::collections::{BTreeMap, HashMap, HashSet};

use common::{ItemId, MovementId, OrderId, Report};

use super::{
    counters::Counters,
    item::Item,
    movement::{Cause, Entry, Kind, Movement},
    reservation::{Reservation, Stage},
    restock::Restock,
};

/// Everything that stock has stored.
#[derive(Debug, Default)]
pub struct Books {
    pub items: Vec<Item>,
    pub reservations: Vec<Reservation>,
    pub restocks: Vec<Restock>,
    pub ledger: Vec<Entry>,
}

/// What movements did to one item for one order, and how much of it each moved.
type Done = HashMap<(OrderId, ItemId), Vec<(Kind, i64)>>;

impl Books {
    /// The broken invariants and, apart, the work in flight.
    #[must_use]
    pub fn audit(&self) -> Report {
        let mut report = Report::default();
        let mut ledger: HashMap<&ItemId, BTreeMap<u64, Movement>> = HashMap::new();
        for entry in &self.ledger {
            ledger.entry(&entry.item_id).or_default().insert(entry.movement.seq, entry.movement);
        }
        let mut done = Done::new();
        let mut restocked = HashMap::new();
        for item in &self.items {
            let posted = ledger.remove(&item.id).unwrap_or_default();
            let movements = all_movements(item, posted, &mut report);
            recount(item, &movements, &mut report);
            sort_by_cause(item, &movements, &mut done, &mut restocked);
        }
        for item in ledger.keys() {
            report.violation(format!("stock: the ledger has movements of {item}, which is no item"));
        }
        self.check_reservations(&done, &mut report);
        self.check_restocks(&restocked, &mut report);
        report
    }

    fn check_reservations(&self, done: &Done, report: &mut Report) {
        let known: HashSet<OrderId> = self.reservations.iter().map(|r| r.order_id).collect();
        for (order, item) in done.keys().filter(|(order, _)| !known.contains(order)) {
            report.violation(format!("stock: {item} was moved for {order}, which has no reservation"));
        }
        for reservation in &self.reservations {
            check_reservation(reservation, done, report);
        }
    }

    fn check_restocks(&self, restocked: &HashMap<MovementId, (ItemId, i64)>, report: &mut Report) {
        let known: HashMap<MovementId, &Restock> = self.restocks.iter().map(|r| (r.movement_id, r)).collect();
        for (id, (item, quantity)) in restocked {
            let same = |r: &&Restock| r.item_id == *item && i64::try_from(r.quantity) == Ok(*quantity);
            if known.get(id).filter(|r| same(r)).is_none() {
                report.violation(format!("stock: {item} has a restock {id} that nobody asked for"));
            }
        }
        for restock in &self.restocks {
            match (&restock.answer, restocked.contains_key(&restock.movement_id)) {
                (Some(_), false) => {
                    let Restock { movement_id, item_id, .. } = restock;
                    report.violation(format!("stock: restock {movement_id} of {item_id} did not happen"));
                }
                (None, _) => {
                    report.in_flight(format!("stock: restock {} is not finished", restock.movement_id));
                }
                (Some(_), true) => {}
            }
        }
    }
}

/// The ledger's movements of the item and those still with it, by number.
fn all_movements(
    item: &Item,
    mut movements: BTreeMap<u64, Movement>,
    report: &mut Report,
) -> BTreeMap<u64, Movement> {
    let mut waiting = 0;
    for movement in &item.unposted {
        match movements.insert(movement.seq, *movement) {
            None => waiting += 1,
            Some(posted) if posted == *movement => {}
            Some(_) => {
                let line =
                    format!("stock: movement {} of {} differs from the ledger's", movement.seq, item.id);
                report.violation(line);
            }
        }
    }
    if waiting > 0 {
        report.in_flight(format!("stock: {waiting} movements of {} are not posted", item.id));
    }
    movements
}

fn recount(item: &Item, movements: &BTreeMap<u64, Movement>, report: &mut Report) {
    let gapless = movements.keys().copied().eq(1..=item.seq);
    if !gapless {
        report.violation(format!("stock: the movements of {} are not 1 to {}", item.id, item.seq));
    }
    let moves = || movements.values();
    let counted = moves().try_fold(Counters::default(), |counters, m| counters.after(m.kind, m.quantity));
    if counted != Some(item.counters) {
        let line = format!("stock: {} counts {:?}, its movements {counted:?}", item.id, item.counters);
        report.violation(line);
    }
    if !item.counters.is_sound() {
        report.violation(format!("stock: the counters of {} contradict each other", item.id));
    }
}

fn sort_by_cause(
    item: &Item,
    movements: &BTreeMap<u64, Movement>,
    done: &mut Done,
    restocked: &mut HashMap<MovementId, (ItemId, i64)>,
) {
    for movement in movements.values() {
        match movement.cause {
            Cause::Order(order) => {
                let kinds = done.entry((order, item.id.clone())).or_default();
                kinds.push((movement.kind, movement.quantity));
            }
            Cause::Restock(id) => {
                restocked.insert(id, (item.id.clone(), movement.quantity));
            }
            Cause::Staff => {}
        }
    }
}

/// What must have been done to each item of a reservation at rest.
fn expected(stage: Stage, shown: &[Kind]) -> Option<&'static [Kind]> {
    match stage {
        Stage::Held => Some(&[Kind::Hold]),
        Stage::Committed => Some(&[Kind::Hold, Kind::Commit]),
        // A hold that was given up half-way never came to some of the items.
        Stage::Released if shown.is_empty() => Some(&[]),
        Stage::Released => Some(&[Kind::Hold, Kind::Release]),
        Stage::Returned => Some(&[Kind::Hold, Kind::Commit, Kind::Return]),
        Stage::Holding | Stage::Committing | Stage::Releasing { .. } | Stage::Returning => None,
    }
}

fn check_reservation(reservation: &Reservation, done: &Done, report: &mut Report) {
    let Reservation { order_id, stage, .. } = reservation;
    if reservation.unfinished().is_some() {
        report.in_flight(format!("stock: the reservation of {order_id} is {stage:?}"));
        return;
    }
    for line in &reservation.lines {
        let moved = done.get(&(*order_id, line.item_id.clone())).map_or(&[][..], Vec::as_slice);
        let kinds: Vec<Kind> = moved.iter().map(|(kind, _)| *kind).collect();
        let as_expected = expected(*stage, &kinds).is_some_and(|expected| expected == kinds);
        let in_full = moved.iter().all(|(_, quantity)| *quantity == i64::from(line.quantity));
        if !as_expected || !in_full {
            let line = format!("stock: {} of {order_id} is {stage:?} but moved {moved:?}", line.item_id);
            report.violation(line);
        }
    }
}
