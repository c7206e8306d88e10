//! Objects as Stripe writes them, made from what is stored. Every field that its clients demand is there.

pub mod charge;
pub mod event;
pub mod list;
pub mod payment_intent;
pub mod price;
pub mod refund;
pub mod session;

use serde::Serialize;

/// An object, or only its id when the caller did not ask to expand it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

/// An object without fields.
#[derive(Debug, Serialize)]
pub struct Empty {}
