//! The Stripe adapter: async-stripe's generated requests over a pooled client of ours; replies are read into the few
//! fields that we use.

mod client;
mod connection;
mod objects;
mod requests;
mod webhook;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use common::{Clock, Code, Fault, OrderId, Random, Spans, Timestamp};
use stripe_client_core::{IdempotencyKey, RequestStrategy, StripeRequest};
use telemetry::Metrics;

pub use webhook::{SIGNATURE_HEADER, Secrets, TOLERANCE};

use crate::{
    domain::{CheckoutKey, CheckoutParams, ProviderEvent, RefundParams, RefundView, SessionView},
    ports::{EventPage, PaymentProcessor, ProviderError},
};
use client::{Client, Failure};
use objects::{EventObject, List, RefundObject, SessionObject};

/// How many pages of sessions are searched for one of ours.
const SEARCH_PAGES_MAX: usize = 20;

/// What the adapter needs to know.
pub struct StripeSettings {
    pub secret_key: String,
    /// Such as `https://api.stripe.com` or the sandbox's address.
    pub api_base: String,
    /// Several while they are rotated: any of them may have signed.
    pub webhook_secrets: Vec<String>,
}

/// Payments over Stripe, or a server that behaves like it.
#[derive(Debug)]
pub struct StripeProcessor {
    client: Client,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
}

impl StripeProcessor {
    /// `invalid_request` when the base is no address or the key cannot be sent.
    pub fn new(
        settings: StripeSettings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        metrics: &Metrics,
    ) -> Result<Self, Fault> {
        Ok(Self {
            client: Client::new(&settings.secret_key, &settings.api_base, random, metrics)?,
            secrets: Secrets::new(settings.webhook_secrets),
            clock,
        })
    }

    /// The same with a span per request to the provider.
    #[must_use]
    pub fn traced(self, spans: Spans) -> Self {
        Self { client: self.client.traced(spans), ..self }
    }

    /// Sends a request that needs no key: reading, or expiring, twice does no harm.
    async fn ask<T: miniserde::Deserialize>(
        &self,
        operation: &'static str,
        request: &impl StripeRequest,
    ) -> Result<T, Failure> {
        request.build().customize::<T>().send(&self.client.named(operation)).await
    }

    async fn command<T: miniserde::Deserialize>(
        &self,
        operation: &'static str,
        request: &impl StripeRequest,
        key: &str,
    ) -> Result<T, Failure> {
        let key = IdempotencyKey::new(key).expect("an id, a word and a number are 1 to 255 characters");
        let request = request.build().customize::<T>().request_strategy(RequestStrategy::Idempotent(key));
        request.send(&self.client.named(operation)).await
    }
}

#[async_trait]
impl PaymentProcessor for StripeProcessor {
    fn name(&self) -> &'static str {
        "stripe"
    }

    async fn create_checkout(
        &self,
        params: &CheckoutParams,
        key: CheckoutKey,
    ) -> Result<SessionView, ProviderError> {
        let request = requests::create_session(params).map_err(ProviderError::Rejected)?;
        let object: SessionObject = self.command("create_checkout", &request, &key.to_string()).await?;
        object.view().map_err(|why| ProviderError::Unknown(unreadable(&why)))
    }

    async fn retrieve_checkout(&self, session: &str) -> Result<SessionView, Fault> {
        let object: SessionObject =
            self.ask("retrieve_checkout", &requests::retrieve_session(session)).await.map_err(fault)?;
        object.view().map_err(|why| unreadable(&why))
    }

    async fn find_checkout(&self, order: OrderId, since: Timestamp) -> Result<Vec<SessionView>, Fault> {
        let mut found = Vec::new();
        let mut older = None;
        for _ in 0..SEARCH_PAGES_MAX {
            let request = requests::list_sessions(since, older.as_deref());
            let page: List<SessionObject> = self.ask("find_checkout", &request).await.map_err(fault)?;
            older = page.older(|session| &session.id);
            let ours = page.data.into_iter().filter(|session| session.order_id() == Some(order));
            for session in ours {
                found.push(session.view().map_err(|why| unreadable(&why))?);
            }
            if older.is_none() {
                return Ok(found);
            }
        }
        // What lies further back was never handed out, so that it is safe not to know of it.
        tracing::warn!(%order, pages = SEARCH_PAGES_MAX, "search for a session ended before the list did");
        Ok(found)
    }

    async fn expire_checkout(&self, session: &str) -> Result<SessionView, Fault> {
        match self.ask::<SessionObject>("expire_checkout", &requests::expire_session(session)).await {
            Ok(object) => object.view().map_err(|why| unreadable(&why)),
            Err(Failure::Refused { .. }) => self.retrieve_checkout(session).await,
            Err(failure) => Err(fault(failure)),
        }
    }

    async fn refund(&self, params: &RefundParams) -> Result<RefundView, ProviderError> {
        let key = params.reference.to_string();
        let object: RefundObject = self.command("refund", &requests::create_refund(params), &key).await?;
        object.view().map_err(|why| ProviderError::Unknown(unreadable(&why)))
    }

    async fn find_refunds(&self, payment_intent: &str) -> Result<Vec<RefundView>, Fault> {
        let request = requests::list_refunds(payment_intent);
        let page: List<RefundObject> = self.ask("find_refunds", &request).await.map_err(fault)?;
        page.data.into_iter().map(|refund| refund.view().map_err(|why| unreadable(&why))).collect()
    }

    async fn list_events(&self, since: Timestamp, older: Option<&str>) -> Result<EventPage, Fault> {
        let request = requests::list_events(since, older);
        let page: List<EventObject> = self.ask("list_events", &request).await.map_err(fault)?;
        let older = page.older(|event| &event.id);
        Ok(EventPage { older, events: page.data.into_iter().map(EventObject::event).collect() })
    }

    fn parse_webhook(&self, headers: &HashMap<String, String>, body: &[u8]) -> Result<ProviderEvent, Fault> {
        self.secrets.verify(headers.get(SIGNATURE_HEADER).map(String::as_str), body, self.clock.now())?;
        objects::parse_event(body)
    }
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { detail } => Self::Rejected(
                Fault::new(Code::PaymentRejected, "the payment provider refused this order")
                    .with_detail(detail),
            ),
            Failure::KeySpent(detail) => Self::KeySpent(detail),
            Failure::Unknown(fault) => Self::Unknown(fault),
        }
    }
}

fn fault(failure: Failure) -> Fault {
    ProviderError::from(failure).into_fault()
}

fn unreadable(why: &str) -> Fault {
    Fault::unavailable(format!("the provider's answer cannot be read: {why}"))
}
