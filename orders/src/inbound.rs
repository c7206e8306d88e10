//! Who calls this service: gRPC, events, hints and sweeps.

pub mod convert;
pub mod events;
pub mod figures;
pub mod grpc;
pub mod hints;
pub mod sweeps;
