//! What operators do. A dead-letter queue is read by taking its messages and giving them back in one go, which keeps
//! their order; whoever does that holds a lock on the broker meanwhile, so that nobody else finds half a queue.

use std::{sync::Arc, time::Duration};

use common::{Code, Fault, Timestamp};
use lapin::{
    BasicProperties, Channel, Consumer,
    message::BasicGetMessage,
    options::{BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::{
    sync::MutexGuard,
    time::{Instant, timeout_at},
};

use super::{
    Core,
    fault::{answer, is_locked, unavailable},
    message::{self, Failures},
    plan::{DELIVERY_LIMIT, QueuePlan},
    sender::Outgoing,
};
use crate::port::{DeadLetter, QueueDepth};

/// Dead letters of one queue that are looked at; of more, the order changes with each look.
const SCAN_MAX: usize = 10_000;
/// How long to wait for someone else who is at the same queue's dead letters, and how often to look.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

impl Core {
    pub(super) async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        let channel = self.consuming.channel().await?;
        let mut depths = Vec::with_capacity(self.plan.queues.len());
        for (place, queue) in self.plan.queues.iter().enumerate() {
            depths.push(QueueDepth {
                queue: queue.spec.name.to_owned(),
                ready: ready(&channel, &queue.name).await?,
                in_flight: self.in_flight.count(place),
                dead_letters: ready(&channel, &queue.dead).await?,
            });
        }
        Ok(depths)
    }

    pub(super) async fn list(self: &Arc<Self>, place: usize, limit: usize) -> Result<Vec<DeadLetter>, Fault> {
        let queue = &self.plan.queues[place];
        let desk = Desk::open(self, queue).await?;
        let result = desk.letters(limit).await;
        desk.close().await;
        result
    }

    pub(super) async fn replay(self: &Arc<Self>, place: usize, id: &str) -> Result<bool, Fault> {
        self.take_out(place, id, Purpose::Replay).await
    }

    pub(super) async fn purge(self: &Arc<Self>, place: usize, id: &str) -> Result<bool, Fault> {
        self.take_out(place, id, Purpose::Purge).await
    }

    /// In a task of its own: it ends in good order when the caller gives up waiting.
    async fn take_out(self: &Arc<Self>, place: usize, id: &str, purpose: Purpose) -> Result<bool, Fault> {
        let (core, id) = (Arc::clone(self), id.to_owned());
        let taking = tokio::spawn(async move {
            let desk = Desk::open(&core, &core.plan.queues[place]).await?;
            let result = desk.take_out(&id, purpose).await;
            desk.close().await;
            result
        });
        taking.await.map_err(|panic| Fault::internal(format!("rabbitmq: dead letters: {panic}")))?
    }
}

#[derive(Clone, Copy)]
enum Purpose {
    Replay,
    Purge,
}

/// The place where one operator at a time looks through the dead letters of a queue.
struct Desk<'a> {
    core: &'a Core,
    queue: &'a QueuePlan,
    /// Ends the lock too, however the work ends.
    channel: Channel,
    _lock: Consumer,
    _here: MutexGuard<'a, ()>,
}

