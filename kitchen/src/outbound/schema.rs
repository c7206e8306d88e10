//! What the kitchen keeps.

use contracts::service::KITCHEN;
use store::{CollectionSchema, Schema};

use crate::domain::Ticket;

/// See [`Schema`].
pub static SCHEMA: Schema = Schema { service: KITCHEN, collections: &[CollectionSchema::of::<Ticket>()] };
