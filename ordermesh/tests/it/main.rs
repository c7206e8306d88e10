//! Whole meshes, driven from outside as customers, staff and operators would.

mod cli;
mod journey;
mod support;
