//! The gateway's settings, validated before anything binds.

use std::time::Duration;

use runtime::{SettingError, Settings};

/// Stripe's own address; any other base is a sandbox and takes no real money.
const STRIPE: &str = "https://api.stripe.com";

/// What the gateway is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Base of the links that leave the mesh, such as `http://localhost:8080`.
    pub public_url: String,
    /// The deadline that each request gets.
    pub request_deadline: Duration,
    /// Payments go to a sandbox: pages and `/ready` say so.
    pub test_mode: bool,
}

impl Config {
    /// Reads the settings. A `PUBLIC_URL` that is not set follows `HTTP_ADDR`; a caller that binds port 0 puts the
    /// bound port into the settings first. A gateway that cannot tell assumes test mode off; the all-in-one program
    /// knows better and sets the field.
    pub fn load(settings: &Settings) -> Result<Self, SettingError> {
        let public_url = match settings.text("PUBLIC_URL") {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => default_public_url(settings)?,
        };
        let base = settings.text("STRIPE_API_BASE");
        Ok(Self {
            public_url,
            request_deadline: Duration::from_millis(settings.require("REQUEST_DEADLINE_MS")?),
            test_mode: base.is_some_and(|base| base.trim_end_matches('/') != STRIPE),
        })
    }
}

fn default_public_url(settings: &Settings) -> Result<String, SettingError> {
    let address: std::net::SocketAddr = settings.require("HTTP_ADDR")?;
    if address.ip().is_unspecified() {
        return Err(SettingError::new("PUBLIC_URL", "is needed because HTTP_ADDR is a wildcard"));
    }
    let host = if address.ip().is_loopback() { "localhost".to_owned() } else { address.to_string() };
    let port = address.port();
    Ok(if address.ip().is_loopback() { format!("http://{host}:{port}") } else { format!("http://{host}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_follow_the_address_unless_public_url_says_otherwise() {
        let url = |settings: Settings| Config::load(&settings).map(|config| config.public_url);
        let defaults = Settings::defaults();
        assert_eq!(url(defaults.clone()).unwrap(), "http://localhost:8080");
        assert_eq!(url(defaults.clone().with("HTTP_ADDR", "10.0.0.7:80")).unwrap(), "http://10.0.0.7:80");
        assert_eq!(
            url(defaults.clone().with("PUBLIC_URL", "https://shop.example.com/")).unwrap(),
            "https://shop.example.com"
        );
        let wildcard = url(defaults.with("HTTP_ADDR", "0.0.0.0:8080")).unwrap_err();
        assert_eq!(wildcard.name, "PUBLIC_URL");
    }
}
