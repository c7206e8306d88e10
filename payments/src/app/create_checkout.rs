//! Gives an order its payment link: the intent is on disk before the provider is called, and every retry sends the
//! same parameters under the same key.

use common::{Call, Fault, Timestamp, crash};

use super::{Cashier, Decision};
use crate::{
    domain::{CheckoutOrder, CheckoutParams, Payment, SessionStatus, SessionView},
    ports::{Kept, ProviderError},
};

/// How many keys one drive may use up; the sweep goes on from there.
const EPOCHS_PER_DRIVE: usize = 3;

impl Cashier {
    /// A checkout link for the order; a repeat answers with the same one. Faults: `payment_rejected` (a definite
    /// refusal), `already_closed` (the order is over), `invalid_transition` (a repeat for something else),
    /// `invalid_request`, `unavailable`, `deadline_exceeded`.
    pub async fn create_checkout(&self, order: CheckoutOrder) -> Result<Kept<Payment>, Fault> {
        let now = self.now();
        let params = CheckoutParams::new(order, &self.terms, now)?;
        let kept = self.intend(params, now).await?;
        crash::point!("payments.create.intent_stored");
        let kept = self.drive_checkout(kept).await?;
        kept.value.checkout_answer().map(|()| kept)
    }

    /// Stores the intent, unless there is one. Insertion comes first: nearly every call is the first of its order.
    async fn intend(&self, params: CheckoutParams, now: Timestamp) -> Result<Kept<Payment>, Fault> {
        let order = params.order_id;
        let payment = Payment { trace: Call::current_trace(), ..Payment::intend(params.clone(), now) };
        match self.payments.insert(payment).await {
            Err(fault) if fault.is_version_conflict() => {
                let kept = self.load(order).await?;
                kept.value.expect_same(&params)?;
                Ok(kept)
            }
            inserted => inserted,
        }
    }

    /// Carries an open intent to its reply, and closes the session again if the order is over by then.
    pub(super) async fn drive_checkout(&self, mut kept: Kept<Payment>) -> Result<Kept<Payment>, Fault> {
        for _ in 0..EPOCHS_PER_DRIVE {
            let Some(intent) = kept.value.open_intent() else { break };
            if !intent.params.are_sendable(self.now()) {
                kept = self.look_up(kept).await?;
                continue;
            }
            let reply = self.processor.create_checkout(&intent.params, intent.key()).await;
            crash::point!("payments.create.provider_called");
            kept = match reply {
                Ok(view) => self.record(kept, &view).await?,
                Err(ProviderError::Rejected(fault)) => self.record_refusal(kept, &fault).await?,
                Err(ProviderError::KeySpent(detail)) => {
                    tracing::warn!(order = %kept.value.order_id, detail, "checkout key is spent");
                    self.look_up(kept).await?
                }
                Err(ProviderError::Unknown(fault)) => return Err(fault),
            };
        }
        self.close(kept).await
    }

    async fn record(&self, kept: Kept<Payment>, view: &SessionView) -> Result<Kept<Payment>, Fault> {
        let kept = self.observe(kept, view).await?;
        crash::point!("payments.create.reply_stored");
        Ok(kept)
    }

    async fn record_refusal(&self, kept: Kept<Payment>, fault: &Fault) -> Result<Kept<Payment>, Fault> {
        tracing::warn!(order = %kept.value.order_id, %fault, "provider refused a checkout");
        let kept = self
            .change(kept, |payment, now| {
                if payment.open_intent().is_none() {
                    return Ok(Decision::Leave);
                }
                payment.reject(fault.to_string(), now);
                Ok(Decision::Save(Vec::new()))
            })
            .await?;
        crash::point!("payments.create.refusal_stored");
        Ok(kept)
    }

    /// The key says nothing any more: adopt the session that it made, if it made one, or go to the next epoch.
    /// Other open sessions of ours were never handed out and are expired.
    async fn look_up(&self, kept: Kept<Payment>) -> Result<Kept<Payment>, Fault> {
        let Some((epoch, since)) = kept.value.open_intent().map(|intent| (intent.epoch, intent.since)) else {
            return Ok(kept);
        };
        let found = self.processor.find_checkout(kept.value.order_id, since).await?;
        let live = |view: &&SessionView| {
            matches!(view.status, SessionStatus::Open | SessionStatus::Processing | SessionStatus::Paid)
        };
        let mut live = found.iter().filter(live).peekable();
        if live.peek().is_none() {
            return self.next_epoch(kept, epoch).await;
        }
        let mut kept = kept;
        for view in live {
            kept = self.observe(kept, view).await?;
        }
        crash::point!("payments.create.session_adopted");
        Ok(kept)
    }

    async fn next_epoch(&self, kept: Kept<Payment>, spent: u32) -> Result<Kept<Payment>, Fault> {
        let kept = self
            .change(kept, |payment, now| {
                if payment.open_intent().is_none_or(|intent| intent.epoch != spent) {
                    return Ok(Decision::Leave);
                }
                payment.next_epoch(&self.terms, now);
                Ok(Decision::Save(Vec::new()))
            })
            .await?;
        crash::point!("payments.create.epoch_stored");
        Ok(kept)
    }
}