impl<'a> Desk<'a> {
    async fn open(core: &'a Core, queue: &'a QueuePlan) -> Result<Self, Fault> {
        let busy =
            || Fault::unavailable(format!("rabbitmq: someone else is at the dead letters of {}", queue.name));
        let until = Instant::now() + LOCK_LIMIT;
        let here = timeout_at(until, core.desk.lock()).await.map_err(|_| busy())?;
        loop {
            let channel = core.consuming.channel().await?;
            match timeout_at(until, lock(&channel, queue)).await.map_err(|_| busy())? {
                Ok(lock) => return Ok(Self { core, queue, channel, _lock: lock, _here: here }),
                Err(error) if is_locked(&error) && Instant::now() < until => {
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                Err(error) if is_locked(&error) => return Err(busy()),
                Err(error) => return Err(unavailable("lock the dead letters", &error)),
            }
        }
    }

    async fn letters(&self, limit: usize) -> Result<Vec<DeadLetter>, Fault> {
        let messages = self.take_all().await?;
        let letters =
            messages.iter().take(limit).map(|message| letter(self.queue.spec.name, message)).collect();
        self.give_back(messages.last()).await?;
        Ok(letters)
    }

    async fn take_out(&self, id: &str, purpose: Purpose) -> Result<bool, Fault> {
        let mut messages = self.take_all().await?;
        let wanted = messages.iter().position(|message| letter_id(message) == id);
        let result = match (wanted.map(|place| &messages[place]), purpose) {
            (Some(message), Purpose::Replay) => self.replay(message).await.map(|()| true),
            (Some(_), Purpose::Purge) => Ok(true),
            (None, _) => Ok(false),
        };
        if let (Some(place), Ok(_)) = (wanted, &result) {
            let done = messages.remove(place);
            answer("remove a dead letter", done.ack(BasicAckOptions::default())).await?;
        }
        self.give_back(messages.last()).await?;
        result
    }

    /// All of them, also when few are wanted: what is given back goes behind everything that was given back before,
    /// and only all together keep their order.
    async fn take_all(&self) -> Result<Vec<BasicGetMessage>, Fault> {
        let queue = self.queue.dead.as_str();
        let mut messages = Vec::new();
        while messages.len() < SCAN_MAX {
            let getting = self.channel.basic_get(queue.into(), BasicGetOptions::default());
            let Some(message) = answer("read a dead letter", getting).await? else { break };
            messages.push(message);
        }
        Ok(messages)
    }

    /// Publishes it to its queue as if it were new, and waits until it is safe there.
    async fn replay(&self, message: &BasicGetMessage) -> Result<(), Fault> {
        if let Err(why) = message::event(&message.properties, &message.data) {
            let text = "the message cannot be read; it can only be purged";
            return Err(Fault::new(Code::InvalidRequest, text).with_detail(why));
        }
        let outgoing = Outgoing {
            exchange: String::new(),
            routing_key: self.queue.name.clone(),
            properties: message::again(&message.properties, &Failures::default()),
            body: message.data.clone(),
        };
        self.core.sender.send_one(&outgoing).await
    }

    /// Returns everything up to this message; the broker has done it when it answers the question that follows.
    async fn give_back(&self, last: Option<&BasicGetMessage>) -> Result<(), Fault> {
        if let Some(last) = last {
            let options = BasicNackOptions { multiple: true, requeue: true };
            answer("give dead letters back", last.nack(options)).await?;
        }
        ready(&self.channel, &self.queue.dead).await.map(|_| ())
    }

    async fn close(self) {
        // After a failure the channel is closed already.
        let _ = answer("close a channel", self.channel.close(200, "done".into())).await;
    }
}

/// An exclusive queue that lasts as long as its consumer: the lock ends with its channel, whatever happens to it.
async fn lock(channel: &Channel, queue: &QueuePlan) -> Result<Consumer, lapin::Error> {
    let name = format!("{}.lock", queue.dead);
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    channel.basic_consume(name.as_str().into(), "".into(), options, FieldTable::default()).await
}

/// Messages that wait in a queue.
async fn ready(channel: &Channel, queue: &str) -> Result<u64, Fault> {
    let options = QueueDeclareOptions { passive: true, durable: true, ..Default::default() };
    let declaring = channel.queue_declare(queue.into(), options, FieldTable::default());
    Ok(u64::from(answer("look at a queue", declaring).await?.message_count()))
}

/// The id that we gave it. A letter that the broker made has only that of its event.
fn letter_id(message: &BasicGetMessage) -> String {
    let given = message::letter_id(&message.properties);
    let events = || message.properties.message_id().as_ref().map(ToString::to_string);
    given.or_else(events).unwrap_or_else(|| "without-id".to_owned())
}

fn letter(queue: &str, message: &BasicGetMessage) -> DeadLetter {
    let mut failures = Failures::read(&message.properties);
    if let Some(guarded_at) = crash_guard(&message.properties) {
        if failures.attempts == 0 {
            failures.first_failed_at = guarded_at;
        }
        failures.attempts = failures.attempts.max(DELIVERY_LIMIT + 1);
        failures.reason = format!(
            "delivered more than {DELIVERY_LIMIT} times without an answer: it, or what was in hand with it, kills \
             its consumer"
        );
    }
    let event = message::event(&message.properties, &message.data);
    DeadLetter {
        id: letter_id(message),
        queue: queue.to_owned(),
        raw: event.is_err().then(|| String::from_utf8_lossy(&message.data).into_owned()),
        event: event.ok(),
        reason: failures.reason,
        attempts: failures.attempts,
        first_failed_at: failures.first_failed_at,
    }
}

/// When the broker made it a dead letter by itself, for too many deliveries.
fn crash_guard(properties: &BasicProperties) -> Option<Timestamp> {
    if message::letter_id(properties).is_some() {
        return None;
    }
    let deaths = message::header(properties, "x-death")?.as_array()?;
    let of_guard = deaths.as_slice().iter().filter_map(AMQPValue::as_field_table).find(|death| {
        let reason = death.inner().get("reason").and_then(AMQPValue::as_long_string);
        reason.is_some_and(|reason| reason.as_bytes() == b"delivery_limit")
    })?;
    let at = of_guard.inner().get("time").and_then(AMQPValue::as_timestamp)?;
    Some(Timestamp::from_secs(at))
}
