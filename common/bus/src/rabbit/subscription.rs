//! Handing out: a subscription is a consumer on a channel of its own, renewed when it is lost.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use common::{Code, Fault};
use futures::StreamExt as _;
use lapin::{
    Acker, BasicProperties, Channel, Consumer,
    options::{BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};

use super::{
    Core,
    fault::{answer, unavailable},
    in_flight::{Hands, InHand},
    message::{self, Failures},
    settle::{Fate, settle},
};
use crate::port::{Delivery, Event, Nack, Settled, Subscription};

/// A consumer of one queue.
pub(super) struct RabbitSubscription {
    core: Arc<Core>,
    place: usize,
    prefetch: u16,
    stream: Option<Stream>,
}

/// What deliveries come from, until the channel is gone. Closing the channel returns what is not settled.
struct Stream {
    consumer: Consumer,
    /// Kept open with the consumer.
    _channel: Channel,
    hands: Arc<Hands>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.hands.end();
    }
}

impl RabbitSubscription {
    pub(super) async fn open(core: Arc<Core>, place: usize, prefetch: usize) -> Result<Self, Fault> {
        let prefetch = u16::try_from(prefetch).unwrap_or(u16::MAX);
        let mut subscription = Self { core, place, prefetch, stream: None };
        subscription.stream = Some(subscription.consume().await?);
        Ok(subscription)
    }

    /// Declares everything first: the queue may have been deleted, which is one of the ways to lose a consumer.
    async fn consume(&self) -> Result<Stream, Fault> {
        let channel = self.core.consuming.channel().await?;
        answer("declare exchanges and queues", self.core.plan.declare(&channel)).await?;
        answer("set the prefetch", channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        let queue = self.core.plan.queues[self.place].name.as_str();
        let consuming = channel.basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = answer("consume", consuming).await?;
        Ok(Stream { consumer, _channel: channel, hands: self.core.in_flight.hands(self.place) })
    }

    fn received(&self, delivery: lapin::message::Delivery, in_hand: InHand) -> Received {
        Received {
            core: Arc::clone(&self.core),
            place: self.place,
            message: Message { properties: delivery.properties, body: delivery.data },
            acker: delivery.acker,
            in_hand,
        }
    }
}

#[async_trait]
impl Subscription for RabbitSubscription {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, Fault> {
        loop {
            if self.stream.is_none() {
                self.stream = Some(self.consume().await?);
            }
            let stream = self.stream.as_mut().expect("it was opened just now");
            let fault = match stream.consumer.next().await {
                Some(Ok(delivery)) => {
                    let in_hand = InHand::of(&stream.hands);
                    let received = self.received(delivery, in_hand);
                    match message::event(&received.message.properties, &received.message.body) {
                        Ok(event) => return Ok(received.readable(event)),
                        Err(why) => received.bury_unreadable(&why),
                    }
                    continue;
                }
                Some(Err(error)) => unavailable("consume", &error),
                None => Fault::unavailable("rabbitmq: the broker cancelled the consumer"),
            };
            self.stream = None;
            return Err(fault);
        }
    }
}

impl fmt::Debug for RabbitSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitSubscription").field("queue", &self.core.plan.queues[self.place].name).finish()
    }
}

/// What arrived, as it arrived.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

/// A message of ours until it is settled, and what settling needs.
pub(super) struct Received {
    pub(super) core: Arc<Core>,
    pub(super) place: usize,
    pub(super) message: Message,
    pub(super) acker: Acker,
    pub(super) in_hand: InHand,
}

impl Received {
    fn readable(self, event: Event) -> Box<dyn Delivery> {
        let failures = Failures::read(&self.message.properties);
        Box::new(RabbitDelivery { event, failures, received: Some(self) })
    }

    /// Nobody waits for it; were it lost, the message would come again.
    fn bury_unreadable(self, why: &str) {
        let fault = Fault::new(Code::InvalidRequest, "the message cannot be read").with_detail(why);
        tracing::error!(
            queue = self.core.plan.queues[self.place].name,
            why,
            "unreadable message becomes a dead letter"
        );
        let failures = Failures::read(&self.message.properties);
        tokio::spawn(settle(self, Fate::of(Nack::DeadLetter(fault), failures)));
    }

    /// Tells the broker that the message is done; `unavailable` when it is not ours any more.
    pub(super) async fn ack(&self) -> Result<(), Fault> {
        let lost = || Fault::unavailable("rabbitmq: ack: the delivery's channel is gone");
        if self.in_hand.is_lost() {
            return Err(lost());
        }
        let acked = answer("ack", self.acker.ack(lapin::options::BasicAckOptions::default())).await?;
        acked.then_some(()).ok_or_else(lost)
    }
}

struct RabbitDelivery {
    event: Event,
    failures: Failures,
    /// `None` once it is being settled.
    received: Option<Received>,
}

#[async_trait]
impl Delivery for RabbitDelivery {
    fn event(&self) -> &Event {
        &self.event
    }

    fn attempts(&self) -> u32 {
        self.failures.attempts
    }

    async fn ack(mut self: Box<Self>) -> Result<(), Fault> {
        self.received.take().expect("a delivery is settled once").ack().await
    }

    async fn nack(mut self: Box<Self>, nack: Nack) -> Result<Settled, Fault> {
        let received = self.received.take().expect("a delivery is settled once");
        let fate = Fate::of(nack, self.failures.clone());
        // In a task of its own: it goes on when the caller gives up waiting.
        let settling = tokio::spawn(settle(received, fate));
        match tokio::time::timeout(super::fault::ANSWER_LIMIT, settling).await {
            Ok(Ok(settled)) => settled,
            Ok(Err(panic)) => Err(Fault::internal(format!("rabbitmq: settle: {panic}"))),
            Err(_) => Err(Fault::unavailable("rabbitmq: settle: not done yet; going on by itself")),
        }
    }
}

impl Drop for RabbitDelivery {
    /// Gives the message back when nobody settled it. With its channel it goes back by itself.
    fn drop(&mut self) {
        let Some(received) = self.received.take().filter(|received| !received.in_hand.is_lost()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let options = BasicRejectOptions { requeue: true };
                // Were it lost, so would be the channel, and the message goes back with that.
                let _ = received.acker.reject(options).await;
            });
        }
    }
}

impl fmt::Debug for RabbitDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitDelivery").field("id", &self.event.id).finish_non_exhaustive()
    }
}
