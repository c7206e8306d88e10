//! The settings of payments, checked before anything binds. A plain struct: the all-in-one program fills in addresses
//! that it knows only once ports are bound.

use std::{fmt, net::SocketAddr, time::Duration};

use runtime::{SettingError, Settings};

/// Stripe's own address.
pub const STRIPE: &str = "https://api.stripe.com";
/// The key for a sandbox when none is set: it takes any test key.
const SANDBOX_KEY: &str = "sk_test_ordermesh";

#[derive(Clone)]
pub struct Config {
    pub secret_key: String,
    /// Any of them may have signed a webhook.
    pub webhook_secrets: Vec<String>,
    /// Where the provider is called; empty until the program knows its sandbox's address.
    pub api_base: String,
    pub checkout_ttl: Duration,
    pub reconcile_interval: Duration,
    /// Base of the pages that the provider sends customers back to.
    pub public_url: String,
}

impl Config {
    /// Reads the settings. `api_base` is empty when neither a key nor a base is set: the program may put its sandbox
    /// there, and [`Config::check`] tells of it otherwise.
    pub fn load(settings: &Settings) -> Result<Self, SettingError> {
        let key = settings.text("STRIPE_SECRET_KEY");
        let base = settings.text("STRIPE_API_BASE").or(key.map(|_| STRIPE)).unwrap_or_default();
        Ok(Self {
            secret_key: key.unwrap_or(SANDBOX_KEY).to_owned(),
            webhook_secrets: settings.list("STRIPE_WEBHOOK_SECRET"),
            api_base: base.trim_end_matches('/').to_owned(),
            checkout_ttl: Duration::from_secs(settings.require("CHECKOUT_TTL_S")?),
            reconcile_interval: Duration::from_secs(settings.require("RECONCILE_INTERVAL_S")?),
            public_url: public_url(settings)?,
        })
    }

    /// Finds what is missing or contradicts itself.
    pub fn check(&self) -> Result<(), SettingError> {
        if self.api_base.is_empty() {
            return Err(SettingError::new("STRIPE_SECRET_KEY", "is not set, and neither is STRIPE_API_BASE"));
        }
        let live = ["sk_live_", "rk_live_"].iter().any(|prefix| self.secret_key.starts_with(prefix));
        if live && self.api_base != STRIPE {
            return Err(SettingError::new(
                "STRIPE_API_BASE",
                "a live key is sent to Stripe's own address only",
            ));
        }
        if !(2100..=86_100).contains(&self.checkout_ttl.as_secs()) {
            return Err(SettingError::new("CHECKOUT_TTL_S", "is not within 2100 and 86100"));
        }
        Ok(())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("api_base", &self.api_base)
            .field("checkout_ttl", &self.checkout_ttl)
            .field("reconcile_interval", &self.reconcile_interval)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

fn public_url(settings: &Settings) -> Result<String, SettingError> {
    if let Some(url) = settings.text("PUBLIC_URL") {
        return Ok(url.to_owned());
    }
    let http: Option<SocketAddr> = settings.get("HTTP_ADDR")?;
    Ok(http.map_or_else(String::new, |address| format!("http://localhost:{}", address.port())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_key_never_leaves_for_another_address_than_stripes() {
        let settings = Settings::defaults().with("STRIPE_SECRET_KEY", "sk_live_1");
        Config::load(&settings).unwrap().check().unwrap();
        let elsewhere = settings.with("STRIPE_API_BASE", "http://127.0.0.1:8090");
        let error = Config::load(&elsewhere).unwrap().check().unwrap_err();
        assert_eq!(error.name, "STRIPE_API_BASE");
    }

    #[test]
    fn without_a_key_and_a_base_there_is_no_provider() {
        let config = Config::load(&Settings::defaults()).unwrap();
        assert_eq!(config.check().unwrap_err().name, "STRIPE_SECRET_KEY");
        assert_eq!(config.public_url, "http://localhost:8080");
        let filled = Config { api_base: "http://127.0.0.1:9".into(), ..config };
        filled.check().unwrap();
        assert!(!format!("{filled:?}").contains("sk_test"));
    }
}
