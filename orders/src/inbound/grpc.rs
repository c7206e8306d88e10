//! `OrderService`: gRPC calls to use cases.

use std::{pin::Pin, sync::Arc};

use common::Fault;
use contracts::orders::{self as proto, order_service_server::OrderService};
use futures::{Stream, stream};
use runtime::answer::status;
use tonic::{Request, Response, Status};

use super::convert;
use crate::app::{App, OrderWatch};

/// The generated service over the use cases.
#[derive(Clone, Debug)]
pub struct Grpc(pub Arc<App>);

type Orders = Pin<Box<dyn Stream<Item = Result<proto::WatchOrderResponse, Status>> + Send>>;

impl Grpc {
    async fn create(&self, request: proto::CreateOrderRequest) -> Result<proto::CreateOrderResponse, Fault> {
        let asked = convert::asked(&request.lines);
        let (draft, key) = convert::draft(request)?;
        convert::placed(self.0.place_order(draft, key).await?, &asked)
    }

    async fn get(&self, request: proto::GetOrderRequest) -> Result<proto::GetOrderResponse, Fault> {
        let customer = convert::customer(&request.customer_id)?;
        let order = self.0.get_order(request.order_id.parse()?, customer.as_ref()).await?;
        Ok(proto::GetOrderResponse { order: Some(convert::order(&order)?) })
    }

    async fn list(&self, request: proto::ListOrdersRequest) -> Result<proto::ListOrdersResponse, Fault> {
        let (filter, limit) = (convert::filter(&request)?, convert::limit(request.page_size)?);
        let page = self.0.list_orders(&filter, limit, convert::cursor(request.page_token)).await?;
        let orders = page.entries.iter().map(convert::order).collect::<Result<_, _>>()?;
        Ok(proto::ListOrdersResponse { orders, next_page_token: page.next_cursor.unwrap_or_default() })
    }

    async fn cancel(&self, request: proto::CancelOrderRequest) -> Result<proto::CancelOrderResponse, Fault> {
        let customer = convert::customer(&request.customer_id)?;
        let reason = convert::reason(request.reason);
        let id = request.order_id.parse()?;
        let order = self.0.cancel_order(id, customer.as_ref(), reason.as_deref()).await?;
        Ok(proto::CancelOrderResponse { order: Some(convert::order(&order)?) })
    }

    async fn refund(&self, request: proto::RefundOrderRequest) -> Result<proto::RefundOrderResponse, Fault> {
        let (id, ask) = convert::refund(request)?;
        convert::refunded(&self.0.refund_order(id, ask).await?)
    }

    async fn timeline(
        &self,
        request: proto::GetTimelineRequest,
    ) -> Result<proto::GetTimelineResponse, Fault> {
        let customer = convert::customer(&request.customer_id)?;
        let id = request.order_id.parse()?;
        Ok(convert::timeline(self.0.get_timeline(id, customer.as_ref()).await?))
    }

    async fn dead_letters(
        &self,
        request: proto::ListDeadLettersRequest,
    ) -> Result<proto::ListDeadLettersResponse, Fault> {
        let limit = convert::limit(request.page_size)?;
        let letters = self.0.list_dead_letters(&request.queue, limit).await?;
        let dead_letters = letters.into_iter().map(convert::dead_letter).collect();
        Ok(proto::ListDeadLettersResponse { dead_letters })
    }

    async fn dead_letter(
        &self,
        request: proto::GetDeadLetterRequest,
    ) -> Result<proto::GetDeadLetterResponse, Fault> {
        let letter = self.0.get_dead_letter(&request.queue, &request.id).await?;
        Ok(proto::GetDeadLetterResponse { dead_letter: Some(convert::dead_letter(letter)) })
    }

    async fn watch(&self, request: proto::WatchOrderRequest) -> Result<OrderWatch, Fault> {
        let customer = convert::customer(&request.customer_id)?;
        self.0.watch_order(request.order_id.parse()?, customer.as_ref(), request.seen_version).await
    }
}

#[tonic::async_trait]
impl OrderService for Grpc {
    async fn create_order(
        &self,
        request: Request<proto::CreateOrderRequest>,
    ) -> Result<Response<proto::CreateOrderResponse>, Status> {
        self.create(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn get_order(
        &self,
        request: Request<proto::GetOrderRequest>,
    ) -> Result<Response<proto::GetOrderResponse>, Status> {
        self.get(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn list_orders(
        &self,
        request: Request<proto::ListOrdersRequest>,
    ) -> Result<Response<proto::ListOrdersResponse>, Status> {
        self.list(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn cancel_order(
        &self,
        request: Request<proto::CancelOrderRequest>,
    ) -> Result<Response<proto::CancelOrderResponse>, Status> {
        self.cancel(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn refund_order(
        &self,
        request: Request<proto::RefundOrderRequest>,
    ) -> Result<Response<proto::RefundOrderResponse>, Status> {
        self.refund(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn get_timeline(
        &self,
        request: Request<proto::GetTimelineRequest>,
    ) -> Result<Response<proto::GetTimelineResponse>, Status> {
        self.timeline(request.into_inner()).await.map(Response::new).map_err(status)
    }

    type WatchOrderStream = Orders;

    async fn watch_order(
        &self,
        request: Request<proto::WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let watch = self.watch(request.into_inner()).await.map_err(status)?;
        let orders = stream::unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            let answer = convert::order(&next).map_err(status);
            Some((answer.map(|order| proto::WatchOrderResponse { order: Some(order) }), watch))
        });
        Ok(Response::new(Box::pin(orders)))
    }

    async fn get_stats(
        &self,
        _: Request<proto::GetStatsRequest>,
    ) -> Result<Response<proto::GetStatsResponse>, Status> {
        let stats = self.0.get_stats().await.map_err(status)?;
        Ok(Response::new(convert::stats(stats)))
    }

    async fn list_dead_letters(
        &self,
        request: Request<proto::ListDeadLettersRequest>,
    ) -> Result<Response<proto::ListDeadLettersResponse>, Status> {
        self.dead_letters(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn get_dead_letter(
        &self,
        request: Request<proto::GetDeadLetterRequest>,
    ) -> Result<Response<proto::GetDeadLetterResponse>, Status> {
        self.dead_letter(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn replay_dead_letter(
        &self,
        request: Request<proto::ReplayDeadLetterRequest>,
    ) -> Result<Response<proto::ReplayDeadLetterResponse>, Status> {
        let proto::ReplayDeadLetterRequest { queue, id } = request.into_inner();
        let found = self.0.replay_dead_letter(&queue, &id).await.map_err(status)?;
        Ok(Response::new(proto::ReplayDeadLetterResponse { found }))
    }

    async fn purge_dead_letter(
        &self,
        request: Request<proto::PurgeDeadLetterRequest>,
    ) -> Result<Response<proto::PurgeDeadLetterResponse>, Status> {
        let proto::PurgeDeadLetterRequest { queue, id } = request.into_inner();
        let found = self.0.purge_dead_letter(&queue, &id).await.map_err(status)?;
        Ok(Response::new(proto::PurgeDeadLetterResponse { found }))
    }
}
