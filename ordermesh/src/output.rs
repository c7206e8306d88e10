//! What operators read on stdout: text for a person, JSON for a machine.

use std::io::{self, Write as _};

use common::Money;
use serde_json::Value;

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

/// An amount as the gateway writes it; empty when there is none.
pub(crate) fn amount(money: &Value) -> String {
    serde_json::from_value::<Money>(money.clone()).map_or_else(|_| String::new(), |money| money.to_string())
}
