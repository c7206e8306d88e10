//! Whole meshes, driven from outside as customers, staff and operators would.

mod journey;
mod support;
