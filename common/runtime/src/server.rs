//! gRPC servers with limits, health, reflection and an ordered stop.
