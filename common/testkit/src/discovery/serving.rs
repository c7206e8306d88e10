//! A gRPC server that is well, for a registry to look at.

use std::net::{Ipv4Addr, SocketAddr};

use mesh::{Endpoint, Instance};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::transport::{Server, server::TcpIncoming};

/// Listens on a free port of loopback until it is dropped.
#[derive(Debug)]
pub struct Serving {
    pub address: SocketAddr,
    server: JoinHandle<()>,
}

impl Serving {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        // The whole server is well from the start.
        let (_, health) = tonic_health::server::health_reporter();
        let serving = Server::builder().add_service(health).serve_with_incoming(TcpIncoming::from(listener));
        Self { address, server: tokio::spawn(async move { serving.await.unwrap() }) }
    }

    /// As it is announced.
    #[must_use]
    pub fn instance(&self, service: &'static str) -> Instance {
        Instance::new(service, self.address, "suite")
    }

    /// As it is found.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint { address: self.address, weight: 1, version: "suite".into() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.server.abort();
    }
}
