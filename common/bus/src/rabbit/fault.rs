//! What the client library reports, as the bus speaks of it.

use std::{future::Future, time::Duration};

use common::Fault;
use lapin::ErrorKind;

/// How long the broker may take to answer a request.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// AMQP reply codes.
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;
const RESOURCE_LOCKED: u16 = 405;

/// An error of the client: the broker is away, or refused something that is right once it is set up.
pub(super) fn unavailable(what: &str, error: &lapin::Error) -> Fault {
    Fault::unavailable(format!("rabbitmq: {what}: {error}"))
}

/// Waits for an answer of the broker, for a while.
pub(super) async fn answer<T>(
    what: &str,
    request: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(ANSWER_LIMIT, request).await {
        Ok(result) => result.map_err(|error| unavailable(what, &error)),
        Err(_) => Err(Fault::unavailable(format!("rabbitmq: {what}: no answer in {ANSWER_LIMIT:?}"))),
    }
}

/// Whether someone else has exclusive use of the thing.
pub(super) fn is_locked(error: &lapin::Error) -> bool {
    reply_code(error) == Some(RESOURCE_LOCKED)
}

/// What an operator should do about a refused declaration, when that is the matter.
pub(super) fn remedy(error: &lapin::Error) -> Option<&'static str> {
    match reply_code(error)? {
        PRECONDITION_FAILED => Some(
            "the broker has this queue or exchange with other properties: stop the mesh, drain and delete it \
             (rabbitmqctl delete_queue NAME), or use another virtual host; it is declared anew by itself",
        ),
        ACCESS_REFUSED => Some(
            "the user may not log in or declare here: rabbitmqctl set_permissions -p VHOST USER '.*' '.*' '.*'",
        ),
        _ => None,
    }
}

fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
