//! One move of one reservation over the items in hand: decide, do it to the items, record it as done. Pure.

use common::{Code, Fault, ItemId, OrderId, Timestamp, TraceContext};

use super::{
    bench::Bench,
    event::{Event, OrderLines},
    item::Item,
    movement::Kind,
    reservation::{Action, Line, Move, Reservation, Stage},
    shortage::{Shortage, insufficient, unknown_items},
    wanted::Wanted,
};

/// Someone's wish for one order.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub order_id: OrderId,
    pub action: Action,
    /// What a new hold should hold; of no use to the other actions.
    pub wanted: Vec<Wanted>,
    /// When a new hold becomes due for a question.
    pub expires_at: Timestamp,
    /// The items that may be moved.
    pub items: Vec<ItemId>,
    /// The order's, for a reservation that is not there yet.
    pub trace: Option<TraceContext>,
}

/// What has to be written for one move, around the items, and what the caller is told then.
#[derive(Debug)]
pub struct Step {
    /// Before the items: the decision. Absent when it is written already.
    pub opening: Option<Reservation>,
    /// After the items: the move is done.
    pub closing: Option<Reservation>,
    pub event: Option<Event>,
    pub answer: Result<Reservation, Fault>,
}

impl Step {
    fn unchanged(reservation: Reservation) -> Self {
        Self { opening: None, closing: None, event: None, answer: Ok(reservation) }
    }
}

/// One move towards what is wanted. A fault means that nothing has to be written and no item was touched.
///
/// Faults: those of [`Reservation::next`]; `insufficient_stock`, `item_not_found`, `invalid_request` (mixed
/// currencies, other lines) for a hold; `version_conflict` when an item of the reservation is not in hand;
/// `resource_exhausted` when an item's list is full.
pub fn settle(
    found: Option<Reservation>,
    wish: &Settlement,
    bench: &mut Bench,
    now: Timestamp,
) -> Result<Step, Fault> {
    let Some(reservation) = found else { return begin(wish, bench, now) };
    let next = reservation.next(wish.action)?;
    if wish.action == Action::Hold {
        reservation.check_same_lines(&wish.wanted)?;
    }
    match next {
        None => Ok(Step::unchanged(reservation)),
        Some(Move::Hold) => hold(reservation, None, bench, now),
        Some(towards) => advance(&reservation, towards, bench, now),
    }
}

fn begin(wish: &Settlement, bench: &mut Bench, now: Timestamp) -> Result<Step, Fault> {
    match wish.action {
        Action::Hold => {
            let lines = price(&wish.wanted, bench)?;
            let intent = Reservation::intent(wish.order_id, lines, wish.expires_at, now);
            let intent = Reservation { trace: wish.trace, ..intent };
            let short = shortages(&intent, bench);
            if !short.is_empty() {
                return Err(insufficient(&short));
            }
            hold(intent.clone(), Some(intent), bench, now)
        }
        Action::Release { .. } => {
            let tombstone = Reservation { trace: wish.trace, ..Reservation::tombstone(wish.order_id, now) };
            Ok(Step { opening: Some(tombstone.clone()), closing: None, event: None, answer: Ok(tombstone) })
        }
        Action::Commit | Action::Finish => {
            Err(Fault::new(Code::InvalidTransition, "the order has no reservation"))
        }
    }
}

fn price(wanted: &[Wanted], bench: &Bench) -> Result<Vec<Line>, Fault> {
    let unknown: Vec<&ItemId> =
        wanted.iter().map(|w| &w.item_id).filter(|id| bench.item(id).is_none()).collect();
    if !unknown.is_empty() {
        return Err(unknown_items(&unknown));
    }
    let items = wanted.iter().filter_map(|w| Some((w, bench.item(&w.item_id)?)));
    let lines: Vec<Line> = items.map(|(w, item)| line(w.quantity, item)).collect();
    if lines.windows(2).any(|pair| pair[0].unit_price.currency != pair[1].unit_price.currency) {
        return Err(Fault::new(Code::InvalidRequest, "the items of one order are priced in one currency"));
    }
    Ok(lines)
}

