//! Why a server is not there. `unwrap()` prints it as a sentence, with the end of the server's log.

use std::{fmt, io, path::Path};

#[derive(Clone)]
pub struct Failure {
    text: String,
    ended: bool,
}

impl Failure {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ended: false }
    }

    /// The program ended by itself: often another one was quicker to take a port.
    pub(super) fn ended(text: impl Into<String>) -> Self {
        Self { text: text.into(), ended: true }
    }

    pub(super) fn io(what: &str, path: &Path, cause: &io::Error) -> Self {
        Self::new(format!("{what} {}: {cause}", path.display()))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}
