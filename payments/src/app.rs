//! The use cases, one per file: each moves one payment, or takes one event, over the ports.

mod create_checkout;
mod expire_checkout;
mod get_payment;
mod process_event;
mod reconcile;
mod refund;
mod revisit;
mod take_webhook;

use std::sync::Arc;

use common::{Clock, Fault, Ids, OrderId, Timestamp};

pub use reconcile::{OVERLAP, Read, Reconciler};
pub use take_webhook::Intake;

use crate::{
    domain::{Change, Outcome, Payment, SessionView, Terms},
    ports::{Alerts, Inbox, Kept, PaymentProcessor, Payments},
};

/// Moves payments: every use case on a payment is a method of it, in a file of its own.
#[derive(Clone, Debug)]
pub struct Cashier {
    pub payments: Arc<dyn Payments>,
    pub inbox: Arc<dyn Inbox>,
    pub processor: Arc<dyn PaymentProcessor>,
    pub alerts: Arc<dyn Alerts>,
    pub clock: Arc<dyn Clock>,
    pub ids: Ids,
    pub terms: Terms,
}

/// How often a decision is made anew because somebody else saved first.
const ROUNDS_MAX: usize = 32;

/// What a decision did to a payment.
enum Decision {
    /// Nothing: it is as it should be.
    Leave,
    Save(Vec<Change>),
}

impl Cashier {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn load(&self, order: OrderId) -> Result<Kept<Payment>, Fault> {
        let found = self.payments.load(order).await?;
        found.ok_or_else(|| {
            Fault::new(common::Code::PaymentNotFound, "there is no payment for this order")
                .with_detail(order.to_string())
        })
    }

    /// Decides on a payment and saves it; decides anew on the fresh one when somebody else saved first.
    async fn change(
        &self,
        mut kept: Kept<Payment>,
        mut decide: impl FnMut(&mut Payment, Timestamp) -> Result<Decision, Fault> + Send,
    ) -> Result<Kept<Payment>, Fault> {
        let order = kept.value.order_id;
        for _ in 0..ROUNDS_MAX {
            let Decision::Save(changes) = decide(&mut kept.value, self.now())? else { return Ok(kept) };
            match self.payments.save(kept.value, kept.version, &changes).await {
                Err(fault) if fault.is_version_conflict() => kept = self.load(order).await?,
                saved => return saved,
            }
        }
        Err(Fault::version_conflict(order.to_string()))
    }

    /// Takes in what the provider says of a session of this payment, and does what follows from it.
    async fn observe(&self, kept: Kept<Payment>, view: &SessionView) -> Result<Kept<Payment>, Fault> {
        let mut outcome = Outcome::default();
        let kept = self
            .change(kept, |payment, now| {
                outcome = payment.observe(view, &self.ids, now);
                Ok(if outcome.changed { Decision::Save(outcome.changes.clone()) } else { Decision::Leave })
            })
            .await?;
        self.follow_up(kept, &outcome).await
    }

    /// What follows from news of a session: people told, a stray session expired, wrong money sent back.
    async fn follow_up(&self, kept: Kept<Payment>, outcome: &Outcome) -> Result<Kept<Payment>, Fault> {
        for alert in &outcome.alerts {
            self.alerts.raise(kept.value.order_id, alert);
        }
        if let Some(stray) = &outcome.stray {
            self.processor.expire_checkout(stray).await?;
        }
        if outcome.alerts.is_empty() { Ok(kept) } else { self.push_refunds(kept).await }
    }
}
