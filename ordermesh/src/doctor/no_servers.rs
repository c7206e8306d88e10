//! What stands for the checks of servers in a build without the networked adapters: nothing, as their settings are
//! refused before.

use runtime::Settings;

use super::probe::Probe;

pub(super) fn probes(_: &Settings) -> Vec<Probe> {
    Vec::new()
}
