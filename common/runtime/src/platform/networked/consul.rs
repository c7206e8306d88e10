//! What the settings say of the Consul agent.

use std::path::PathBuf;

use mesh::discovery::consul::{CheckBy, ClientCertificate, ConsulSettings};

use crate::settings::{SettingError, Settings};

/// Where the last good sets of endpoints are kept, below the data folder.
const KEPT: &str = "consul";

/// The agent; `None` when none is set.
pub fn consul_settings(settings: &Settings) -> Result<Option<ConsulSettings>, SettingError> {
    let Some(address) = settings.text("CONSUL_ADDR") else { return Ok(None) };
    let text = |name| settings.text(name).map(str::to_owned);
    let path = |name| settings.text(name).map(PathBuf::from);
    let client_certificate = match (path("CONSUL_CLIENT_CERT"), path("CONSUL_CLIENT_KEY")) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            return Err(SettingError::new("CONSUL_CLIENT_KEY", "is not set, but CONSUL_CLIENT_CERT is"));
        }
        (None, Some(_)) => {
            return Err(SettingError::new("CONSUL_CLIENT_CERT", "is not set, but CONSUL_CLIENT_KEY is"));
        }
    };
    Ok(Some(ConsulSettings {
        token: text("CONSUL_HTTP_TOKEN"),
        ca_cert: path("CONSUL_CACERT"),
        client_certificate,
        datacenter: text("CONSUL_DATACENTER"),
        check_by: settings.get::<CheckBy>("CONSUL_CHECK")?.unwrap_or_default(),
        keep: path("DATA_DIR").map(|folder| folder.join(KEPT)),
        ..ConsulSettings::new(address)
    }))
}
