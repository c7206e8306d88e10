//! The kitchen service over the mesh.

use async_trait::async_trait;
use common::{Code, Fault, OrderId};
use contracts::{
    convert::required,
    kitchen::{self as proto, kitchen_service_client::KitchenServiceClient},
    status::to_fault,
};
use mesh::MeshChannel;

use crate::{
    domain::{Line, Order, TicketState},
    ports::{Kitchen, TicketView},
};

/// Calls the kitchen; the deadline and the trace are those of the present call.
#[derive(Clone, Debug)]
pub struct KitchenClient(KitchenServiceClient<MeshChannel>);

impl KitchenClient {
    #[must_use]
    pub fn new(channel: MeshChannel) -> Self {
        Self(KitchenServiceClient::new(channel))
    }
}

#[async_trait]
impl Kitchen for KitchenClient {
    async fn ensure_ticket(&self, order: &Order) -> Result<TicketView, Fault> {
        let request = proto::EnsureTicketRequest {
            order_id: order.id.to_string(),
            lines: order.lines.iter().map(line).collect(),
            note: order.note.clone(),
        };
        match self.0.clone().ensure_ticket(request).await {
            Ok(response) => view(response.into_inner().ticket),
            Err(status) => match to_fault(&status) {
                fault if fault.code() == Code::AlreadyClosed => {
                    Ok(TicketView { state: TicketState::Cancelled, started: false })
                }
                fault => Err(fault),
            },
        }
    }

    async fn cancel_ticket(&self, id: OrderId, reason: Option<&str>) -> Result<TicketView, Fault> {
        let request =
            proto::CancelTicketRequest { order_id: id.to_string(), reason: reason.map(str::to_owned) };
        let answer = self.0.clone().cancel_ticket(request).await.map_err(|status| to_fault(&status))?;
        view(answer.into_inner().ticket)
    }
}

fn line(line: &Line) -> proto::TicketLine {
    let name = line.price.as_ref().map_or_else(|| line.item_id.to_string(), |price| price.name.clone());
    proto::TicketLine { item_id: line.item_id.to_string(), name, quantity: line.quantity }
}

fn view(ticket: Option<proto::Ticket>) -> Result<TicketView, Fault> {
    use proto::TicketState as P;
    let ticket = required(ticket, "ticket")?;
    let state = match ticket.state() {
        P::Unspecified => return Err(Fault::internal("the kitchen reports a state that is not known here")),
        P::Queued => TicketState::Queued,
        P::Preparing => TicketState::Preparing,
        P::Ready => TicketState::Ready,
        P::PickedUp => TicketState::PickedUp,
        P::Rejected => TicketState::Rejected,
        P::Cancelled => TicketState::Cancelled,
    };
    Ok(TicketView { state, started: ticket.started_at.is_some() })
}
