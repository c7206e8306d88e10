//! Live hints: a queue of this process alone, read without acks into a bounded buffer, and made anew when it is lost.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{Backoff, Fault};
use futures::StreamExt as _;
use lapin::{Channel, Consumer, options::BasicConsumeOptions, types::FieldTable};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Core, fault::answer, message};
use crate::port::{Event, LiveHints};

/// Hints that wait for the reader; the oldest are dropped then. With those in the broker's queue and on the way they
/// stay near the 10,000 of the rules.
const HINTS_MAX: usize = 8192;
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) };

/// `None`: some were lost.
type Hint = Option<Event>;

#[derive(Debug)]
struct RabbitHints(broadcast::Receiver<Hint>);

#[async_trait]
impl LiveHints for RabbitHints {
    async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(hint) => hint,
            Err(RecvError::Lagged(_)) => None,
            // The bus is closed; nothing will ever be hinted again.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// What hints come from.
struct Live {
    consumer: Consumer,
    /// Kept open with the consumer.
    _channel: Channel,
}

pub(super) async fn hints(core: Arc<Core>, pattern: &'static str) -> Result<Box<dyn LiveHints>, Fault> {
    let live = open(&core, pattern).await?;
    let (sender, receiver) = broadcast::channel(HINTS_MAX);
    tokio::spawn(async move {
        tokio::select! {
            () = pump(&core, pattern, live, &sender) => {}
            () = sender.closed() => {}
            () = core.closed.cancelled() => {}
        }
    });
    Ok(Box::new(RabbitHints(receiver)))
}

async fn open(core: &Core, pattern: &str) -> Result<Live, Fault> {
    let channel = core.consuming.channel().await?;
    let name = format!("{}.live.{:016x}", core.plan.exchange, core.random.next_u64());
    answer("declare a live queue", core.plan.declare_live(&channel, &name, pattern)).await?;
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..Default::default() };
    let consuming = channel.basic_consume(name.as_str().into(), "".into(), options, FieldTable::default());
    let consumer = answer("consume a live queue", consuming).await?;
    Ok(Live { consumer, _channel: channel })
}

/// Passes hints on for as long as there is a bus, over any number of connections.
async fn pump(core: &Core, pattern: &str, mut live: Live, sender: &broadcast::Sender<Hint>) {
    loop {
        while let Some(Ok(delivery)) = live.consumer.next().await {
            // What cannot be read tells at least that something happened. Without a reader this task ends.
            let _ = sender.send(message::event(&delivery.properties, &delivery.data).ok());
        }
        live = reopened(core, pattern).await;
        let _ = sender.send(None);
    }
}

async fn reopened(core: &Core, pattern: &str) -> Live {
    let mut failures = 0;
    loop {
        failures += 1;
        tokio::time::sleep(BACKOFF.delay(failures, &*core.random)).await;
        if let Ok(live) = open(core, pattern).await {
            return live;
        }
    }
}
