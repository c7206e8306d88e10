//! What leaves as JSON: names and field order are part of the contract; what is unknown is absent, never null.

mod operator;

use std::borrow::Cow;

use common::Timestamp;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

pub(crate) use operator::{
    DeadLetterList, DeadLetterView, MissingPart, OneDeadLetter, OrderFile, PaymentView, QueueList, RefundView,
};

use super::convert;

/// The statuses of an order, as the document lists them.
pub(crate) struct OrderStatusName;

/// The states of a ticket, as the document lists them.
pub(crate) struct TicketStateName;

impl PartialSchema for OrderStatusName {
    fn schema() -> RefOr<Schema> {
        names(convert::order_status_names())
    }
}

impl ToSchema for OrderStatusName {
    fn name() -> Cow<'static, str> {
        "OrderStatus".into()
    }
}

impl PartialSchema for TicketStateName {
    fn schema() -> RefOr<Schema> {
        names(convert::ticket_state_names())
    }
}

impl ToSchema for TicketStateName {
    fn name() -> Cow<'static, str> {
        "TicketState".into()
    }
}

fn names(names: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
}

/// An amount in minor units (cents for `usd`) of one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"amount_minor": 1250, "currency": "usd"}))]
pub(crate) struct MoneyView {
    pub(crate) amount_minor: i64,
    /// ISO 4217, in lower case.
    pub(crate) currency: String,
}

/// A line of an order; name and prices come once the stock service has priced it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineView {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) name: Option<String>,
    pub(crate) quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) unit_price: Option<MoneyView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) subtotal: Option<MoneyView>,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderView {
    #[schema(example = "ord_019a5c9b3f6b7d3e8a4b1c2d3e4f5a6b")]
    pub(crate) id: String,
    pub(crate) customer_id: String,
    #[schema(value_type = OrderStatusName)]
    pub(crate) status: &'static str,
    pub(crate) items: Vec<LineView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) total: Option<MoneyView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) payment_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) payment_expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) updated_at: Option<Timestamp>,
    /// Grows with each change.
    pub(crate) version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) email: Option<String>,
    /// Why the order ended as it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) refunded_total: Option<MoneyView>,
    /// The trace that the order was placed in, as tracing tools know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) trace_id: Option<String>,
}

/// An order that was just placed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlacedOrder {
    pub(crate) order: OrderView,
    /// The page that shows how the order goes on.
    #[schema(example = "http://localhost:8080/success.html?customer_id=2&order_id=ord_0")]
    pub(crate) redirect_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneOrder {
    pub(crate) order: OrderView,
}

/// A page of orders, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderPage {
    pub(crate) orders: Vec<OrderView>,
    /// Continues behind this page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_cursor: Option<String>,
}

/// One transition of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineEntryView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) at: Option<Timestamp>,
    /// Absent in the first entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderStatusName>, nullable = false)]
    pub(crate) from: Option<&'static str>,
    #[schema(value_type = OrderStatusName)]
    pub(crate) to: &'static str,
    pub(crate) cause: String,
    pub(crate) actor: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineView {
    pub(crate) entries: Vec<TimelineEntryView>,
}

/// An item of the menu.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemView {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) price: Option<MoneyView>,
    pub(crate) on_hand: u64,
    pub(crate) held: u64,
    pub(crate) available: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) stripe_price_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneItem {
    pub(crate) item: ItemView,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Menu {
    pub(crate) items: Vec<ItemView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketLineView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) quantity: u32,
}

/// What the kitchen cooks for one order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketView {
    #[schema(example = "tkt_019a5c9b3f6b7d3e8a4b1c2d3e4f5a6b")]
    pub(crate) id: String,
    pub(crate) order_id: String,
    #[schema(value_type = TicketStateName)]
    pub(crate) state: &'static str,
    pub(crate) items: Vec<TicketLineView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) queued_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) promised_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) ready_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) picked_up_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) reason: Option<String>,
    pub(crate) version: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneTicket {
    pub(crate) ticket: TicketView,
}

/// A page of tickets, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketPage {
    pub(crate) tickets: Vec<TicketView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_cursor: Option<String>,
}

/// A queue of the bus.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueView {
    pub(crate) queue: String,
    pub(crate) ready: u64,
    pub(crate) in_flight: u64,
    pub(crate) dead_letters: u64,
}

/// The mesh in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsView {
    /// Orders by status.
    #[schema(example = json!({"waiting_payment": 3, "completed": 41}))]
    pub(crate) orders: std::collections::BTreeMap<&'static str, u64>,
    /// Captured minus refunded, one entry per currency.
    pub(crate) revenue: Vec<MoneyView>,
    pub(crate) queues: Vec<QueueView>,
    /// Of all queues together.
    pub(crate) dead_letters: u64,
}
