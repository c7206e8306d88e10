//! The mesh over loopback: real servers on free ports, real connections.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deadlines;
mod discovery;
mod peer;
mod retries;
mod spans;
mod streams;

use std::sync::Arc;

use mesh::EmbeddedRegistry;
use testkit::discovery::{Harness, Registry};

impl Harness for Embedded {
    fn open(&self) -> Registry {
        Registry { registrar: Arc::new(self.0.clone()), resolver: Arc::new(self.0.clone()) }
    }
}

#[derive(Debug, Default)]
struct Embedded(EmbeddedRegistry);

#[tokio::test]
async fn the_embedded_registry_keeps_the_contract() {
    testkit::discovery::contract(|| async { Arc::new(Embedded::default()) as Arc<dyn Harness> }).await;
}
