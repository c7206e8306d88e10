//! Protobuf messages to stock's own types and back.

use common::{Code, Fault, ItemId};
use contracts::{
    convert::{required, timestamp},
    stock as proto,
};

use crate::{
    app::menu::LineAvailability,
    domain::{
        catalogue::{Details, Mode, PutItem},
        item::Item,
        reservation::{self, Reservation, Stage},
        restock::{Answered, RestockItem},
        wanted::Wanted,
    },
    ports::Versioned,
};

/// The lines as they were sent. `invalid_request` for an id that no item can have.
pub(crate) fn wanted(lines: Vec<proto::Line>) -> Result<Vec<Wanted>, Fault> {
    let wanted = |line: proto::Line| Ok(Wanted { item_id: item_id(&line.item_id)?, quantity: line.quantity });
    lines.into_iter().map(wanted).collect()
}

/// The ids that could be an item's; of any other there is none.
pub(crate) fn item_ids(ids: &[String]) -> Vec<ItemId> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

fn item_id(text: &str) -> Result<ItemId, Fault> {
    text.parse().map_err(|fault: Fault| Fault::new(Code::InvalidRequest, fault.public().to_owned()))
}

pub(crate) fn put_item(request: proto::PutItemRequest) -> Result<PutItem, Fault> {
    let details = Details {
        name: request.name,
        price: required(request.price, "price")?.try_into()?,
        description: request.description,
        stripe_price_id: request.stripe_price_id,
    };
    PutItem::new(request.item_id.parse()?, details, request.on_hand, Mode::Put)
}

pub(crate) fn restock(request: &proto::RestockRequest) -> Result<RestockItem, Fault> {
    RestockItem::new(request.item_id.parse()?, request.movement_id.parse()?, request.quantity)
}

pub(crate) fn found(found: &Versioned<Item>) -> proto::Item {
    item(&found.body, found.version)
}

pub(crate) fn answered(answered: &Answered) -> proto::Item {
    item(&answered.item, answered.version)
}

fn item(item: &Item, version: u64) -> proto::Item {
    let available = item.available();
    let details = item.details.as_ref();
    proto::Item {
        id: item.id.to_string(),
        name: details.name.clone(),
        price: Some(details.price.into()),
        on_hand: item.counters.on_hand,
        held: item.counters.held,
        available,
        description: details.description.clone(),
        stripe_price_id: details.stripe_price_id.clone(),
        version,
    }
}

pub(crate) fn availability(line: &LineAvailability) -> proto::LineAvailability {
    proto::LineAvailability {
        item_id: line.wanted.item_id.to_string(),
        wanted: line.wanted.quantity,
        available: line.available.unwrap_or(0),
        known: line.available.is_some(),
    }
}

pub(crate) fn reservation(reservation: Reservation) -> proto::Reservation {
    proto::Reservation {
        id: reservation.id(),
        order_id: reservation.order_id.to_string(),
        state: state(reservation.stage).into(),
        expires_at: Some(timestamp(reservation.expires_at)),
        lines: reservation.lines.into_iter().map(line).collect(),
    }
}

/// The stage at rest that the present one leads to.
fn state(stage: Stage) -> proto::ReservationState {
    match stage {
        Stage::Holding | Stage::Held => proto::ReservationState::Held,
        Stage::Committing | Stage::Committed => proto::ReservationState::Committed,
        Stage::Releasing { .. } | Stage::Released => proto::ReservationState::Released,
        Stage::Returning | Stage::Returned => proto::ReservationState::Returned,
    }
}

fn line(line: reservation::Line) -> proto::ReservedLine {
    proto::ReservedLine {
        item_id: line.item_id.to_string(),
        name: line.name,
        quantity: line.quantity,
        unit_price: Some(line.unit_price.into()),
        stripe_price_id: line.stripe_price_id,
    }
}
