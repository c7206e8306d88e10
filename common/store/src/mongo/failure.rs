//! How the driver's errors read as our faults, and how long an operation may take.

use std::{future::IntoFuture, time::Duration};

use common::{Call, Deadline, Fault};
use mongodb::error::{Error, ErrorKind, WriteFailure};

/// How long to look for a server that takes the operation.
pub(super) const SELECTION_LIMIT: Duration = Duration::from_millis(1500);
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// How long one operation may take, whatever the caller's deadline.
pub(super) const OPERATION_LIMIT: Duration = Duration::from_secs(5);

/// A unique key is there already.
const DUPLICATE_KEY: i32 = 11000;
/// BadValue, FailedToParse, TypeMismatch, BSONObjectTooLarge, the same while inserting, nested too deeply: trying
/// again never helps.
const OURS: [i32; 6] = [2, 9, 14, 10334, 17419, 15];

/// Waits for the operation as long as it may take: until its own limit, or the deadline of the present call.
/// `version_conflict` for a duplicate key, `internal` for what the server calls malformed, else `unavailable`.
pub(super) async fn bounded<T>(
    attempted: &str,
    operation: impl IntoFuture<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout_at(deadline().instant(), operation.into_future()).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(fault(attempted, &error)),
        Err(_) => Err(Fault::unavailable(format!("{attempted}: no answer from MongoDB in time"))),
    }
}

/// When an operation that begins now must have ended.
pub(super) fn deadline() -> Deadline {
    let limit = Deadline::after(OPERATION_LIMIT);
    Call::current().map_or(limit, |call| limit.min(call.deadline))
}

pub(super) fn fault(attempted: &str, error: &Error) -> Fault {
    match code(error) {
        Some(DUPLICATE_KEY) => Fault::version_conflict(format!("{attempted}: it is there already")),
        Some(code) if OURS.contains(&code) => Fault::internal(format!("{attempted}: {error}")),
        _ => Fault::unavailable(format!("{attempted}: {error}")),
    }
}

/// The server's code. Which index a duplicate broke is only in the text, and it differs by server: the code decides.
fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        _ => None,
    }
}
