//! Checks the items, reservations and ledger of a data folder for `ordermesh verify`.

use common::{Fault, Report};
use store::{Document, DocumentStore, IndexQuery, Order};

use crate::domain::audit::Books;

/// Documents read at a time.
const PAGE: usize = 500;

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
    let mut cursor = None;
    loop {
        let query = IndexQuery {
            index: None,
            prefix: String::new(),
            below: None,
            order: Order::Ascending,
            limit: PAGE,
            cursor,
        };
        let page = store.list(T::COLLECTION, query).await?;
        for stored in page.entries {
            let decoded = serde_json::from_slice(&stored.body);
            all.push(decoded.map_err(|e| Fault::internal(format!("{} {}: {e}", T::COLLECTION, stored.id)))?);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}
