//! What orders keeps.

use contracts::service::ORDERS;
use store::{CollectionSchema, Schema};

use super::audit::AuditDocument;
use crate::domain::{Claim, Order};

/// See [`Schema`].
pub static SCHEMA: Schema = Schema {
    service: ORDERS,
    collections: &[
        CollectionSchema::of::<Order>(),
        CollectionSchema::of::<Claim>(),
        CollectionSchema::of::<AuditDocument>(),
    ],
};
