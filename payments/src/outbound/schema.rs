//! What payments keeps.

use contracts::service::PAYMENTS;
use store::{CollectionSchema, Schema};

use super::cursors::CursorDocument;
use crate::domain::{InboxEntry, Payment};

/// See [`Schema`].
pub static SCHEMA: Schema = Schema {
    service: PAYMENTS,
    collections: &[
        CollectionSchema::of::<Payment>(),
        CollectionSchema::of::<InboxEntry>(),
        CollectionSchema::of::<CursorDocument>(),
    ],
};
