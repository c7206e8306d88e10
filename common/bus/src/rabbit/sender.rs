//! Publishing with confirms: pipelined, bounded, and an answer for every message.

use std::time::Duration;

use common::Fault;
use futures::future::join_all;
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::{Instant, timeout, timeout_at},
};

use super::{
    fault::{answer, unavailable},
    link::Link,
    metrics::RabbitMetrics,
    plan::Plan,
};

/// Messages on their way to the broker and not confirmed.
const IN_FLIGHT_MAX: usize = 1024;
/// Messages that are sent before the first of them is waited for.
pub(super) const PIPELINE: usize = 256;
/// How long the broker may take to confirm.
const CONFIRM_LIMIT: Duration = Duration::from_secs(5);

/// A message and where it goes.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Sender {
    link: Link,
    plan: std::sync::Arc<Plan>,
    channel: Mutex<Option<Channel>>,
    permits: Semaphore,
    metrics: RabbitMetrics,
}

impl Sender {
    pub(super) fn new(link: Link, plan: std::sync::Arc<Plan>, metrics: RabbitMetrics) -> Self {
        Self { link, plan, channel: Mutex::default(), permits: Semaphore::new(IN_FLIGHT_MAX), metrics }
    }

    /// Publishes the messages in this order; one result per message. No more than [`PIPELINE`].
    pub(super) async fn send(&self, messages: &[Outgoing]) -> Vec<Result<(), Fault>> {
        match self.begin(messages).await {
            Ok((_permits, confirms)) => {
                let until = Instant::now() + CONFIRM_LIMIT;
                join_all(confirms.into_iter().map(|confirm| self.confirmed(confirm, until))).await
            }
            Err(fault) => vec![Err(fault); messages.len()],
        }
    }

    pub(super) async fn send_one(&self, message: &Outgoing) -> Result<(), Fault> {
        self.send(std::slice::from_ref(message)).await.pop().expect("one result per message")
    }

    /// Writes the messages out. All places in the pipeline are taken at once: two batches that each had half of what
    /// they need would wait for each other.
    async fn begin(&self, messages: &[Outgoing]) -> Result<(SemaphorePermit<'_>, Vec<Sent>), Fault> {
        if self.link.is_blocked() {
            return Err(Fault::unavailable(
                "rabbitmq: the broker is short of memory or disk and takes nothing",
            ));
        }
        let channel = self.channel().await?;
        let places = u32::try_from(messages.len()).expect("a pipeline is short");
        let permits = timeout(CONFIRM_LIMIT, self.permits.acquire_many(places)).await;
        let permits = permits
            .map_err(|_| Fault::unavailable("rabbitmq: publish: too many messages wait for their confirms"))?
            .expect("the semaphore is never closed");
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            sent.push(publish(&channel, message).await);
        }
        Ok((permits, sent))
    }

    async fn confirmed(&self, sent: Sent, until: Instant) -> Result<(), Fault> {
        match timeout_at(until, sent?).await {
            Ok(Ok(Confirmation::Ack(None))) => Ok(()),
            Ok(Ok(Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)))) => {
                self.metrics.refused("returned");
                let (key, text) = (returned.routing_key.as_str(), returned.reply_text.as_str());
                tracing::warn!(routing_key = key, reason = text, "the broker returned a message");
                Err(Fault::unavailable(format!("rabbitmq: no queue takes {key}: {text}")))
            }
            Ok(Ok(Confirmation::Nack(None) | Confirmation::NotRequested)) => {
                self.metrics.refused("nacked");
                Err(Fault::unavailable("rabbitmq: the broker refused a message"))
            }
            Ok(Err(error)) => {
                self.metrics.refused("lost");
                Err(unavailable("publish", &error))
            }
            Err(_) => {
                self.metrics.refused("unanswered");
                Err(Fault::unavailable(format!("rabbitmq: publish: not confirmed in {CONFIRM_LIMIT:?}")))
            }
        }
    }

    /// The channel that is used, or a new one. An error of the broker closes a channel, as when someone deleted an
    /// exchange by hand; hence the topology is declared with each.
    async fn channel(&self) -> Result<Channel, Fault> {
        let mut current = self.channel.lock().await;
        if let Some(channel) = current.as_ref().filter(|channel| channel.status().connected()) {
            return Ok(channel.clone());
        }
        let channel = self.link.channel().await?;
        answer("declare exchanges and queues", self.plan.declare(&channel)).await?;
        answer("ask for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        *current = Some(channel.clone());
        Ok(channel)
    }

    /// Waits for what is on its way.
    pub(super) async fn drained(&self) {
        let all = u32::try_from(IN_FLIGHT_MAX).expect("a small number");
        // What is not confirmed by then was told to its caller as unavailable.
        let _ = timeout(CONFIRM_LIMIT, self.permits.acquire_many(all)).await;
    }
}

/// A message that was written out, until it is confirmed.
type Sent = Result<PublisherConfirm, Fault>;

async fn publish(channel: &Channel, message: &Outgoing) -> Sent {
    let name = |text: &str| {
        ShortString::try_new(text).map_err(|error| Fault::internal(format!("rabbitmq: publish: {error}")))
    };
    let sending = channel.basic_publish(
        name(&message.exchange)?,
        name(&message.routing_key)?,
        BasicPublishOptions { mandatory: true, immediate: false },
        &message.body,
        message.properties.clone(),
    );
    answer("publish", sending).await
}
