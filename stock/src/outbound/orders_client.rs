//! Asks the orders service how an order stands.

use async_trait::async_trait;
use common::{Code, Fault, OrderId};
use contracts::{
    convert::required,
    orders::{self as proto, order_service_client::OrderServiceClient},
    status::to_fault,
};
use mesh::MeshChannel;

use crate::{domain::standing::Standing, ports::Orders};

/// The adapter over the mesh; the deadline is the calling task's.
#[derive(Clone, Debug)]
pub(crate) struct OrdersClient(OrderServiceClient<MeshChannel>);

impl OrdersClient {
    pub(crate) fn new(channel: MeshChannel) -> Self {
        Self(OrderServiceClient::new(channel))
    }
}

#[async_trait]
impl Orders for OrdersClient {
    async fn standing(&self, order: OrderId) -> Result<Standing, Fault> {
        let request = proto::GetOrderRequest { order_id: order.to_string(), customer_id: String::new() };
        match self.0.clone().get_order(request).await.map_err(|status| to_fault(&status)) {
            Ok(answer) => standing(&required(answer.into_inner().order, "order")?),
            Err(fault) if fault.code() == Code::OrderNotFound => Ok(Standing::Unknown),
            Err(fault) => Err(fault),
        }
    }
}

fn standing(order: &proto::Order) -> Result<Standing, Fault> {
    use proto::OrderStatus as Status;
    Ok(match order.status() {
        Status::Pending | Status::WaitingPayment => Standing::Open,
        Status::Paid | Status::Preparing | Status::Ready | Status::Completed => Standing::Bought,
        Status::Cancelled | Status::Expired => Standing::Off,
        Status::Refunding | Status::Refunded => Standing::Refunded { ticket_started: order.ticket_started },
        // A status of a later version: not ours to interpret.
        Status::Unspecified => return Err(Fault::internal(format!("unknown status of {}", order.id))),
    })
}
