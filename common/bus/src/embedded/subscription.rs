//! Handing out: a subscription takes messages from its queue, and a delivery settles one or gives it back.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::Fault;

use super::{
    broker::{Broker, Taken},
    queue::Ready,
    settle::Hold,
};
use crate::port::{Delivery, Event, Nack, Settled, Subscription};

/// The longest that a subscription waits before it looks at the ladder again: due times are those of a clock that
/// may be set.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct EmbeddedSubscription {
    pub(super) broker: Arc<Broker>,
    pub(super) queue: usize,
    pub(super) id: u64,
    pub(super) prefetch: usize,
}

#[async_trait]
impl Subscription for EmbeddedSubscription {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, Fault> {
        loop {
            // It hears of everything from here on, so that nothing that becomes ready after the look is missed.
            let woken = self.broker.woken(self.queue);
            match self.take()? {
                Taken::Message(message) => return Ok(self.deliver(message)),
                Taken::Again => tokio::task::yield_now().await,
                Taken::Nothing(None) => woken.await,
                Taken::Nothing(Some(due)) => {
                    // A millisecond more: the clock counts whole ones, and must have got there.
                    let wait = due.min(LOOK_AGAIN) + Duration::from_millis(1);
                    let _ = tokio::time::timeout(wait, woken).await;
                }
            }
        }
    }
}

impl EmbeddedSubscription {
    fn take(&self) -> Result<Taken, Fault> {
        self.broker.take(self.queue, self.id, self.prefetch)
    }

    fn deliver(&self, message: Ready) -> Box<dyn Delivery> {
        let hold = Hold { queue: self.queue, subscription: self.id, seq: message.seq };
        Box::new(EmbeddedDelivery { broker: Arc::clone(&self.broker), hold, message, acked: false })
    }
}

impl Drop for EmbeddedSubscription {
    fn drop(&mut self) {
        self.broker.unsubscribe(self.queue, self.id);
    }
}

struct EmbeddedDelivery {
    broker: Arc<Broker>,
    hold: Hold,
    message: Ready,
    acked: bool,
}

#[async_trait]
impl Delivery for EmbeddedDelivery {
    fn event(&self) -> &Event {
        &self.message.event
    }

    fn attempts(&self) -> u32 {
        self.message.failures.attempts
    }

    async fn ack(mut self: Box<Self>) -> Result<(), Fault> {
        self.acked = true;
        self.broker.ack(self.hold)
    }

    async fn nack(self: Box<Self>, nack: Nack) -> Result<Settled, Fault> {
        self.broker.nack(self.hold, &self.message, nack).await
    }
}

impl Drop for EmbeddedDelivery {
    /// Gives the message back, unless it was settled or is being settled.
    fn drop(&mut self) {
        if !self.acked {
            self.broker.give_back(self.hold);
        }
    }
}

impl fmt::Debug for EmbeddedDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedDelivery").field("hold", &self.hold).finish_non_exhaustive()
    }
}
