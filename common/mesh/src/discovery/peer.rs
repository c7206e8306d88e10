//! Where an instance is: `host:port`, as configuration and registries name it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// An address, or a name that stands for any number of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    Address(SocketAddr),
    Name { host: String, port: u16 },
}

/// The text is not `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAPeer;

impl fmt::Display for NotAPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected host:port with a port from 1 to 65535")
    }
}

impl std::error::Error for NotAPeer {}

impl Peer {
    /// The host as it is named, which may be an address, and the port.
    pub fn new(host: &str, port: u16) -> Result<Self, NotAPeer> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        match host.parse::<IpAddr>() {
            _ if port == 0 => Err(NotAPeer),
            Ok(ip) => Ok(Self::Address(SocketAddr::new(ip, port))),
            Err(_) if host.is_empty() || !host.bytes().all(allowed) => Err(NotAPeer),
            Err(_) => Ok(Self::Name { host: host.to_owned(), port }),
        }
    }

    /// The host alone; a version 6 address has no brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Address(address) => address.ip().to_string(),
            Self::Name { host, .. } => host.clone(),
        }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Address(address) => address.port(),
            Self::Name { port, .. } => *port,
        }
    }
}

impl FromStr for Peer {
    type Err = NotAPeer;

    fn from_str(text: &str) -> Result<Self, NotAPeer> {
        let (host, port) = text.trim().rsplit_once(':').ok_or(NotAPeer)?;
        let port = port.parse().map_err(|_| NotAPeer)?;
        match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) if host.contains(':') => Self::new(host, port),
            None if !host.contains(':') => Self::new(host, port),
            _ => Err(NotAPeer),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}
