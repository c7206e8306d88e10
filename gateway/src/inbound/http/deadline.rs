//! The deadline that enters the mesh here: every call that a request makes sees what is left of it.

use common::{Call, Fault};
use tokio::time::timeout_at;

/// Runs the request as this call; `deadline_exceeded` when the call's deadline passes first. The head of the answer
/// counts, not its body: a stream may go on.
pub(crate) async fn run<T>(call: Call, request: impl Future<Output = T>) -> Result<T, Fault> {
    timeout_at(call.deadline.instant(), call.scope(request))
        .await
        .map_err(|_| Fault::deadline_exceeded("the request's own deadline"))
}
