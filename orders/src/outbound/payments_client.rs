//! The payments service over the mesh.

use async_trait::async_trait;
use common::{Code, Fault, Money, OrderId};
use contracts::{
    convert::{moment, required},
    payments::{self as proto, payment_service_client::PaymentServiceClient},
    status::to_fault,
};
use mesh::MeshChannel;

use crate::{
    domain::{Checkout, Fact, Line, Order, PaymentState, Refund, Returned},
    ports::{CheckoutAnswer, PaymentView, Payments},
};

/// Calls payments; the deadline and the trace are those of the present call.
#[derive(Clone, Debug)]
pub struct PaymentsClient(PaymentServiceClient<MeshChannel>);

impl PaymentsClient {
    #[must_use]
    pub fn new(channel: MeshChannel) -> Self {
        Self(PaymentServiceClient::new(channel))
    }
}

#[async_trait]
impl Payments for PaymentsClient {
    async fn create_checkout(&self, order: &Order) -> Result<CheckoutAnswer, Fault> {
        let request = proto::CreateCheckoutRequest {
            order_id: order.id.to_string(),
            customer_id: order.customer_id.to_string(),
            email: order.email.clone(),
            lines: order.lines.iter().filter_map(line).collect(),
            total: order.total.map(Into::into),
        };
        match self.0.clone().create_checkout(request).await {
            Ok(response) => checkout(response.into_inner().payment),
            Err(status) => refused(to_fault(&status)),
        }
    }

    async fn payment(&self, id: OrderId) -> Result<PaymentView, Fault> {
        let request = proto::GetPaymentRequest { order_id: id.to_string() };
        let answer = self.0.clone().get_payment(request).await.map_err(|status| to_fault(&status))?;
        view(answer.into_inner().payment)
    }

    async fn expire_checkout(&self, id: OrderId) -> Result<PaymentView, Fault> {
        let request = proto::ExpireCheckoutRequest { order_id: id.to_string() };
        let answer = self.0.clone().expire_checkout(request).await.map_err(|status| to_fault(&status))?;
        view(answer.into_inner().payment)
    }

    async fn refund(&self, id: OrderId, refund: &Refund) -> Result<Vec<Fact>, Fault> {
        let request = proto::RefundRequest {
            order_id: id.to_string(),
            refund_id: refund.id.to_string(),
            amount: refund.amount.map(Into::into),
            attempt: refund.attempt,
            reason: refund.reason.clone(),
        };
        let answer = self.0.clone().refund(request).await.map_err(|status| to_fault(&status))?.into_inner();
        let own = answer.refund.map(report).transpose()?.flatten();
        Ok(captured(answer.payment)?.into_iter().chain(own).collect())
    }
}

fn line(line: &Line) -> Option<proto::CheckoutLine> {
    let price = line.price.as_ref()?;
    Some(proto::CheckoutLine {
        item_id: line.item_id.to_string(),
        name: price.name.clone(),
        quantity: line.quantity,
        unit_price: Some(price.unit.into()),
        stripe_price_id: price.stripe_price_id.clone(),
    })
}

/// An answer without a link is none: the provider's reply is still on its way.
fn checkout(payment: Option<proto::Payment>) -> Result<CheckoutAnswer, Fault> {
    let payment = required(payment, "payment")?;
    let (Some(link), Some(expires_at)) = (payment.link, payment.expires_at) else {
        return Err(Fault::unavailable("payments has no link yet"));
    };
    Ok(CheckoutAnswer::Open(Checkout { link, expires_at: moment(expires_at)? }))
}

/// The definite answers among the faults.
fn refused(fault: Fault) -> Result<CheckoutAnswer, Fault> {
    match fault.code() {
        Code::PaymentRejected => Ok(CheckoutAnswer::Rejected),
        Code::AlreadyClosed => Ok(CheckoutAnswer::Closed),
        _ => Err(fault),
    }
}

fn view(payment: Option<proto::Payment>) -> Result<PaymentView, Fault> {
    let payment = required(payment, "payment")?;
    let reports = payment.refunds.iter().cloned().map(report).collect::<Result<Vec<_>, _>>()?;
    Ok(PaymentView {
        state: state(payment.state()),
        captured: payment.captured.map(Money::try_from).transpose()?,
        refunds: reports.into_iter().flatten().collect(),
    })
}

const fn state(state: proto::PaymentState) -> PaymentState {
    use proto::PaymentState as P;
    match state {
        P::Unspecified | P::Created => PaymentState::Unknown,
        P::Open => PaymentState::Open,
        P::Processing => PaymentState::Processing,
        P::Succeeded => PaymentState::Succeeded,
        P::Failed => PaymentState::Failed,
        P::Expired => PaymentState::Expired,
    }
}

fn captured(payment: Option<proto::Payment>) -> Result<Option<Fact>, Fault> {
    let captured = payment.and_then(|payment| payment.captured).map(Money::try_from).transpose()?;
    Ok(captured.map(|money| Fact::Payment { state: PaymentState::Succeeded, captured: Some(money) }))
}

/// What is certain about a refund; nothing while it is under way.
fn report(refund: proto::Refund) -> Result<Option<Fact>, Fault> {
    Ok(match refund.state() {
        proto::RefundState::Unspecified | proto::RefundState::Pending => None,
        proto::RefundState::Succeeded => {
            let amount = required(refund.amount, "amount")?.try_into()?;
            Some(Fact::Returned(Returned { key: refund.id, amount }))
        }
        // One that was made at the provider has an id of its own; whether it failed is no business of ours.
        proto::RefundState::Failed => {
            refund.id.parse().ok().map(|refund_id| Fact::RefundFailed { refund_id, attempt: refund.attempt })
        }
    })
}
