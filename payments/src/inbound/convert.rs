//! Payments and their parts as protobuf, and requests as values.

use common::{Code, Fault, Money};
use contracts::{
    convert::{required, timestamp},
    payments as proto,
};

use crate::{
    domain::{CheckoutLine, CheckoutOrder, Payment, Refund, RefundRequest, RefundState, State},
    ports::Kept,
};

pub(crate) fn payment(kept: &Kept<Payment>) -> Result<proto::Payment, Fault> {
    let Kept { value, version } = kept;
    let session = value.session.as_ref();
    // Shown on a paid one too: who asks again for the link of an order may come after its customer.
    let payable = matches!(value.state, State::Open | State::Processing | State::Succeeded);
    let link = session.filter(|_| payable && !value.close_requested);
    Ok(proto::Payment {
        id: value.order_id.shown_as("pay"),
        order_id: value.order_id.to_string(),
        state: state(value.state).into(),
        amount: value.intent.as_ref().map(|intent| intent.params.total.into()),
        link: link.and_then(|session| session.link.clone()),
        expires_at: session.map(|session| timestamp(session.expires_at)),
        captured: value.captured.map(Into::into),
        refunded: value.refunded()?.map(Into::into),
        version: *version,
        refunds: value.refunds.iter().map(refund).collect(),
        session_id: session.map(|session| session.id.clone()),
        checkout_attempts: value.intent.as_ref().map_or(0, |intent| intent.epoch),
    })
}

fn state(state: State) -> proto::PaymentState {
    match state {
        State::Created => proto::PaymentState::Created,
        State::Open => proto::PaymentState::Open,
        State::Processing => proto::PaymentState::Processing,
        State::Succeeded => proto::PaymentState::Succeeded,
        State::Failed => proto::PaymentState::Failed,
        State::Expired => proto::PaymentState::Expired,
    }
}

/// A refund made at the provider's dashboard is shown under the provider's id.
pub(crate) fn refund(refund: &Refund) -> proto::Refund {
    let id = refund.id.map(|id| id.to_string()).or_else(|| refund.provider_id.clone());
    proto::Refund {
        id: id.unwrap_or_default(),
        amount: Some(refund.amount.into()),
        state: match refund.state {
            RefundState::Pending => proto::RefundState::Pending,
            RefundState::Succeeded => proto::RefundState::Succeeded,
            RefundState::Failed => proto::RefundState::Failed,
        }
        .into(),
        attempt: refund.attempt,
    }
}

pub(crate) fn checkout_order(request: proto::CreateCheckoutRequest) -> Result<CheckoutOrder, Fault> {
    Ok(CheckoutOrder {
        order_id: request.order_id.parse()?,
        customer_id: request.customer_id.parse()?,
        email: request.email.filter(|email| !email.is_empty()),
        lines: request.lines.into_iter().map(line).collect::<Result<_, _>>()?,
        total: required(request.total, "total")?.try_into()?,
    })
}

fn line(line: proto::CheckoutLine) -> Result<CheckoutLine, Fault> {
    Ok(CheckoutLine {
        item_id: line.item_id.parse()?,
        name: line.name,
        quantity: line.quantity,
        unit_price: required(line.unit_price, "unit_price")?.try_into()?,
        price_id: line.stripe_price_id.filter(|id| !id.is_empty()),
    })
}

pub(crate) fn refund_request(request: proto::RefundRequest) -> Result<RefundRequest, Fault> {
    let amount = request.amount.map(Money::try_from).transpose()?;
    if request.attempt == 0 {
        return Err(Fault::new(Code::InvalidRequest, "the first attempt is 1"));
    }
    let id = request.refund_id.parse()?;
    Ok(RefundRequest { id, amount, attempt: request.attempt, reason: request.reason })
}
