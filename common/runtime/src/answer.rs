//! The last step of every gRPC method: a fault becomes a status, and what is our own fault becomes a log line.

use common::{Fault, Kind};
use contracts::status::to_status;
use tonic::Status;

/// The status for the caller; internal faults are logged here with their detail, and nowhere else.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
#[must_use]
pub fn status(fault: Fault) -> Status {
    match fault.kind() {
        Kind::Internal => tracing::error!(%fault, "call failed"),
        Kind::Unavailable => tracing::debug!(%fault, "call failed"),
        _ => {}
    }
    to_status(&fault)
}
