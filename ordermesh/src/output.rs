//! What operators read on stdout: text for a person, JSON for a machine.

use std::io::{self, Write as _};

use crate::failure::Failure;

/// Prints data for a machine.
pub(crate) fn print_json<T: serde::Serialize>(data: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(data).map_err(|error| Failure::Running(error.to_string()))?;
    print(&format!("{text}\n"))
}

/// Prints text for a person. A closed pipe is not our failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Running(format!("stdout: {error}")))
        }
        _ => Ok(()),
    }
}
