//! Real servers for the suites of the networked adapters: on loopback, on free ports, with folders of their own.
//!
//! Each is a process of its own that ends when its handle is dropped, and also when the test's process is killed:
//! nothing outlives a run. A server that is not installed is a failure that says what to run; no test skips.
//! A suite that shares one keeps it in a `static tokio::sync::OnceCell` (`get_or_try_init(RabbitMq::start)`).

mod consul;
mod failure;
mod folder;
mod mongo;
mod ports;
mod process;
mod program;
mod rabbitmq;
mod ready;
mod server;
mod stripe_mock;

pub use consul::Consul;
pub use failure::Failure;
pub use mongo::Mongo;
pub use ports::free_ports;
pub use process::{Launch, Process};
pub use rabbitmq::RabbitMq;
pub use server::Server;
pub use stripe_mock::StripeMock;
