//! How to reach the agent, checked before consulrs sees it: it panics at what is refused here.

use std::{fmt, path::PathBuf, str::FromStr};

use common::{Code, Fault};
use http::Uri;

/// Consul's own ports, where the address names none.
const HTTP_PORT: u16 = 8500;
const HTTPS_PORT: u16 = 8501;
/// Longer tokens and datacenters are a mistake.
const MAX_TOKEN: usize = 4096;
const MAX_DATACENTER: usize = 64;

/// The agent and what it is asked.
#[derive(Clone)]
pub struct ConsulSettings {
    /// `host`, `host:port` or an http or https URL without a path.
    pub address: String,
    pub token: Option<String>,
    /// PEM; the system's authorities unless set.
    pub ca_cert: Option<PathBuf>,
    /// What we show an agent that verifies its clients.
    pub client_certificate: Option<ClientCertificate>,
    /// Where instances are looked for; the agent's own unless set.
    pub datacenter: Option<String>,
    pub check_by: CheckBy,
    /// The folder that keeps the last good sets over a restart.
    pub keep: Option<PathBuf>,
}

/// PEM files; the key in PKCS #8.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Who finds out whether an instance is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckBy {
    /// The agent calls the instance.
    #[default]
    Agent,
    /// The instance tells the agent that it lives: for agents that cannot reach it.
    Instance,
}

/// The text is neither of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACheckBy;

impl fmt::Display for NotACheckBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected agent or ttl")
    }
}

impl std::error::Error for NotACheckBy {}

impl FromStr for CheckBy {
    type Err = NotACheckBy;

    fn from_str(text: &str) -> Result<Self, NotACheckBy> {
        match text {
            "agent" => Ok(Self::Agent),
            "ttl" => Ok(Self::Instance),
            _ => Err(NotACheckBy),
        }
    }
}

impl ConsulSettings {
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            token: None,
            ca_cert: None,
            client_certificate: None,
            datacenter: None,
            check_by: CheckBy::default(),
            keep: None,
        }
    }

    /// `scheme://host:port`, or what is wrong with the address.
    pub(super) fn base(&self) -> Result<String, Fault> {
        let text = self.address.trim();
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri = url.parse::<Uri>().map_err(|_| self.bad_address("is not host:port or a URL"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let default = match scheme {
            "http" => HTTP_PORT,
            "https" => HTTPS_PORT,
            _ => return Err(self.bad_address("is neither http nor https")),
        };
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.ok_or_else(|| self.bad_address("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(self.bad_address("has a user; use the token"));
        }
        if !matches!(uri.path_and_query().map_or("", |rest| rest.as_str()), "" | "/") || url.contains('#') {
            return Err(self.bad_address("has a path or a query; the agent must answer at the root"));
        }
        let port = match authority.as_str().rsplit_once(']').map_or(authority.as_str(), |(_, rest)| rest) {
            rest if rest.contains(':') => authority.port_u16().filter(|port| *port != 0),
            _ => Some(default),
        };
        let port = port.ok_or_else(|| self.bad_address("has no port from 1 to 65535"))?;
        Ok(format!("{scheme}://{}:{port}", authority.host()))
    }

    fn bad_address(&self, problem: &str) -> Fault {
        invalid(format!("Consul's address {:?} {problem}; for example http://127.0.0.1:8500", self.address))
    }

    /// What goes into a header must fit into one.
    pub(super) fn checked_token(&self) -> Result<Option<String>, Fault> {
        let Some(token) = &self.token else { return Ok(None) };
        let fits =
            (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Some(token.clone()))
        } else {
            Err(invalid("Consul's token has a space, a line break or another character that no token has"))
        }
    }

    pub(super) fn check_datacenter(&self) -> Result<(), Fault> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match &self.datacenter {
            Some(name) if !(1..=MAX_DATACENTER).contains(&name.len()) || !name.bytes().all(allowed) => Err(
                invalid(format!("Consul's datacenter {name:?} is not a name of letters, digits, - and _")),
            ),
            _ => Ok(()),
        }
    }
}

pub(super) fn invalid(problem: impl Into<String>) -> Fault {
    Fault::new(Code::InvalidParameter, problem.into())
}

impl fmt::Debug for ConsulSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsulSettings")
            .field("address", &self.address)
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .field("ca_cert", &self.ca_cert)
            .field("client_certificate", &self.client_certificate)
            .field("datacenter", &self.datacenter)
            .field("check_by", &self.check_by)
            .field("keep", &self.keep)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed_and_what_consulrs_cannot_take_is_refused() {
        for (given, base) in [
            ("consul", "http://consul:8500"),
            (" 127.0.0.1:9000 ", "http://127.0.0.1:9000"),
            ("http://consul:80/", "http://consul:80"),
            ("https://consul.example.com", "https://consul.example.com:8501"),
            ("https://consul:443", "https://consul:443"),
            ("[::1]", "http://[::1]:8500"),
            ("http://[::1]:9000", "http://[::1]:9000"),
        ] {
            assert_eq!(ConsulSettings::new(given).base().map_err(|fault| fault.to_string()), Ok(base.into()));
        }
        for bad in [
            "",
            "mailto:x@y",
            "unix:///run/consul.sock",
            "http://consul/prefix",
            "consul:0",
            "consul:x",
            "http://u:p@consul",
            "consul?x=1",
            "http://consul#x",
            "a b",
            "http://",
            "consul:70000",
        ] {
            let fault = ConsulSettings::new(bad).base().expect_err(bad);
            assert!(fault.public().contains("for example http://127.0.0.1:8500"), "{fault}");
        }
    }

    #[test]
    fn a_token_that_fits_no_header_is_refused_and_never_shown() {
        for bad in ["", "tok\nen", "token\n", "to ken", "tök"] {
            let settings = ConsulSettings { token: Some(bad.to_owned()), ..ConsulSettings::new("consul") };
            assert!(settings.checked_token().is_err(), "{bad:?}");
        }
        let settings = ConsulSettings { token: Some("s3cret".to_owned()), ..ConsulSettings::new("consul") };
        assert_eq!(settings.checked_token().expect("a good token").as_deref(), Some("s3cret"));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }
}
