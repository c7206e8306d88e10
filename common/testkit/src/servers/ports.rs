//! Free ports for servers that must be told one.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Below the range that Linux takes outgoing connections' ports from (32768 up): a server that is down for a while
/// must find its port free again, although its clients keep connecting.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// `N` ports of loopback that nobody listens on at this moment.
#[must_use]
pub fn free_ports<const N: usize>() -> [u16; N] {
    // All are held until the last is found, so that they differ.
    let mut held = Vec::with_capacity(N);
    while held.len() < N {
        let port = rand::random_range(RANGE);
        let address = (Ipv4Addr::LOCALHOST, port);
        if let (Ok(tcp), Ok(udp)) = (TcpListener::bind(address), UdpSocket::bind(address)) {
            held.push((port, tcp, udp));
        }
    }
    std::array::from_fn(|i| held[i].0)
}
