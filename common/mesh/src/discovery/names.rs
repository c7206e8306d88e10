//! What configuration or a registry lists, turned into addresses: names are looked up again and again, and a name
//! that has no address any more keeps the ones that it had.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::{
    net::lookup_host,
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{Endpoint, EndpointSet, Peer};

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

/// An instance as it is listed, before its name is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) peer: Peer,
    pub(super) weight: u32,
    pub(super) version: Arc<str>,
}

/// What is listed, each with the addresses that it had last.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<(Listed, Vec<SocketAddr>)>);

impl Names {
    pub(super) fn new(listed: &[Listed]) -> Self {
        let mut names = Self::default();
        names.replace(listed);
        names
    }

    /// Takes another list; what was found out about its names stays.
    fn replace(&mut self, listed: &[Listed]) {
        let next = listed.iter().map(|listed| (listed.clone(), self.addresses(&listed.peer))).collect();
        self.0 = next;
    }

    fn addresses(&self, peer: &Peer) -> Vec<SocketAddr> {
        match peer {
            Peer::Address(address) => vec![*address],
            Peer::Name { .. } => self
                .0
                .iter()
                .find(|(known, _)| known.peer == *peer)
                .map_or_else(Vec::new, |(_, addresses)| addresses.clone()),
        }
    }

    pub(super) fn any(&self) -> bool {
        self.0.iter().any(|(listed, _)| matches!(listed.peer, Peer::Name { .. }))
    }

    /// The addresses of each entry at that time; none where the old ones stay.
    async fn look_up_at(&self, time: Instant, lookup: &dyn Lookup) -> Vec<Option<Vec<SocketAddr>>> {
        sleep_until(time).await;
        join_all(self.0.iter().map(|(listed, _)| look_up(&listed.peer, lookup))).await
    }

    fn learn(&mut self, found: Vec<Option<Vec<SocketAddr>>>) {
        for ((_, known), found) in self.0.iter_mut().zip(found) {
            if let Some(found) = found {
                *known = found;
            }
        }
    }

    /// Sorted and without repetition, so that the same answer in another order is no change.
    pub(super) fn endpoints(&self) -> EndpointSet {
        let of = |(listed, addresses): &(Listed, Vec<SocketAddr>)| {
            let (weight, version) = (listed.weight, listed.version.clone());
            addresses.clone().into_iter().map(move |address| Endpoint {
                address,
                weight,
                version: version.clone(),
            })
        };
        let mut endpoints: Vec<_> = self.0.iter().flat_map(of).collect();
        endpoints.sort_by_key(|endpoint| endpoint.address);
        endpoints.dedup_by_key(|endpoint| endpoint.address);
        endpoints.into()
    }
}

async fn look_up(peer: &Peer, lookup: &dyn Lookup) -> Option<Vec<SocketAddr>> {
    let Peer::Name { host, port } = peer else { return None };
    match timeout(LOOKUP_TIMEOUT, lookup.lookup(host, *port)).await {
        Ok(Ok(found)) if !found.is_empty() => Some(found.into_iter().take(MAX_ADDRESSES).collect()),
        answer => {
            tracing::debug!(host, ?answer, "name has no address; keeping the last");
            None
        }
    }
}

/// Tells the endpoints of what is listed, as the list and its names change, until nobody watches or lists any more.
pub(super) async fn follow(
    mut listed: watch::Receiver<Vec<Listed>>,
    lookup: Arc<dyn Lookup>,
    sender: watch::Sender<EndpointSet>,
) {
    let mut names = Names::new(&listed.borrow_and_update());
    let mut due = Instant::now();
    loop {
        tokio::select! {
            changed = listed.changed() => {
                if changed.is_err() {
                    return;
                }
                names.replace(&listed.borrow_and_update());
                due = Instant::now();
            }
            found = names.look_up_at(due, lookup.as_ref()), if names.any() => {
                names.learn(found);
                due = Instant::now() + LOOKUP_INTERVAL;
            }
            () = sender.closed() => return,
        }
        publish(&sender, names.endpoints());
    }
}

/// An empty set never takes the place of another: then the calls decide.
fn publish(sender: &watch::Sender<EndpointSet>, endpoints: EndpointSet) {
    sender.send_if_modified(|known| {
        let changed = *known != endpoints && !endpoints.is_empty();
        if changed {
            *known = endpoints;
        }
        changed
    });
}
