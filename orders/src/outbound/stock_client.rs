//! The stock service over the mesh.

use async_trait::async_trait;
use common::{Code, Fault, ItemId, OrderId, Timestamp};
use contracts::{
    convert::{required, timestamp},
    status::to_fault,
    stock::{self as proto, stock_service_client::StockServiceClient},
};
use mesh::MeshChannel;
use serde::de::DeserializeOwned;

use crate::{
    domain::{Line, Order, Price},
    ports::{Reservation, Stock},
};

/// Calls stock; the deadline and the trace are those of the present call.
#[derive(Clone, Debug)]
pub struct StockClient(StockServiceClient<MeshChannel>);

impl StockClient {
    #[must_use]
    pub fn new(channel: MeshChannel) -> Self {
        Self(StockServiceClient::new(channel))
    }
}

#[async_trait]
impl Stock for StockClient {
    async fn reserve(&self, order: &Order, hold_until: Timestamp) -> Result<Reservation, Fault> {
        let wanted = |line: &Line| proto::Line { item_id: line.item_id.to_string(), quantity: line.quantity };
        let request = proto::ReserveRequest {
            order_id: order.id.to_string(),
            lines: order.lines.iter().map(wanted).collect(),
            expires_at: Some(timestamp(hold_until)),
        };
        match self.0.clone().reserve(request).await {
            Ok(response) => {
                let reservation = required(response.into_inner().reservation, "reservation")?;
                let lines = reservation.lines.into_iter().map(line).collect::<Result<_, _>>()?;
                Ok(Reservation::Held(lines))
            }
            Err(status) => refused(to_fault(&status)),
        }
    }

    async fn release(&self, id: OrderId, ticket_started: bool) -> Result<(), Fault> {
        let request = proto::ReleaseRequest { order_id: id.to_string(), ticket_started };
        self.0.clone().release(request).await.map(drop).map_err(|status| to_fault(&status))
    }
}

/// The definite answers among the faults.
fn refused(fault: Fault) -> Result<Reservation, Fault> {
    match fault.code() {
        Code::InsufficientStock => Ok(Reservation::Short(metadata(&fault, "lines")?)),
        Code::ItemNotFound => Ok(Reservation::Unknown(metadata::<Vec<ItemId>>(&fault, "items")?)),
        Code::AlreadyClosed => Ok(Reservation::Closed),
        Code::InvalidRequest => Ok(Reservation::Refused(fault.public().to_owned())),
        _ => Err(fault),
    }
}

fn metadata<T: DeserializeOwned>(fault: &Fault, key: &str) -> Result<T, Fault> {
    let text = fault.metadata().get(key).map_or("[]", String::as_str);
    serde_json::from_str(text).map_err(|error| Fault::internal(format!("{key} of {fault}: {error}")))
}

fn line(line: proto::ReservedLine) -> Result<Line, Fault> {
    let price = Price {
        name: line.name,
        unit: required(line.unit_price, "unit_price")?.try_into()?,
        stripe_price_id: line.stripe_price_id,
    };
    Ok(Line { item_id: line.item_id.parse()?, quantity: line.quantity, price: Some(price) })
}
