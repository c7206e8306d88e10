//! `PaymentService`: gRPC calls to use cases. What calls the provider runs in a supervised task.

use common::{Fault, OrderId};
use contracts::payments::{self as proto, payment_service_server::PaymentService};
use runtime::answer::status;
use tonic::{Request, Response, Status};

use super::{convert, inbox_worker::Waker, supervised::Supervisor, turns::Turns};
use crate::app::{Cashier, Intake};

/// The generated service over the use cases.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pub(crate) cashier: Cashier,
    pub(crate) intake: Intake,
    pub(crate) waker: Waker,
    pub(crate) supervisor: Supervisor,
    pub(crate) turns: Turns,
}

impl Grpc {
    async fn create(&self, request: proto::CreateCheckoutRequest) -> Result<proto::Payment, Fault> {
        let order = convert::checkout_order(request)?;
        let turn = self.supervisor.wait("another creation", self.turns.take(order.order_id)).await?;
        let cashier = self.cashier.clone();
        let work = async move {
            let created = cashier.create_checkout(order).await;
            drop(turn);
            created
        };
        convert::payment(&self.supervisor.run("payments.create_checkout", work).await?)
    }

    async fn get(&self, order_id: &str) -> Result<proto::Payment, Fault> {
        convert::payment(&self.cashier.get_payment(order_id.parse()?).await?)
    }

    async fn expire(&self, order_id: &str) -> Result<proto::Payment, Fault> {
        let (order, cashier): (OrderId, _) = (order_id.parse()?, self.cashier.clone());
        let work = async move { cashier.expire_checkout(order).await };
        convert::payment(&self.supervisor.run("payments.expire_checkout", work).await?)
    }

    async fn pay_back(&self, request: proto::RefundRequest) -> Result<proto::RefundResponse, Fault> {
        let order: OrderId = request.order_id.parse()?;
        let request = convert::refund_request(request)?;
        let (id, cashier) = (request.id, self.cashier.clone());
        let work = async move { cashier.refund(order, &request).await };
        let kept = self.supervisor.run("payments.refund", work).await?;
        let refund = kept.value.refunds.iter().find(|refund| refund.id == Some(id)).map(convert::refund);
        Ok(proto::RefundResponse { refund, payment: Some(convert::payment(&kept)?) })
    }

    async fn take(&self, request: &proto::HandleWebhookRequest) -> Result<(), Fault> {
        let taken = self.intake.take_webhook(&request.provider, &request.headers, &request.body).await?;
        taken.into_iter().for_each(|entry| self.waker.wake(entry));
        Ok(())
    }
}

#[tonic::async_trait]
impl PaymentService for Grpc {
    async fn create_checkout(
        &self,
        request: Request<proto::CreateCheckoutRequest>,
    ) -> Result<Response<proto::CreateCheckoutResponse>, Status> {
        let payment = Some(self.create(request.into_inner()).await.map_err(status)?);
        Ok(Response::new(proto::CreateCheckoutResponse { payment }))
    }

    async fn get_payment(
        &self,
        request: Request<proto::GetPaymentRequest>,
    ) -> Result<Response<proto::GetPaymentResponse>, Status> {
        let payment = Some(self.get(&request.into_inner().order_id).await.map_err(status)?);
        Ok(Response::new(proto::GetPaymentResponse { payment }))
    }

    async fn expire_checkout(
        &self,
        request: Request<proto::ExpireCheckoutRequest>,
    ) -> Result<Response<proto::ExpireCheckoutResponse>, Status> {
        let payment = Some(self.expire(&request.into_inner().order_id).await.map_err(status)?);
        Ok(Response::new(proto::ExpireCheckoutResponse { payment }))
    }

    async fn refund(
        &self,
        request: Request<proto::RefundRequest>,
    ) -> Result<Response<proto::RefundResponse>, Status> {
        self.pay_back(request.into_inner()).await.map(Response::new).map_err(status)
    }

    async fn handle_webhook(
        &self,
        request: Request<proto::HandleWebhookRequest>,
    ) -> Result<Response<proto::HandleWebhookResponse>, Status> {
        self.take(request.get_ref()).await.map_err(status)?;
        Ok(Response::new(proto::HandleWebhookResponse {}))
    }
}
