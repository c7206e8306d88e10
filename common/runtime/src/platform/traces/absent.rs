//! No exporter in this build.

use std::sync::Arc;

use telemetry::Traces;

use super::{ENDPOINT, Process};
use crate::{Platform, SettingError, Settings};

pub(super) fn check(_: &Settings, _: &str) -> Result<(), SettingError> {
    Err(absent())
}

pub(super) fn start(
    _: &Settings,
    _: &str,
    _: Process,
    _: &Platform,
) -> Result<Arc<dyn Traces>, SettingError> {
    Err(absent())
}

fn absent() -> SettingError {
    let problem = "needs a build with the networked adapters (cargo feature `networked`); this build exports no \
                   traces: unset it";
    SettingError::new(ENDPOINT, problem)
}
