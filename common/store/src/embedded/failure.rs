//! How fjall's errors read as our faults.

use common::Fault;

/// The store's own trouble: `unavailable`, with what was attempted in the detail.
pub(super) fn unavailable(attempted: impl std::fmt::Display, error: &fjall::Error) -> Fault {
    Fault::unavailable(format!("{attempted}: {}", text(error)))
}

/// The plain text of an error; fjall's own puts a Rust value there.
pub(super) fn text(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) => error.to_string(),
        fjall::Error::Storage(fjall::LsmError::Io(error)) => error.to_string(),
        fjall::Error::Poisoned => "a write or sync to disk failed before".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What everybody gets once the writer has stopped.
pub(super) fn stopped() -> Fault {
    Fault::unavailable("the embedded store has stopped")
}
