//! Whole meshes, driven from outside as customers, staff and operators would.

mod buyers;
mod cli;
mod crash_points;
mod journey;
mod killed;
mod outage;
mod provider_faults;
mod support;
