//! What stock keeps.

use contracts::service::STOCK;
use store::{CollectionSchema, Schema};

use crate::domain::{item::Item, movement::Entry, reservation::Reservation, restock::Restock};

/// See [`Schema`].
pub static SCHEMA: Schema = Schema {
    service: STOCK,
    collections: &[
        CollectionSchema::of::<Item>(),
        CollectionSchema::of::<Reservation>(),
        CollectionSchema::of::<Restock>(),
        CollectionSchema::of::<Entry>(),
    ],
};
