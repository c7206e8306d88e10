//! The operator commands: each asks a running mesh over HTTP, or the servers themselves where their settings are
//! there, and prints text for a person or JSON for a machine.

pub mod command;
mod dlq;
mod gateway;
#[cfg(feature = "networked")]
mod networked;
#[cfg(not(feature = "networked"))]
#[path = "operator/not_networked.rs"]
mod networked;
mod order;
mod ps;

use common::{Code, Fault};
use runtime::Settings;

pub use command::{Dlq, Operation, Which};

use crate::{client::Client, doctor, failure::Failure};

/// Runs one command to its end.
pub async fn run(operation: &Operation, settings: &Settings, json: bool) -> Result<(), Failure> {
    match operation {
        Operation::Dlq(dlq) => dlq::run(dlq, settings, json).await,
        Operation::Ps => ps::run(settings, json).await,
        Operation::Order(id) => order::run(id, settings, json).await,
        Operation::Doctor => doctor::run(settings, json).await,
    }
}

/// The gateway of the mesh that the settings speak of.
fn gateway(settings: &Settings) -> Result<Client, Failure> {
    Client::new(&crate::client::base(settings)).map_err(failed)
}

/// A fault as one line: what the person asked for wrongly is usage.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn failed(fault: Fault) -> Failure {
    match (fault.code(), fault.detail()) {
        (Code::InvalidParameter, _) => Failure::Usage(fault.public().to_owned()),
        (Code::Unavailable, Some(detail)) => Failure::Running(detail.to_owned()),
        (Code::Internal, _) => Failure::Running(fault.to_string()),
        _ => Failure::Running(fault.public().to_owned()),
    }
}
