//! Checks the items, reservations and ledger of a data folder for `ordermesh verify`.

use common::{Fault, OrderId, Report};
use store::{Document, DocumentStore};

use crate::domain::{
    audit::Books,
    reservation::{Reservation, Stage},
};

/// What the checks between services need of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub order_id: OrderId,
    pub stage: Stage,
}

/// Every reservation, oldest first.
pub async fn summaries(store: &dyn DocumentStore) -> Result<Vec<Summary>, Fault> {
    let mut all = Vec::new();
    let summary = |found: Reservation| Summary { order_id: found.order_id, stage: found.stage };
    store::each(store, |reservation| all.push(summary(reservation))).await?;
    Ok(all)
}

/// Broken invariants and, apart, the work in flight. Reads everything that stock has stored.
pub async fn check(store: &dyn DocumentStore) -> Result<Report, Fault> {
    let books = Books {
        items: all(store).await?,
        reservations: all(store).await?,
        restocks: all(store).await?,
        ledger: all(store).await?,
    };
    Ok(books.audit())
}

async fn all<T: Document>(store: &dyn DocumentStore) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    store::each(store, |document| all.push(document)).await?;
    Ok(all)
}
