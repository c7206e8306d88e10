//! Finds peers at fixed addresses where configuration names some, and in the registry otherwise.

use std::{collections::HashMap, sync::Arc};

use mesh::{EndpointSet, FixedResolver, Peer, Resolver};
use tokio::sync::watch;

/// Configuration first, the registry for the rest.
#[derive(Debug)]
pub(super) struct KnownPeers {
    named: Vec<&'static str>,
    fixed: FixedResolver,
    registry: Arc<dyn Resolver>,
}

impl KnownPeers {
    pub(super) fn new(peers: HashMap<&'static str, Vec<Peer>>, registry: Arc<dyn Resolver>) -> Self {
        Self { named: peers.keys().copied().collect(), fixed: FixedResolver::new(peers), registry }
    }
}

impl Resolver for KnownPeers {
    fn watch(&self, service: &'static str) -> watch::Receiver<EndpointSet> {
        if self.named.contains(&service) { self.fixed.watch(service) } else { self.registry.watch(service) }
    }
}
