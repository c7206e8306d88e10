//! What a setting's text must look like.

use std::net::SocketAddr;

/// The kind of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An IP address and port to listen on; port 0 is any free one.
    Bind,
    /// `host:port`, where the host may be a name.
    HostPort,
    /// Several of them, comma-separated.
    HostPorts,
    /// An absolute `http` or `https` URL.
    Url,
    /// Any text.
    Text,
    /// Text that is never shown.
    Secret,
    /// On or off.
    Switch,
    /// A whole number within bounds.
    Number { min: u64, max: u64 },
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// What is wrong with the text, if anything.
    pub fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Bind => {
                text.parse::<SocketAddr>().map(drop).map_err(|_| shown(text, "is not an IP address and port"))
            }
            Self::HostPort => check_host_port(text),
            Self::HostPorts => text.split(',').map(str::trim).try_for_each(check_host_port),
            Self::Url => check_url(text),
            Self::Switch => parse_switch(text).map(drop),
            Self::Number { min, max } => check_number(text, min, max),
            Self::Choice(words) if words.contains(&text) => Ok(()),
            Self::Choice(words) => Err(shown(text, &format!("is none of {}", words.join(", ")))),
            Self::Text | Self::Secret => Ok(()),
        }
    }
}

/// `1/0 true/false on/off yes/no` in any letter case.
pub(super) fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" => Ok(true),
        "0" | "false" | "off" | "no" => Ok(false),
        _ => Err(shown(text, "is neither on nor off")),
    }
}

fn check_host_port(text: &str) -> Result<(), String> {
    let fits = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(['/', ' ', '@']) && port.parse::<u16>().is_ok()
    });
    if fits { Ok(()) } else { Err(shown(text, "is not host:port")) }
}

fn check_url(text: &str) -> Result<(), String> {
    let parsed = text.parse::<http::Uri>().ok();
    let scheme = parsed.as_ref().and_then(|uri| uri.scheme_str());
    let absolute =
        matches!(scheme, Some("http" | "https")) && parsed.as_ref().is_some_and(|uri| uri.host().is_some());
    if absolute { Ok(()) } else { Err(shown(text, "is not an absolute http or https URL")) }
}

fn check_number(text: &str, min: u64, max: u64) -> Result<(), String> {
    match text.parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(shown(text, &format!("is not a whole number from {min} to {max}"))),
    }
}

/// The text in quotes and what is wrong with it, on one line.
fn shown(text: &str, problem: &str) -> String {
    format!("{text:?} {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_what_fits_and_refuses_what_does_not() {
        let number = Kind::Number { min: 1, max: 5 };
        let choice = Kind::Choice(&["off", "files"]);
        for (kind, good, bad) in [
            (Kind::Bind, "127.0.0.1:0", "localhost"),
            (Kind::HostPort, "orders:2000", "orders"),
            (Kind::HostPorts, "a:1, b:2", "a:1,b"),
            (Kind::Url, "http://localhost:8080", "localhost:8080"),
            (Kind::Switch, "Yes", "maybe"),
            (number, "5", "6"),
            (choice, "files", "on"),
        ] {
            assert_eq!(kind.check(good), Ok(()), "{kind:?}");
            assert!(kind.check(bad).is_err(), "{kind:?}");
        }
    }
}
