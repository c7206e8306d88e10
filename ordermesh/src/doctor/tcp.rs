//! Servers that are only reached for: a connection, and what they say first.

use std::time::Duration;

use common::Fault;
use http::Uri;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::TcpStream,
};

/// How long a server may take to greet.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest greeting that is read.
const GREETING_MAX: u64 = 512;

/// `host:port` of a URL, with the scheme's own port where it names none.
pub(super) fn authority(url: &str, default_port: u16) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    uri.scheme()?;
    Some(format!("{host}:{}", uri.port_u16().unwrap_or(default_port)))
}

/// `unavailable` when nothing listens there.
pub(super) async fn connect(address: &str) -> Result<TcpStream, Fault> {
    TcpStream::connect(address).await.map_err(|error| Fault::unavailable(format!("{address}: {error}")))
}

/// The first line that the server sends by itself; `unavailable` without one.
pub(super) async fn greeting(address: &str) -> Result<String, Fault> {
    let mut line = Vec::new();
    let mut stream = BufReader::new(connect(address).await?.take(GREETING_MAX));
    match tokio::time::timeout(GREETING_TIMEOUT, stream.read_until(b'\n', &mut line)).await {
        Ok(Ok(read)) if read > 0 => Ok(String::from_utf8_lossy(&line).trim().to_owned()),
        _ => Err(Fault::unavailable(format!("{address} takes connections and says nothing"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_port_even_when_it_names_none() {
        assert_eq!(authority("smtp://u:p@mail.example.com", 587).unwrap(), "mail.example.com:587");
        assert_eq!(authority("http://[::1]:4317/x", 80).unwrap(), "[::1]:4317");
        assert_eq!(authority("nonsense", 80), None);
    }
}
