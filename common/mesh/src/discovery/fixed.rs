//! Discovery from configuration: addresses as they are given, names looked up again and again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::{
    EndpointSet, Peer, Resolver,
    names::{self, Listed, Lookup, Names, SystemLookup},
};

/// Resolves what the configuration names, and nothing else. A name that cannot be looked up, or has no address any
/// more, keeps the addresses that it had.
#[derive(Debug)]
pub struct FixedResolver {
    peers: HashMap<&'static str, Vec<Peer>>,
    lookup: Arc<dyn Lookup>,
    watched: Mutex<HashMap<&'static str, watch::Receiver<EndpointSet>>>,
}

impl FixedResolver {
    #[must_use]
    pub fn new(peers: HashMap<&'static str, Vec<Peer>>) -> Self {
        Self::with_lookup(peers, Arc::new(SystemLookup))
    }

    /// Looks names up in another way.
    #[must_use]
    pub fn with_lookup(peers: HashMap<&'static str, Vec<Peer>>, lookup: Arc<dyn Lookup>) -> Self {
        Self { peers, lookup, watched: Mutex::default() }
    }

    fn start(&self, service: &'static str) -> watch::Receiver<EndpointSet> {
        let peers = self.peers.get(service).into_iter().flatten();
        let listed: Vec<_> =
            peers.map(|peer| Listed { peer: peer.clone(), weight: 1, version: "".into() }).collect();
        let names = Names::new(&listed);
        let (sender, receiver) = watch::channel(names.endpoints());
        if names.any() {
            let (list, listed) = watch::channel(listed);
            let lookup = self.lookup.clone();
            tokio::spawn(async move {
                names::follow(listed, lookup, sender).await;
                drop(list);
            });
        }
        receiver
    }
}

impl Resolver for FixedResolver {
    fn watch(&self, service: &'static str) -> watch::Receiver<EndpointSet> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.entry(service).or_insert_with(|| self.start(service)).clone()
    }
}
