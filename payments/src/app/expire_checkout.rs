//! Makes sure that an order can no longer be paid: the wish is on disk first, then the provider is told.

use common::{Call, Fault, OrderId, crash};

use super::{Cashier, Decision};
use crate::{domain::Payment, ports::Kept};

impl Cashier {
    /// Closes the checkout of an order. What is not there yet is closed by a tombstone, what is being created as
    /// soon as its reply is there, and what was paid already is answered as it is. After `unavailable` or
    /// `deadline_exceeded` from the provider the wish is stored and the sweep carries it out.
    pub async fn expire_checkout(&self, order: OrderId) -> Result<Kept<Payment>, Fault> {
        let kept = self.request_close(order).await?;
        self.close(kept).await
    }

    /// Stores the wish alone. Faults: those of the store.
    pub async fn request_close(&self, order: OrderId) -> Result<Kept<Payment>, Fault> {
        let kept = match self.payments.load(order).await? {
            Some(kept) => kept,
            None => {
                let tombstone =
                    Payment { trace: Call::current_trace(), ..Payment::tombstone(order, self.now()) };
                match self.payments.insert(tombstone).await {
                    Err(fault) if fault.is_version_conflict() => self.load(order).await?,
                    inserted => {
                        crash::point!("payments.expire.tombstone_stored");
                        return inserted;
                    }
                }
            }
        };
        let kept = self
            .change(kept, |payment, now| {
                let news = payment.request_close(now);
                Ok(if news { Decision::Save(Vec::new()) } else { Decision::Leave })
            })
            .await?;
        crash::point!("payments.expire.wish_stored");
        Ok(kept)
    }

    /// Expires the payment's session at the provider, if it must be. One that is no longer open is taken as it is.
    pub async fn close(&self, kept: Kept<Payment>) -> Result<Kept<Payment>, Fault> {
        let Some(session) = kept.value.session_to_close() else { return Ok(kept) };
        let view = self.processor.expire_checkout(&session.id).await?;
        crash::point!("payments.expire.provider_called");
        let kept = self.observe(kept, &view).await?;
        crash::point!("payments.expire.reply_stored");
        Ok(kept)
    }
}
