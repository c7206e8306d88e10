//! `KitchenService`: gRPC calls to use cases.

use std::pin::Pin;

use common::Fault;
use contracts::kitchen::{self as proto, kitchen_service_server::KitchenService};
use futures::{Stream, StreamExt as _, stream};
use runtime::answer::status;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app::{Kitchen, watch_tickets::Board},
    domain::Verb,
    ports::Versioned,
};

/// The generated service over the use cases.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pub(crate) kitchen: Kitchen,
    pub(crate) board: Board,
    /// Ends the streams.
    pub(crate) shutdown: CancellationToken,
}

type Tickets = Pin<Box<dyn Stream<Item = Result<proto::WatchTicketsResponse, Status>> + Send>>;

impl Grpc {
    async fn advance(
        &self,
        ticket_id: &str,
        verb: Verb,
        reason: Option<String>,
    ) -> Result<Option<proto::Ticket>, Status> {
        let order = convert::order_of_ticket(ticket_id).map_err(status)?;
        let found = self.kitchen.advance(order, verb, reason).await.map_err(status)?;
        Ok(Some(convert::ticket(found)))
    }

    async fn list(&self, request: proto::ListTicketsRequest) -> Result<proto::ListTicketsResponse, Fault> {
        let cursor = Some(request.page_token).filter(|token| !token.is_empty());
        let (state, limit) = (convert::state(request.state)?, convert::limit(request.page_size)?);
        let page = self.kitchen.tickets.list(state, limit, cursor).await?.map(convert::ticket);
        Ok(proto::ListTicketsResponse {
            tickets: page.entries,
            next_page_token: page.next_cursor.unwrap_or_default(),
        })
    }

    async fn get(&self, ticket_id: &str) -> Result<Versioned, Fault> {
        let order = convert::order_of_ticket(ticket_id)?;
        let gone = || Fault::new(common::Code::TicketNotFound, "there is no such ticket");
        self.kitchen.tickets.load(order).await?.ok_or_else(gone)
    }

    async fn ensure(&self, request: proto::EnsureTicketRequest) -> Result<Versioned, Fault> {
        self.kitchen.ensure_ticket(convert::wanted(request)?, None).await
    }

    async fn cancel(&self, request: proto::CancelTicketRequest) -> Result<Versioned, Fault> {
        self.kitchen.cancel_ticket(request.order_id.parse()?, request.reason, None).await
    }
}

#[tonic::async_trait]
impl KitchenService for Grpc {
    async fn list_tickets(
        &self,
        request: Request<proto::ListTicketsRequest>,
    ) -> Result<Response<proto::ListTicketsResponse>, Status> {
        self.list(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn get_ticket(
        &self,
        request: Request<proto::GetTicketRequest>,
    ) -> Result<Response<proto::GetTicketResponse>, Status> {
        let found = self.get(&request.into_inner().ticket_id).await.map_err(status)?;
        Ok(Response::new(proto::GetTicketResponse { ticket: Some(convert::ticket(found)) }))
    }

    async fn ensure_ticket(
        &self,
        request: Request<proto::EnsureTicketRequest>,
    ) -> Result<Response<proto::EnsureTicketResponse>, Status> {
        let found = self.ensure(request.into_inner()).await.map_err(status)?;
        Ok(Response::new(proto::EnsureTicketResponse { ticket: Some(convert::ticket(found)) }))
    }

    async fn start_ticket(
        &self,
        request: Request<proto::StartTicketRequest>,
    ) -> Result<Response<proto::StartTicketResponse>, Status> {
        let ticket = self.advance(&request.into_inner().ticket_id, Verb::Start, None).await?;
        Ok(Response::new(proto::StartTicketResponse { ticket }))
    }

    async fn finish_ticket(
        &self,
        request: Request<proto::FinishTicketRequest>,
    ) -> Result<Response<proto::FinishTicketResponse>, Status> {
        let ticket = self.advance(&request.into_inner().ticket_id, Verb::Finish, None).await?;
        Ok(Response::new(proto::FinishTicketResponse { ticket }))
    }

    async fn pick_up_ticket(
        &self,
        request: Request<proto::PickUpTicketRequest>,
    ) -> Result<Response<proto::PickUpTicketResponse>, Status> {
        let ticket = self.advance(&request.into_inner().ticket_id, Verb::PickUp, None).await?;
        Ok(Response::new(proto::PickUpTicketResponse { ticket }))
    }

    async fn reject_ticket(
        &self,
        request: Request<proto::RejectTicketRequest>,
    ) -> Result<Response<proto::RejectTicketResponse>, Status> {
        let request = request.into_inner();
        let ticket = self.advance(&request.ticket_id, Verb::Reject, request.reason).await?;
        Ok(Response::new(proto::RejectTicketResponse { ticket }))
    }

    async fn cancel_ticket(
        &self,
        request: Request<proto::CancelTicketRequest>,
    ) -> Result<Response<proto::CancelTicketResponse>, Status> {
        let found = self.cancel(request.into_inner()).await.map_err(status)?;
        Ok(Response::new(proto::CancelTicketResponse { ticket: Some(convert::ticket(found)) }))
    }

    type WatchTicketsStream = Tickets;

    async fn watch_tickets(
        &self,
        _: Request<proto::WatchTicketsRequest>,
    ) -> Result<Response<Self::WatchTicketsStream>, Status> {
        // Subscribed before the board is read, so that no change falls between the two.
        let changes = self.board.subscribe();
        let open = self.kitchen.open_tickets().await.map_err(status)?;
        let now = stream::iter(open.into_iter().map(Ok));
        let tickets = now.chain(following(self.kitchen.clone(), changes));
        let answers = tickets.map(|found| match found {
            Ok(found) => Ok(proto::WatchTicketsResponse { ticket: Some(convert::ticket(found)) }),
            Err(fault) => Err(status(fault)),
        });
        let shutdown = self.shutdown.clone();
        Ok(Response::new(Box::pin(answers.take_until(shutdown.cancelled_owned()))))
    }
}

/// Each change; the whole board again for a watcher that lagged too far behind.
fn following(kitchen: Kitchen, changes: Receiver<Versioned>) -> impl Stream<Item = Result<Versioned, Fault>> {
    stream::unfold((kitchen, changes), |(kitchen, mut changes)| async move {
        let next = match changes.recv().await {
            Ok(change) => vec![Ok(change)],
            Err(RecvError::Closed) => return None,
            Err(RecvError::Lagged(_)) => match kitchen.open_tickets().await {
                Ok(open) => open.into_iter().map(Ok).collect(),
                Err(fault) => vec![Err(fault)],
            },
        };
        Some((stream::iter(next), (kitchen, changes)))
    })
    .flatten()
}
