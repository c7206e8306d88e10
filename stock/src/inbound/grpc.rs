//! `StockService`: gRPC calls to use cases.

use common::Fault;
use contracts::{
    convert::{moment, required},
    stock::{self as proto, stock_service_server::StockService},
};
use runtime::answer::status;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{app::Stock, domain::reservation::Reservation};

/// The generated service over the use cases.
#[derive(Clone, Debug)]
pub(crate) struct Grpc(pub(crate) Stock);

impl Grpc {
    async fn reserved(&self, request: proto::ReserveRequest) -> Result<Reservation, Fault> {
        let expires_at = moment(required(request.expires_at, "expires_at")?)?;
        let lines = convert::wanted(request.lines)?;
        self.0.reserve(request.order_id.parse()?, lines, expires_at).await
    }

    async fn committed(&self, request: proto::CommitRequest) -> Result<Reservation, Fault> {
        self.0.commit(request.order_id.parse()?).await
    }

    async fn released(&self, request: proto::ReleaseRequest) -> Result<Reservation, Fault> {
        self.0.release(request.order_id.parse()?, request.ticket_started).await
    }

    async fn put(&self, request: proto::PutItemRequest) -> Result<proto::PutItemResponse, Fault> {
        let placed = self.0.put_item(convert::put_item(request)?).await?;
        let item = Some(convert::answered(&placed.item));
        Ok(proto::PutItemResponse { item, created: placed.created })
    }

    async fn restocked(&self, request: proto::RestockRequest) -> Result<proto::RestockResponse, Fault> {
        let restocked = self.0.restock(convert::restock(&request)?).await?;
        let item = Some(convert::answered(&restocked.item));
        Ok(proto::RestockResponse { item, replayed: restocked.replayed })
    }

    async fn checked(&self, request: proto::CheckItemsRequest) -> Result<proto::CheckItemsResponse, Fault> {
        let lines = self.0.check(convert::wanted(request.lines)?).await?;
        Ok(proto::CheckItemsResponse { lines: lines.iter().map(convert::availability).collect() })
    }
}

#[tonic::async_trait]
impl StockService for Grpc {
    async fn list_items(
        &self,
        _: Request<proto::ListItemsRequest>,
    ) -> Result<Response<proto::ListItemsResponse>, Status> {
        let items = self.0.items().await.map_err(status)?;
        let items = items.iter().map(convert::found).collect();
        Ok(Response::new(proto::ListItemsResponse { items }))
    }

    async fn get_items(
        &self,
        request: Request<proto::GetItemsRequest>,
    ) -> Result<Response<proto::GetItemsResponse>, Status> {
        let ids = convert::item_ids(&request.into_inner().item_ids);
        let items = self.0.items_among(&ids).await.map_err(status)?;
        let items = items.iter().map(convert::found).collect();
        Ok(Response::new(proto::GetItemsResponse { items }))
    }

    async fn check_items(
        &self,
        request: Request<proto::CheckItemsRequest>,
    ) -> Result<Response<proto::CheckItemsResponse>, Status> {
        self.checked(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn reserve(
        &self,
        request: Request<proto::ReserveRequest>,
    ) -> Result<Response<proto::ReserveResponse>, Status> {
        let reservation = self.reserved(request.into_inner()).await.map_err(status)?;
        let reservation = Some(convert::reservation(reservation));
        Ok(Response::new(proto::ReserveResponse { reservation }))
    }

    async fn commit(
        &self,
        request: Request<proto::CommitRequest>,
    ) -> Result<Response<proto::CommitResponse>, Status> {
        let reservation = self.committed(request.into_inner()).await.map_err(status)?;
        let reservation = Some(convert::reservation(reservation));
        Ok(Response::new(proto::CommitResponse { reservation }))
    }

    async fn release(
        &self,
        request: Request<proto::ReleaseRequest>,
    ) -> Result<Response<proto::ReleaseResponse>, Status> {
        let reservation = self.released(request.into_inner()).await.map_err(status)?;
        let reservation = Some(convert::reservation(reservation));
        Ok(Response::new(proto::ReleaseResponse { reservation }))
    }

    async fn put_item(
        &self,
        request: Request<proto::PutItemRequest>,
    ) -> Result<Response<proto::PutItemResponse>, Status> {
        self.put(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn restock(
        &self,
        request: Request<proto::RestockRequest>,
    ) -> Result<Response<proto::RestockResponse>, Status> {
        self.restocked(request.into_inner()).await.map(Response::new).map_err(status)
    }
}
