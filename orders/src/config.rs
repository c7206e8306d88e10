//! The settings of the orders service, checked before anything binds.

mod notifying;

use std::time::Duration;

use runtime::{SettingError, Settings};

pub use notifying::{Notifying, Recipient, SmtpConfig, WebhookConfig};

/// What the service is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Life of a checkout session; the hold's follows from it.
    pub checkout_ttl: Duration,
    /// The deadline that requests enter the mesh with; steps of the saga get as long.
    pub request_deadline: Duration,
    /// Who is told of what happens.
    pub notifying: Notifying,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            checkout_ttl: Duration::from_secs(2700),
            request_deadline: Duration::from_millis(5000),
            notifying: Notifying::Log,
        }
    }
}

impl Config {
    /// Reads `CHECKOUT_TTL_S`, `REQUEST_DEADLINE_MS`, `NOTIFIER` and what that needs.
    pub fn load(settings: &Settings) -> Result<Self, SettingError> {
        let default = Self::default();
        let seconds: Option<u64> = settings.get("CHECKOUT_TTL_S")?;
        let millis: Option<u64> = settings.get("REQUEST_DEADLINE_MS")?;
        Ok(Self {
            checkout_ttl: seconds.map_or(default.checkout_ttl, Duration::from_secs),
            request_deadline: millis.map_or(default.request_deadline, Duration::from_millis),
            notifying: Notifying::load(settings)?,
        })
    }
}
