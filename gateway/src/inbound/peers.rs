//! The clients of the four services, all over the mesh, and the one place where their statuses become faults.

use common::Fault;
use contracts::{
    kitchen::kitchen_service_client::KitchenServiceClient, orders::order_service_client::OrderServiceClient,
    payments::payment_service_client::PaymentServiceClient, service, status::to_fault,
    stock::stock_service_client::StockServiceClient,
};
use mesh::{Mesh, MeshChannel};
use tonic::{Response, Status};

/// Largest answer of a peer: a menu of many thousand items.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// A client per service; each shares its service's channel.
#[derive(Debug)]
pub(crate) struct Peers {
    orders: OrderServiceClient<MeshChannel>,
    payments: PaymentServiceClient<MeshChannel>,
    stock: StockServiceClient<MeshChannel>,
    kitchen: KitchenServiceClient<MeshChannel>,
}

impl Peers {
    pub(crate) fn new(mesh: &Mesh) -> Self {
        Self {
            orders: OrderServiceClient::new(mesh.channel(service::ORDERS))
                .max_decoding_message_size(ANSWER_MAX),
            payments: PaymentServiceClient::new(mesh.channel(service::PAYMENTS))
                .max_decoding_message_size(ANSWER_MAX),
            stock: StockServiceClient::new(mesh.channel(service::STOCK))
                .max_decoding_message_size(ANSWER_MAX),
            kitchen: KitchenServiceClient::new(mesh.channel(service::KITCHEN))
                .max_decoding_message_size(ANSWER_MAX),
        }
    }

    pub(crate) fn orders(&self) -> OrderServiceClient<MeshChannel> {
        self.orders.clone()
    }

    pub(crate) fn payments(&self) -> PaymentServiceClient<MeshChannel> {
        self.payments.clone()
    }

    pub(crate) fn stock(&self) -> StockServiceClient<MeshChannel> {
        self.stock.clone()
    }

    pub(crate) fn kitchen(&self) -> KitchenServiceClient<MeshChannel> {
        self.kitchen.clone()
    }
}

/// The answer of a call, or the fault that its status stands for.
pub(crate) async fn answer<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Fault> {
    call.await.map(Response::into_inner).map_err(|status| to_fault(&status))
}

/// What every answer of ours brings although protobuf cannot say so.
pub(crate) fn present<T>(value: Option<T>, what: &'static str) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::internal(format!("a peer answered without {what}")))
}
