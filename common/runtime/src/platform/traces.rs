//! Export of traces, as the settings ask for it; a build without the networked adapters says that it has none.

#[cfg(not(feature = "networked"))]
#[path = "traces/absent.rs"]
mod exporter;
#[cfg(feature = "networked")]
#[path = "traces/otlp.rs"]
mod exporter;

use super::Platform;
use crate::{SettingError, Settings};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// All services, each under its own name.
    AllInOne,
    /// One of them, which may be given another name.
    Role,
}

/// Finds what is wrong with the settings of traces before anything is started.
pub fn check_traces(settings: &Settings) -> Result<(), SettingError> {
    match settings.text(ENDPOINT) {
        Some(endpoint) => exporter::check(settings, endpoint),
        None => Ok(()),
    }
}

impl Platform {
    /// The same platform; its traces leave the process if the settings say where to.
    pub(super) fn exporting(self, settings: &Settings, process: Process) -> Result<Self, SettingError> {
        let Some(endpoint) = settings.text(ENDPOINT) else { return Ok(self) };
        let traces = exporter::start(settings, endpoint, process, &self)?;
        Ok(self.traced(traces))
    }
}
