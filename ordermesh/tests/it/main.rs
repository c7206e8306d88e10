//! Whole meshes, driven from outside as customers, staff and operators would.

mod bad_input;
mod cli;
mod following;
mod grpc;
mod journey;
mod money;
mod placing;
mod support;
