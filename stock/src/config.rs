//! Stock's typed settings.

use runtime::{SettingError, Settings};

#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// Fill in what is missing of the sample menu.
    pub seed: bool,
}

impl Config {
    pub fn load(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self { seed: settings.switch("RUN_SEEDER")? })
    }
}