fn line(quantity: u32, item: &Item) -> Line {
    let details = &item.details;
    Line {
        item_id: item.id.clone(),
        name: details.name.clone(),
        quantity,
        unit_price: details.price,
        stripe_price_id: details.stripe_price_id.clone(),
    }
}

/// The lines that cannot be held and are not held yet.
fn shortages(reservation: &Reservation, bench: &Bench) -> Vec<Shortage> {
    let short = |line: &Line| {
        let item = bench.item(&line.item_id)?;
        let available = item.available();
        let fits = item.shows(reservation.order_id, Kind::Hold) || available >= u64::from(line.quantity);
        (!fits).then(|| Shortage { item_id: line.item_id.clone(), wanted: line.quantity, available })
    };
    reservation.lines.iter().filter_map(short).collect()
}

/// Completes a hold whose intent is `intent`; gives it up when there is not enough any more.
fn hold(
    mut intent: Reservation,
    opening: Option<Reservation>,
    bench: &mut Bench,
    now: Timestamp,
) -> Result<Step, Fault> {
    intent.shortage = shortages(&intent, bench);
    if !intent.shortage.is_empty() {
        let given_up = advance(&intent, Move::Release, bench, now)?;
        return Ok(Step { answer: Err(insufficient(&intent.shortage)), ..given_up });
    }
    move_items(&intent, bench, now)?;
    Ok(finish(&intent, opening, now))
}

fn advance(
    reservation: &Reservation,
    towards: Move,
    bench: &mut Bench,
    now: Timestamp,
) -> Result<Step, Fault> {
    let under_way = reservation.unfinished() == Some(towards);
    let decided = if under_way { reservation.clone() } else { reservation.decided(towards, now) };
    move_items(&decided, bench, now)?;
    let opening = (!under_way).then(|| decided.clone());
    Ok(finish(&decided, opening, now))
}

fn finish(decided: &Reservation, opening: Option<Reservation>, now: Timestamp) -> Step {
    let done = decided.done(now);
    let event = decided.event().map(|event| event(OrderLines::of(&done)));
    Step { opening, event, answer: Ok(done.clone()), closing: Some(done) }
}

/// Does the decided move to every item that does not show it yet: to all of them or, with a fault, to none.
fn move_items(decided: &Reservation, bench: &mut Bench, now: Timestamp) -> Result<(), Fault> {
    let mut moved = Vec::with_capacity(decided.lines.len());
    for line in &decided.lines {
        let found = bench.item(&line.item_id);
        let mut item = found.ok_or_else(|| Fault::version_conflict(decided.order_id.to_string()))?.clone();
        if move_item(decided, line, &mut item, now)? {
            moved.push(item);
        }
    }
    moved.into_iter().for_each(|item| bench.put(item));
    Ok(())
}

/// Whether the item has to be saved. An undo always saves it, so that whoever works on an older copy of it loses
/// the compare-and-swap and then sees that the reservation is closed.
fn move_item(decided: &Reservation, line: &Line, item: &mut Item, now: Timestamp) -> Result<bool, Fault> {
    let order = decided.order_id;
    let (kind, undo) = match decided.stage {
        Stage::Holding => (Kind::Hold, false),
        Stage::Committing => (Kind::Commit, false),
        Stage::Releasing { was_held } if was_held || item.shows(order, Kind::Hold) => (Kind::Release, true),
        Stage::Releasing { .. } => return Ok(true),
        Stage::Returning => (Kind::Return, true),
        Stage::Held | Stage::Committed | Stage::Released | Stage::Returned => return Ok(false),
    };
    let shown = item.shows(order, kind);
    item.once(order, kind, line.quantity, now)?;
    Ok(undo || !shown)
}
