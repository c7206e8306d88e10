//! Pays money back: the entry is on disk first; a retry looks among the charge's refunds before it asks for one.

use common::{Fault, OrderId, crash};

use super::{Cashier, Decision};
use crate::{
    domain::{
        Change, Payment, Refund, RefundParams, RefundReference, RefundRequest, RefundView,
        refunding::Requested,
    },
    ports::{Kept, ProviderError},
};

/// How sure we are that the provider has not seen this attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    First,
    Repeated,
}

impl Cashier {
    /// Acts on one refund entry of an order and answers with the payment. Faults: `payment_not_found`,
    /// `invalid_transition`, `invalid_request`, and after the entry is stored `unavailable` or `deadline_exceeded`
    /// of the provider: the sweep carries it out then.
    pub async fn refund(&self, order: OrderId, request: &RefundRequest) -> Result<Kept<Payment>, Fault> {
        let (kept, attempt) = self.store_refund(order, request).await?;
        let sent = kept.value.refunds.iter().find(|refund| refund.id == Some(request.id));
        match sent.filter(|refund| refund.is_to_be_sent()).and_then(Refund::reference) {
            Some(reference) => self.push_refund(kept, reference, attempt).await,
            None => Ok(kept),
        }
    }

    /// Stores the entry alone. Faults: `payment_not_found`, `invalid_transition`, `invalid_request`, the store's.
    pub async fn record_refund(
        &self,
        order: OrderId,
        request: &RefundRequest,
    ) -> Result<Kept<Payment>, Fault> {
        self.store_refund(order, request).await.map(|(kept, _)| kept)
    }

    async fn store_refund(
        &self,
        order: OrderId,
        request: &RefundRequest,
    ) -> Result<(Kept<Payment>, Attempt), Fault> {
        let mut attempt = Attempt::Repeated;
        let kept = self.load(order).await?;
        let kept = self
            .change(kept, |payment, now| {
                Ok(match payment.request_refund(request, now)? {
                    Requested::Known => Decision::Leave,
                    Requested::Recorded(changes) => {
                        attempt = Attempt::First;
                        Decision::Save(changes)
                    }
                })
            })
            .await?;
        crash::point!("payments.refund.entry_stored");
        Ok((kept, attempt))
    }

    /// Sends every refund that the provider has not answered, and asks after those that it has not settled.
    pub async fn push_refunds(&self, mut kept: Kept<Payment>) -> Result<Kept<Payment>, Fault> {
        let unsent = kept.value.refunds.iter().filter(|refund| refund.is_to_be_sent());
        let references: Vec<RefundReference> = unsent.filter_map(Refund::reference).collect();
        for reference in references {
            kept = self.push_refund(kept, reference, Attempt::Repeated).await?;
        }
        for charge in kept.value.unsettled_charges() {
            let views = self.processor.find_refunds(&charge).await?;
            kept = self.observe_refunds(kept, &views).await?;
        }
        Ok(kept)
    }

    async fn push_refund(
        &self,
        mut kept: Kept<Payment>,
        reference: RefundReference,
        attempt: Attempt,
    ) -> Result<Kept<Payment>, Fault> {
        if attempt == Attempt::Repeated {
            kept = self.look_up_refunds(kept, reference).await?;
        }
        let Some(params) = kept.value.refund_params(reference) else { return Ok(kept) };
        let reply = self.processor.refund(&params).await;
        crash::point!("payments.refund.provider_called");
        let kept = match reply {
            Ok(view) => self.observe_refunds(kept, &[view]).await?,
            Err(ProviderError::Unknown(fault)) => return Err(fault),
            Err(refusal) => self.settle_refusal(kept, &params, &refusal).await?,
        };
        crash::point!("payments.refund.reply_stored");
        Ok(kept)
    }

    /// A refusal, or a spent key: the refund may be there all the same. Only when it is not, the attempt has failed.
    async fn settle_refusal(
        &self,
        kept: Kept<Payment>,
        params: &RefundParams,
        refusal: &ProviderError,
    ) -> Result<Kept<Payment>, Fault> {
        let kept = self.look_up_refunds(kept, params.reference).await?;
        if kept.value.refund_params(params.reference).is_none() {
            return Ok(kept);
        }
        tracing::error!(order = %kept.value.order_id, refund = %params.reference, %refusal, "refund failed");
        self.change(kept, |payment, now| {
            Ok(saved_if_any(payment, |p| p.fail_refund(params.reference, refusal.to_string(), now)))
        })
        .await
    }

    async fn look_up_refunds(
        &self,
        kept: Kept<Payment>,
        reference: RefundReference,
    ) -> Result<Kept<Payment>, Fault> {
        let Some(params) = kept.value.refund_params(reference) else { return Ok(kept) };
        let views = self.processor.find_refunds(&params.payment_intent).await?;
        self.observe_refunds(kept, &views).await
    }

    /// Takes in what the provider says of refunds of this payment's charges.
    pub(super) async fn observe_refunds(
        &self,
        kept: Kept<Payment>,
        views: &[RefundView],
    ) -> Result<Kept<Payment>, Fault> {
        self.change(kept, |payment, now| {
            Ok(saved_if_any(payment, |p| views.iter().flat_map(|view| p.observe_refund(view, now)).collect()))
        })
        .await
    }
}

fn saved_if_any(payment: &mut Payment, act: impl FnOnce(&mut Payment) -> Vec<Change>) -> Decision {
    let before = payment.refunds.clone();
    let changes = act(payment);
    if payment.refunds == before { Decision::Leave } else { Decision::Save(changes) }
}
