//! Discovery from configuration: addresses as they are given, names looked up again and again.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    net::lookup_host,
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{Endpoint, EndpointSet, Peer, Resolver};

/// How often names are looked up.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(5);
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// Addresses that are taken from one name.
const MAX_ADDRESSES: usize = 256;

/// Turns a name into addresses.
#[async_trait]
pub trait Lookup: Send + Sync + fmt::Debug {
    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }
}

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
        let peers = self.peers.get(service).cloned().unwrap_or_default();
        let names = Names::new(peers);
        let (sender, receiver) = watch::channel(names.endpoints());
        if names.any() {
            tokio::spawn(follow(names, self.lookup.clone(), sender));
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

/// The peers of one service, each with the addresses that it had last.
struct Names(Vec<(Peer, Vec<SocketAddr>)>);

impl Names {
    fn new(peers: Vec<Peer>) -> Self {
        let known = |peer: &Peer| match peer {
            Peer::Address(address) => vec![*address],
            Peer::Name { .. } => Vec::new(),
        };
        Self(peers.into_iter().map(|peer| (known(&peer), peer)).map(|(known, peer)| (peer, known)).collect())
    }

    fn any(&self) -> bool {
        self.0.iter().any(|(peer, _)| matches!(peer, Peer::Name { .. }))
    }

    async fn refresh(&mut self, lookup: &dyn Lookup) {
        for (peer, known) in &mut self.0 {
            let Peer::Name { host, port } = peer else { continue };
            match timeout(LOOKUP_TIMEOUT, lookup.lookup(host, *port)).await {
                Ok(Ok(found)) if !found.is_empty() => {
                    *known = found.into_iter().take(MAX_ADDRESSES).collect();
                }
                answer => tracing::debug!(host, ?answer, "name has no address; keeping the last"),
            }
        }
    }

    /// Sorted and without repetition, so that the same answer in another order is no change.
    fn endpoints(&self) -> EndpointSet {
        let mut addresses: Vec<_> = self.0.iter().flat_map(|(_, known)| known).copied().collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.into_iter().map(|address| Endpoint { address, weight: 1, version: "".into() }).collect()
    }
}

/// Looks the names up for as long as someone watches.
async fn follow(mut names: Names, lookup: Arc<dyn Lookup>, sender: watch::Sender<EndpointSet>) {
    let mut ticks = interval(LOOKUP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => names.refresh(lookup.as_ref()).await,
            () = sender.closed() => return,
        }
        let endpoints = names.endpoints();
        sender.send_if_modified(|known| {
            let changed = *known != endpoints;
            *known = endpoints;
            changed
        });
    }
}
