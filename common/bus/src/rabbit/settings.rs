//! What the adapter must be told, and whether it makes sense, before anything connects.

use std::{fmt, time::Duration};

use common::{Code, Fault};
use lapin::{tcp::OwnedTLSConfig, uri::AMQPUri};
use telemetry::Metrics;

use crate::port::RETRY_LADDER;

/// How often each side shows that it is alive, in seconds, unless the URI says otherwise; a peer that is silent for
/// twice as long is gone.
const HEARTBEAT_SECS: u16 = 5;

/// Where the broker is and how to speak to it.
#[derive(Clone)]
pub struct RabbitSettings {
    /// `amqp://user:password@host:port/vhost`, or `amqps://…` for TLS.
    pub uri: String,
    /// Certificates (PEM) that are trusted besides the public ones.
    pub ca_cert_pem: Option<Vec<u8>>,
    /// The name of the connections, as the broker's operators see them.
    pub name: String,
    /// What the name of every exchange and queue begins with, for several meshes on one virtual host; mostly empty.
    pub prefix: String,
    /// The pauses between the attempts at a failing message.
    pub ladder: Vec<Duration>,
    pub metrics: Metrics,
}

impl RabbitSettings {
    /// With the usual names and pauses.
    #[must_use]
    pub fn new(uri: impl Into<String>, name: impl Into<String>, metrics: Metrics) -> Self {
        Self {
            uri: uri.into(),
            ca_cert_pem: None,
            name: name.into(),
            prefix: String::new(),
            ladder: RETRY_LADDER.to_vec(),
            metrics,
        }
    }
}

impl fmt::Debug for RabbitSettings {
    /// Without the URI, which holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, prefix, ladder, .. } = self;
        f.debug_struct("RabbitSettings")
            .field("name", name)
            .field("prefix", prefix)
            .field("ladder", ladder)
            .finish_non_exhaustive()
    }
}

/// The settings of the transport, checked.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) uri: AMQPUri,
    pub(super) tls: OwnedTLSConfig,
}

impl Address {
    /// `invalid_parameter` when it can never work. No text here repeats the URI: it holds a password.
    pub(super) fn of(settings: &RabbitSettings) -> Result<Self, Fault> {
        if settings.uri.contains('[') {
            return Err(wrong("the RabbitMQ URI has an IPv6 address; give a host name instead"));
        }
        let parsed = settings.uri.parse::<AMQPUri>();
        let mut uri = parsed.map_err(|_| {
            wrong("the RabbitMQ URI is not of the form amqp[s]://user:password@host:port/vhost")
        })?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECS);
        if uri.vhost.is_empty() {
            // What is meant by a slash at the end is hardly ever a virtual host without a name.
            uri.vhost = "/".to_owned();
        }
        let cert_chain = settings.ca_cert_pem.as_deref().map(certificates).transpose()?;
        Ok(Self { uri, tls: OwnedTLSConfig { identity: None, cert_chain } })
    }

    /// Host and port, for log lines.
    pub(super) fn peer(&self) -> String {
        format!("{}:{}", self.uri.authority.host, self.uri.authority.port)
    }
}

fn certificates(pem: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(pem).ok().filter(|text| text.contains("-----BEGIN CERTIFICATE-----"));
    text.map(str::to_owned).ok_or_else(|| wrong("the CA file for RabbitMQ has no certificate in PEM form"))
}

fn wrong(text: &'static str) -> Fault {
    Fault::new(Code::InvalidParameter, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(uri: &str) -> Result<Address, Fault> {
        Address::of(&RabbitSettings::new(uri, "test", Metrics::new()))
    }

    #[test]
    fn a_uri_is_read_with_its_defaults() {
        let Address { uri, .. } = address("amqps://mesh:s%20t@broker").unwrap();
        assert_eq!((uri.authority.port, uri.vhost.as_str(), uri.query.heartbeat), (5671, "/", Some(5)));
        assert_eq!(uri.authority.userinfo.password, "s t");
        assert_eq!(address("amqp://broker:1/").unwrap().uri.vhost, "/");
        assert_eq!(address("amqp://broker/mesh?heartbeat=30").unwrap().uri.query.heartbeat, Some(30));
    }

    #[test]
    fn what_can_never_work_is_refused_without_telling_the_password() {
        for uri in ["http://mesh:secret@broker", "mesh:secret@broker:5672", "amqp://mesh:secret@[::1]:5672"] {
            let fault = address(uri).err().unwrap();
            assert_eq!(fault.code(), Code::InvalidParameter, "{uri}");
            assert!(!fault.to_string().contains("secret"));
        }
        let mut settings = RabbitSettings::new("amqps://broker", "test", Metrics::new());
        settings.ca_cert_pem = Some(b"no certificate".to_vec());
        assert!(Address::of(&settings).is_err());
    }
}
