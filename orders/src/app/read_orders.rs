//! Read orders: one, a page of them, a timeline.

use common::{CustomerId, Fault, Limit, OrderId, Page};

use super::App;
use crate::{
    domain::{Entry, Order},
    ports::{Filter, Stored},
};

impl App {
    /// One order; another customer's is `order_not_found` like one that is not there.
    pub async fn get_order(
        &self,
        id: OrderId,
        customer: Option<&CustomerId>,
    ) -> Result<Stored<Order>, Fault> {
        self.find(id, customer).await
    }

    /// A page of orders, newest first. Faults: `invalid_parameter` for a cursor that is not ours, `unavailable`.
    pub async fn list_orders(
        &self,
        filter: &Filter,
        limit: Limit,
        cursor: Option<String>,
    ) -> Result<Page<Stored<Order>>, Fault> {
        self.parts.orders.list(filter, limit, cursor).await
    }

    /// The audit trail of one order.
    pub async fn get_timeline(
        &self,
        id: OrderId,
        customer: Option<&CustomerId>,
    ) -> Result<Vec<Entry>, Fault> {
        Ok(self.find(id, customer).await?.body.timeline)
    }
}
