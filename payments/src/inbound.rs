//! Driving adapters: calls, events, the inbox worker and the sweeps.

pub(crate) mod convert;
pub(crate) mod events;
pub(crate) mod grpc;
pub(crate) mod inbox_worker;
pub(crate) mod supervised;
pub(crate) mod sweeps;
pub(crate) mod turns;
