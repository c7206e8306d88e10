//! What becomes of a delivery that was not handled: it is published to where it goes next, and acked once that is safe.
//!
//! Never given back with a requeue: a quorum queue counts those, and a fault of the store must not bring a message
//! nearer to its dead-letter queue.

use common::{Backoff, Fault};

use super::{
    Core,
    message::{self, Failures},
    sender::Outgoing,
    subscription::Received,
};
use crate::port::{Nack, Settled, reason};

/// The pauses while the broker does not take what a delivery becomes.
const BACKOFF: Backoff =
    Backoff { base: std::time::Duration::from_millis(100), cap: std::time::Duration::from_secs(5) };

/// Where a delivery goes.
pub(super) enum Fate {
    Back(Failures),
    /// Up the ladder, or past its end.
    Climbs(Failures, Fault),
    Buried(Failures, Fault),
}

impl Fate {
    pub(super) fn of(nack: Nack, failures: Failures) -> Self {
        match nack {
            Nack::Requeue => Self::Back(failures),
            Nack::Retry(fault) => Self::Climbs(failures, fault),
            Nack::DeadLetter(fault) => Self::Buried(failures, fault),
        }
    }
}

/// Does it, however long the broker takes, as long as the delivery is ours. A message that is published and then
/// cannot be acked comes twice, as any may.
pub(super) async fn settle(received: Received, fate: Fate) -> Result<Settled, Fault> {
    let (outgoing, settled) = received.outgoing(fate);
    let mut failures = 0;
    while let Err(fault) = received.core.sender.send_one(&outgoing).await {
        if received.in_hand.is_lost() || received.acker.poisoned() {
            return Err(fault);
        }
        failures += 1;
        tokio::time::sleep(BACKOFF.delay(failures, &*received.core.random)).await;
    }
    if settled == Settled::Retried {
        received.core.in_flight.climbs(received.place, &received.core.plan, &outgoing.exchange);
    }
    received.ack().await?;
    Ok(settled)
}

impl Received {
    fn outgoing(&self, fate: Fate) -> (Outgoing, Settled) {
        let queue = &self.core.plan.queues[self.place];
        let now = self.core.clock.now();
        match fate {
            Fate::Back(failures) => (self.to(String::new(), &queue.name, &failures), Settled::Requeued),
            Fate::Climbs(failures, fault) => match step(&self.core, failures.attempts) {
                Some(exchange) => {
                    let failures = failures.and_one(now, reason(&fault));
                    (self.to(exchange, &queue.name, &failures), Settled::Retried)
                }
                None => self.outgoing(Fate::Buried(failures, fault)),
            },
            Fate::Buried(failures, fault) => {
                let mut letter = self.to(String::new(), &queue.dead, &failures.and_one(now, reason(&fault)));
                letter.properties = message::with_letter_id(letter.properties, self.core.letter_id());
                (letter, Settled::DeadLettered)
            }
        }
    }

    fn to(&self, exchange: String, routing_key: &str, failures: &Failures) -> Outgoing {
        Outgoing {
            exchange,
            routing_key: routing_key.to_owned(),
            properties: message::again(&self.message.properties, failures),
            body: self.message.body.clone(),
        }
    }
}

fn step(core: &Core, attempts: u32) -> Option<String> {
    core.plan.ladder.get(usize::try_from(attempts).ok()?).map(|step| step.name.clone())
}
