//! What a stream of events is read from: one order, or the kitchen.

use std::collections::HashMap;

use async_trait::async_trait;
use common::{CustomerId, Fault, OrderId};
use contracts::{
    kitchen::{
        TicketState, WatchTicketsRequest, WatchTicketsResponse, kitchen_service_client::KitchenServiceClient,
    },
    orders::{
        GetOrderRequest, OrderStatus, WatchOrderRequest, WatchOrderResponse,
        order_service_client::OrderServiceClient,
    },
};
use mesh::MeshChannel;
use serde::Serialize;
use tonic::Streaming;

use super::mailbox::Update;
use crate::inbound::{
    peers::answer,
    views::{OrderView, TicketView},
};

/// What opening for the first time found.
pub(crate) enum Opened<M> {
    Stream(Box<Streaming<M>>),
    /// The reader has seen an end state: nothing more will come.
    NothingMore,
}

/// An upstream that can be opened again where it broke.
#[async_trait]
pub(crate) trait Source: Send + 'static {
    type Message: Send + 'static;

    /// Opens it behind what was seen so far.
    async fn open(&mut self) -> Result<Streaming<Self::Message>, Fault>;

    /// Opens it for a reader who may have been here before.
    async fn first(&mut self) -> Result<Opened<Self::Message>, Fault> {
        Ok(Opened::Stream(Box::new(self.open().await?)))
    }

    /// The update that a message stands for, and remembers that it was seen.
    fn update(&mut self, message: Self::Message) -> Option<Update>;

    /// Whether an upstream that ended now has really come to its end.
    fn is_over(&self) -> bool;
}

/// One order.
#[derive(Debug)]
pub(crate) struct OrderSource {
    client: OrderServiceClient<MeshChannel>,
    customer_id: String,
    order_id: String,
    seen_version: u64,
    status: OrderStatus,
}

pub(crate) fn order_source(
    client: OrderServiceClient<MeshChannel>,
    customer: &CustomerId,
    order: OrderId,
    seen_version: u64,
) -> OrderSource {
    OrderSource {
        client,
        customer_id: customer.to_string(),
        order_id: order.to_string(),
        seen_version,
        status: OrderStatus::Unspecified,
    }
}

/// Orders in these states usually stay there, and their stream may end.
fn is_end(status: OrderStatus) -> bool {
    use OrderStatus::{Cancelled, Completed, Expired, Refunded};
    matches!(status, Completed | Cancelled | Expired | Refunded)
}

#[async_trait]
impl Source for OrderSource {
    type Message = WatchOrderResponse;

    async fn open(&mut self) -> Result<Streaming<WatchOrderResponse>, Fault> {
        let request = WatchOrderRequest {
            order_id: self.order_id.clone(),
            customer_id: self.customer_id.clone(),
            seen_version: self.seen_version,
        };
        answer(self.client.watch_order(request)).await
    }

    /// A browser reconnects for as long as it is answered with a stream; only this tells it to stop.
    async fn first(&mut self) -> Result<Opened<WatchOrderResponse>, Fault> {
        if self.seen_version > 0 {
            let request =
                GetOrderRequest { order_id: self.order_id.clone(), customer_id: self.customer_id.clone() };
            let order = answer(self.client.get_order(request)).await?.order.unwrap_or_default();
            if is_end(order.status()) && order.version == self.seen_version {
                return Ok(Opened::NothingMore);
            }
            if order.version < self.seen_version {
                // Not a version that we ever told: show the present state.
                self.seen_version = 0;
            }
        }
        Ok(Opened::Stream(Box::new(self.open().await?)))
    }

    fn update(&mut self, message: WatchOrderResponse) -> Option<Update> {
        let order = message.order?;
        self.status = order.status();
        if order.version <= self.seen_version {
            return None;
        }
        self.seen_version = order.version;
        update(order.id.clone(), "order", order.version, &OrderView::from(order))
    }

    fn is_over(&self) -> bool {
        is_end(self.status)
    }
}

/// The kitchen: every ticket, those under way first.
#[derive(Debug)]
pub(crate) struct TicketSource {
    client: KitchenServiceClient<MeshChannel>,
    /// Versions told of the tickets that are under way, so that a repeat or a stream opened again tells news only.
    told: HashMap<String, u64>,
}

pub(crate) fn ticket_source(client: KitchenServiceClient<MeshChannel>) -> TicketSource {
    TicketSource { client, told: HashMap::new() }
}

fn is_under_way(state: TicketState) -> bool {
    use TicketState::{Preparing, Queued, Ready};
    matches!(state, Queued | Preparing | Ready)
}

#[async_trait]
impl Source for TicketSource {
    type Message = WatchTicketsResponse;

    async fn open(&mut self) -> Result<Streaming<WatchTicketsResponse>, Fault> {
        answer(self.client.watch_tickets(WatchTicketsRequest {})).await
    }

    fn update(&mut self, message: WatchTicketsResponse) -> Option<Update> {
        let ticket = message.ticket?;
        if self.told.get(&ticket.id).is_some_and(|told| ticket.version <= *told) {
            return None;
        }
        if is_under_way(ticket.state()) {
            self.told.insert(ticket.id.clone(), ticket.version);
        } else {
            self.told.remove(&ticket.id);
        }
        update(ticket.id.clone(), "ticket", ticket.version, &TicketView::from(ticket))
    }

    fn is_over(&self) -> bool {
        false
    }
}

fn update(key: String, event: &'static str, version: u64, view: &impl Serialize) -> Option<Update> {
    let json = serde_json::to_string(view).ok()?;
    Some(Update { key, event, version, json })
}
