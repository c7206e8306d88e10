//! Contradictions between settings, found before anything binds: one line each.

use std::net::SocketAddr;

use runtime::{SettingError, Settings, platform::NETWORKED};

/// Settings that only a build with the networked adapters can follow.
const NETWORKED_ONLY: [&str; 4] = ["CONSUL_ADDR", "RABBITMQ_URL", "RABBITMQ_HOST", "MONGODB_URI"];
/// Addresses that speak without authentication or identity.
const UNGUARDED: [&str; 7] = [
    "HTTP_ADDR",
    "ORDERS_GRPC_ADDR",
    "PAYMENTS_GRPC_ADDR",
    "STOCK_GRPC_ADDR",
    "KITCHEN_GRPC_ADDR",
    "GRPC_ADDR",
    "SANDBOX_ADDR",
];
const STRIPE_API: &str = "https://api.stripe.com";

/// Stops at the first contradiction.
pub fn check(settings: &Settings) -> Result<(), SettingError> {
    check_networked(settings)?;
    runtime::platform::check_traces(settings)?;
    check_identity(settings)?;
    check_exposure(settings)?;
    check_public_url(settings)?;
    check_stripe(settings)?;
    orders::config::Config::load(settings).map(drop)
}

fn check_networked(settings: &Settings) -> Result<(), SettingError> {
    match NETWORKED_ONLY.into_iter().find(|name| !NETWORKED && settings.is_set(name)) {
        Some(name) => Err(SettingError::new(
            name,
            "needs a build with the networked adapters (cargo feature `networked`); this build has the embedded ones: unset it",
        )),
        None => Ok(()),
    }
}

fn check_identity(settings: &Settings) -> Result<(), SettingError> {
    match settings.text("IDENTITY") {
        None | Some("off") => Ok(()),
        Some(other) => {
            Err(SettingError::new("IDENTITY", format!("{other:?} is not in this build; it has off only")))
        }
    }
}

fn check_exposure(settings: &Settings) -> Result<(), SettingError> {
    if settings.switch("INSECURE")? {
        return Ok(());
    }
    for name in UNGUARDED {
        if let Some(address) = settings.get::<SocketAddr>(name)?.filter(|a| !a.ip().is_loopback()) {
            return Err(SettingError::new(
                name,
                format!(
                    "{address} can be reached from other machines without authentication; set INSECURE=on if that is meant"
                ),
            ));
        }
    }
    Ok(())
}

fn check_public_url(settings: &Settings) -> Result<(), SettingError> {
    let wildcard =
        settings.get::<SocketAddr>("HTTP_ADDR")?.is_some_and(|address| address.ip().is_unspecified());
    if wildcard && settings.text("PUBLIC_URL").is_none() {
        return Err(SettingError::new(
            "PUBLIC_URL",
            "is not set, and HTTP_ADDR is a wildcard: links need a base",
        ));
    }
    Ok(())
}

fn check_stripe(settings: &Settings) -> Result<(), SettingError> {
    let live = settings.text("STRIPE_SECRET_KEY").is_some_and(|key| key.starts_with("sk_live_"));
    let elsewhere =
        settings.text("STRIPE_API_BASE").is_some_and(|base| base.trim_end_matches('/') != STRIPE_API);
    if live && elsewhere {
        return Err(SettingError::new(
            "STRIPE_API_BASE",
            "is not Stripe's, and STRIPE_SECRET_KEY is a live key",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contradiction_is_refused_by_the_setting_to_change() {
        for (pairs, name) in [
            (vec![("HTTP_ADDR", "192.0.2.1:80")], "HTTP_ADDR"),
            (vec![("SANDBOX_ADDR", "0.0.0.0:1")], "SANDBOX_ADDR"),
            (vec![("HTTP_ADDR", "0.0.0.0:80"), ("INSECURE", "on")], "PUBLIC_URL"),
            (
                vec![("STRIPE_SECRET_KEY", "sk_live_1"), ("STRIPE_API_BASE", "http://127.0.0.1:1")],
                "STRIPE_API_BASE",
            ),
            (vec![("IDENTITY", "consul")], "IDENTITY"),
            (vec![("NOTIFIER", "smtp")], "SMTP_URL"),
        ] {
            let settings = pairs.into_iter().fold(Settings::defaults(), |s, (n, text)| s.with(n, text));
            assert_eq!(check(&settings).unwrap_err().name, name);
        }
        assert_eq!(check(&Settings::defaults()), Ok(()));
    }

    #[test]
    fn only_a_build_with_the_networked_adapters_takes_their_settings() {
        let settings = Settings::defaults().with("RABBITMQ_URL", "amqp://127.0.0.1");
        assert_eq!(check(&settings).is_ok(), NETWORKED);
    }
}
