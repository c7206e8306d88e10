//! The program as a library, so that tests can run whole meshes: everything in one process, single roles, and the
//! operator commands. The only crate that sees more than one service.

pub mod all_in_one;
pub mod alone;
pub mod cli;
pub mod demo;
pub mod doctor;
pub mod failure;
pub mod listeners;
pub mod operator;
pub mod pages;
pub mod role;
pub mod rules;
pub mod run;
pub mod verify;

mod client;
mod folders;
mod http_server;
mod output;
#[cfg(feature = "networked")]
mod servers;
mod table;
