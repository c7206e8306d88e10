//! Driving adapters: calls, events and time.

pub(crate) mod convert;
pub(crate) mod events;
pub(crate) mod figures;
pub(crate) mod grpc;
pub(crate) mod timers;
