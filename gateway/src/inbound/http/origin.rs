//! No page of another site may order, refund or restock: foreign origins and rebound host names are refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use common::{Code, Fault};
use http::{HeaderMap, HeaderName, Method, Uri, header::HOST, header::ORIGIN, uri::Authority};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where this mesh is reached from outside.
#[derive(Clone, Debug)]
pub(crate) struct PublicOrigin(Site);

/// Scheme's default port applied, host in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    scheme: String,
    host: String,
    port: u16,
}

impl PublicOrigin {
    /// `invalid_request` when it is no http or https address.
    pub(crate) fn parse(public_url: &str) -> Result<Self, Fault> {
        site(public_url).map(Self).ok_or_else(|| {
            Fault::new(Code::InvalidRequest, "PUBLIC_URL is an address such as https://orders.example.com")
        })
    }

    /// `foreign_origin` for an unsafe method from another site, and on loopback for a host name that is not ours.
    pub(crate) fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        on_loopback: bool,
    ) -> Result<(), Fault> {
        let host = own_host(uri, headers);
        if on_loopback && !self.is_our_name(host.as_ref()) {
            return Err(foreign("this host name is not one of ours"));
        }
        if method.is_safe() || self.is_our_page(headers, host.as_ref()) {
            return Ok(());
        }
        Err(foreign("pages of other sites may not do this"))
    }

    /// A request without a host name comes from no browser.
    fn is_our_name(&self, host: Option<&Host>) -> bool {
        match host {
            None => true,
            Some(Host::Unreadable) => false,
            Some(Host::Named(authority)) => {
                let name = authority.host().to_ascii_lowercase();
                is_loopback_name(&name) || name == self.0.host
            }
        }
    }

    fn is_our_page(&self, headers: &HeaderMap, host: Option<&Host>) -> bool {
        if headers.get_all(SEC_FETCH_SITE).iter().any(|value| value == "cross-site") {
            return false;
        }
        headers.get_all(ORIGIN).iter().all(|origin| {
            let origin = origin.to_str().ok().and_then(site);
            origin.is_some_and(|origin| origin == self.0 || is_own(&origin, host))
        })
    }
}

/// The host that a request names.
enum Host {
    Named(Authority),
    Unreadable,
}

/// Of the request's target if it is absolute, else of its one `Host` field.
fn own_host(uri: &Uri, headers: &HeaderMap) -> Option<Host> {
    if let Some(authority) = uri.authority() {
        return Some(Host::Named(authority.clone()));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next()?, hosts.next());
    let authority = Authority::try_from(first.as_bytes()).ok();
    Some(authority.filter(|_| second.is_none()).map_or(Host::Unreadable, Host::Named))
}

fn is_own(origin: &Site, host: Option<&Host>) -> bool {
    let Some(Host::Named(authority)) = host else { return false };
    let port = authority.port_u16().unwrap_or_else(|| default_port(&origin.scheme));
    authority.host().eq_ignore_ascii_case(&origin.host) && port == origin.port
}

fn site(text: &str) -> Option<Site> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str().filter(|s| ["http", "https"].contains(s))?.to_owned();
    let authority = uri.authority()?;
    let port = authority.port_u16().unwrap_or_else(|| default_port(&scheme));
    Some(Site { scheme, host: authority.host().to_ascii_lowercase(), port })
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

fn is_loopback_name(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|ip| IpAddr::V6(ip).to_canonical().is_loopback())
}

fn foreign(text: &'static str) -> Fault {
    Fault::new(Code::ForeignOrigin, text)
}
