//! Lets a stored event of the provider take effect, in one durable wait with its inbox entry.

use common::{Code, Fault, OrderId, crash};

use super::Cashier;
use crate::{
    domain::{Change, Fact, InboxEntry, Outcome, Payment, RefundView, SessionView},
    ports::Kept,
};

/// How often an event is taken in anew because somebody else saved its payment first.
const ROUNDS_MAX: usize = 32;

impl Cashier {
    /// Waiting inbox entries that are due, at most `limit`. Faults: the store's.
    pub async fn due_entries(&self, limit: usize) -> Result<Vec<Kept<InboxEntry>>, Fault> {
        self.inbox.due(self.now(), limit).await
    }

    /// Removes entries that nobody will repeat any more, at most `limit`. Faults: the store's.
    pub async fn forget_entries(&self, limit: usize) -> Result<usize, Fault> {
        self.inbox.forget(self.now(), limit).await
    }

    /// Lets an event take effect. One that cannot yet is put off, and the fault returned for the log.
    pub async fn process_event(&self, entry: Kept<InboxEntry>) -> Result<(), Fault> {
        let processed = self.take_effect(entry.clone()).await;
        crash::point!("payments.inbox.processed");
        match processed {
            // Another worker has it, and its version of the entry is the right one.
            Err(fault) if fault.is_version_conflict() => Ok(()),
            Err(fault) => {
                let value = entry.value.postponed(fault.is_transient(), fault.to_string(), self.now());
                match self.inbox.save(Kept { value, version: entry.version }).await {
                    Err(lost) if !lost.is_version_conflict() => Err(lost),
                    _ => Err(fault),
                }
            }
            Ok(()) => Ok(()),
        }
    }

    async fn take_effect(&self, entry: Kept<InboxEntry>) -> Result<(), Fault> {
        match entry.value.fact.clone() {
            Fact::Session(view) => self.session_event(entry, &view).await,
            Fact::Refund(view) => {
                let charge = view.payment_intent.clone();
                let payment = self.payment_of_charge(charge.as_deref(), None).await?;
                self.refund_event(entry, payment, &[view]).await
            }
            Fact::ChargeRefunded { payment_intent, order_id, .. } => {
                let payment = self.payment_of_charge(Some(&payment_intent), order_id).await?;
                let views = self.processor.find_refunds(&payment_intent).await?;
                self.refund_event(entry, payment, &views).await
            }
            Fact::Unknown | Fact::Unreadable { .. } => self.finish(entry).await,
        }
    }

    async fn session_event(&self, entry: Kept<InboxEntry>, view: &SessionView) -> Result<(), Fault> {
        for _ in 0..ROUNDS_MAX {
            let payment = match view.order_id {
                Some(order) => self.payments.load(order).await?,
                None => None,
            };
            // Not of this mesh: the provider's account may serve others too.
            let Some(mut payment) = payment else { return self.finish(entry).await };
            let outcome = payment.value.observe(view, &self.ids, self.now());
            if outcome.stray.is_some() {
                self.follow_up(payment, &outcome).await?;
                return self.finish(entry).await;
            }
            if !outcome.changed {
                return self.finish(entry).await;
            }
            if let Some(payment) = self.saved(payment, &outcome.changes, &entry).await? {
                return self.after_event(payment, &outcome).await;
            }
        }
        Err(Fault::unavailable("the payment is contended"))
    }

    /// The event has taken effect; what follows from it is done now, or by the sweep.
    async fn after_event(&self, payment: Kept<Payment>, outcome: &Outcome) -> Result<(), Fault> {
        let order = payment.value.order_id;
        if let Err(fault) = self.follow_up(payment, outcome).await {
            tracing::warn!(%order, %fault, "left to the sweep");
        }
        Ok(())
    }

    async fn refund_event(
        &self,
        entry: Kept<InboxEntry>,
        mut payment: Kept<Payment>,
        views: &[RefundView],
    ) -> Result<(), Fault> {
        let order = payment.value.order_id;
        for _ in 0..ROUNDS_MAX {
            let before = payment.value.refunds.clone();
            let now = self.now();
            let changes: Vec<Change> =
                views.iter().flat_map(|view| payment.value.observe_refund(view, now)).collect();
            if payment.value.refunds == before {
                return self.finish(entry).await;
            }
            if self.saved(payment, &changes, &entry).await?.is_some() {
                return Ok(());
            }
            payment = self.load(order).await?;
        }
        Err(Fault::unavailable("the payment is contended"))
    }

    /// Saves payment and finished entry; `None` when somebody saved the payment first.
    async fn saved(
        &self,
        payment: Kept<Payment>,
        changes: &[Change],
        entry: &Kept<InboxEntry>,
    ) -> Result<Option<Kept<Payment>>, Fault> {
        let done = Kept { value: entry.value.clone().done(), version: entry.version };
        match self.payments.save_with_entry(payment, changes, done).await {
            Ok(payment) => {
                crash::point!("payments.inbox.effect_stored");
                Ok(Some(payment))
            }
            Err(fault) if fault.is_version_conflict() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn finish(&self, entry: Kept<InboxEntry>) -> Result<(), Fault> {
        self.inbox.save(Kept { value: entry.value.done(), version: entry.version }).await
    }

    /// The payment of a charge: by its reference, or by the charge that it is known to have captured. A refund may
    /// come before the success that it belongs to: it waits in the inbox then.
    async fn payment_of_charge(
        &self,
        charge: Option<&str>,
        order: Option<OrderId>,
    ) -> Result<Kept<Payment>, Fault> {
        let found = match (order, charge) {
            (Some(order), _) => self.payments.load(order).await?,
            (None, Some(charge)) => self.payments.of_charge(charge).await?,
            (None, None) => None,
        };
        found.ok_or_else(|| Fault::new(Code::PaymentNotFound, "no payment has captured this charge"))
    }
}
