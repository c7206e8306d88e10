//! Whole meshes, driven from outside as customers, staff and operators would.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod buyers;
mod cli;
mod crash_points;
mod floods;
mod following;
mod grpc;
mod journey;
mod killed;
mod money;
mod monitoring;
mod operator;
mod outage;
mod placing;
mod provider_faults;
mod support;
