//! Takes a provider's webhook: verified over the raw body and stored durably before it is answered; it takes effect
//! afterwards.

use std::{collections::HashMap, sync::Arc};

use common::{Call, Clock, Code, Fault, crash};

use crate::{
    domain::{InboxEntry, Source},
    ports::{Inbox, Kept, PaymentProcessor},
};

/// Takes webhooks in.
#[derive(Clone, Debug)]
pub struct Intake {
    pub inbox: Arc<dyn Inbox>,
    pub processor: Arc<dyn PaymentProcessor>,
    pub clock: Arc<dyn Clock>,
}

impl Intake {
    /// Stores the event of a webhook and answers with its entry when there is something to do: `None` for a repeat
    /// and for what we do not act on. Faults: `invalid_signature`, `invalid_request` (unknown provider),
    /// `unavailable`.
    pub async fn take_webhook(
        &self,
        provider: &str,
        headers: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Option<Kept<InboxEntry>>, Fault> {
        if provider != self.processor.name() {
            return Err(Fault::new(Code::InvalidRequest, "there is no such payment provider"));
        }
        let event = self.processor.parse_webhook(headers, body)?;
        let trace = Call::current_trace();
        let entry = InboxEntry { trace, ..InboxEntry::new(event, Source::Webhook, self.clock.now()) };
        let entry = self.inbox.take(entry).await?;
        crash::point!("payments.webhook.stored");
        if let Some(entry) = &entry {
            report_unreadable(&entry.value);
        }
        Ok(entry.filter(|entry| entry.value.is_waiting()))
    }
}

pub(super) fn report_unreadable(entry: &InboxEntry) {
    if let crate::domain::Fact::Unreadable { why } = &entry.fact {
        tracing::error!(event = entry.id, kind = entry.kind, why, "provider event cannot be read");
    }
}
