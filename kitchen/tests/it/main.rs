//! The kitchen as its peers and staff see it: real gRPC and a real bus over an embedded store.

mod board;
mod tickets;
mod world;
