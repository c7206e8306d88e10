//! Publish and consume events at least once: the ports, the topology, the outbox relay and the adapters.

pub mod consumer;
pub mod embedded;
mod metrics;
pub mod port;
#[cfg(feature = "networked")]
pub mod rabbit;
pub mod relay;
pub mod topology;

pub use consumer::{Consumer, Handler};
pub use port::{
    Bus, DeadLetter, DeadLetters, Delivery, Event, LiveHints, Nack, Publisher, QueueDepth, RETRY_LADDER,
    Settled, Subscriber, Subscription,
};
pub use relay::OutboxRelay;
pub use topology::{QueueSpec, Topology};
