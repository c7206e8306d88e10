//! The kitchen's typed settings.

use runtime::{SettingError, Settings};

#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// The kitchen cooks by itself, for demos.
    pub autopilot: bool,
}

impl Config {
    pub fn load(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self { autopilot: settings.switch("KITCHEN_AUTOPILOT")? })
    }
}
