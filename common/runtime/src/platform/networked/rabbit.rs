//! What the settings say of the broker: one URI, or its parts.

use bus::rabbit::RabbitSettings;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use telemetry::Metrics;

use crate::settings::{SettingError, Settings};

/// What may stand as it is in the user's part of a URI (RFC 3986, unreserved).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The broker; `None` when none is set.
pub fn rabbit_settings(
    settings: &Settings,
    metrics: &Metrics,
) -> Result<Option<RabbitSettings>, SettingError> {
    let Some(uri) = uri(settings) else { return Ok(None) };
    let ca_cert_pem = match settings.text("RABBITMQ_CACERT") {
        Some(path) => Some(std::fs::read(path).map_err(|error| {
            SettingError::new("RABBITMQ_CACERT", format!("{path:?} cannot be read: {error}"))
        })?),
        None => None,
    };
    let name = format!("ordermesh {}", std::process::id());
    Ok(Some(RabbitSettings { ca_cert_pem, ..RabbitSettings::new(uri, name, metrics.clone()) }))
}

fn uri(settings: &Settings) -> Option<String> {
    if let Some(uri) = settings.text("RABBITMQ_URL") {
        return Some(uri.to_owned());
    }
    let host = settings.text("RABBITMQ_HOST")?;
    let encoded = |name, default| utf8_percent_encode(settings.text(name).unwrap_or(default), RESERVED);
    let (user, password) = (encoded("RABBITMQ_USER", "guest"), encoded("RABBITMQ_PASS", "guest"));
    let port = settings.text("RABBITMQ_PORT").unwrap_or("5672");
    Some(format!("amqp://{user}:{password}@{host}:{port}/%2f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_make_a_uri_whatever_the_password_has_in_it() {
        let parts = Settings::defaults()
            .with("RABBITMQ_HOST", "broker")
            .with("RABBITMQ_USER", "mesh")
            .with("RABBITMQ_PASS", "a/b@c:d%");
        assert_eq!(uri(&parts).as_deref(), Some("amqp://mesh:a%2Fb%40c%3Ad%25@broker:5672/%2f"));
        assert_eq!(uri(&parts.with("RABBITMQ_URL", "amqp://x")).as_deref(), Some("amqp://x"));
        assert_eq!(uri(&Settings::defaults()), None);
    }
}
