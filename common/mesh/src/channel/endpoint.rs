//! An endpoint in use: its connections, its load and what was counted there.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use common::Random;
use h2::RecvStream;
use http::uri::Authority;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    balancer::Candidate,
    connection::{Connection, Failure, Keeper},
    load::Load,
};
use crate::method::Shape;

/// What is needed to call one address. Dropping it lets pending calls finish and closes the connections.
#[derive(Debug)]
pub(crate) struct LiveEndpoint {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Authority,
    pub(crate) load: Load,
    pub(crate) attempts: AtomicU64,
    pub(crate) failures: AtomicU64,
    calls: Box<[Arc<Connection>]>,
    /// Streams stay for long, and a server bounds their number per connection: they must not take the calls' places.
    streams: Arc<Connection>,
    turn: AtomicUsize,
    _stop: DropGuard,
}

impl LiveEndpoint {
    /// Starts connecting; `changed` is called when a connection comes up or goes down.
    pub(crate) fn open<F>(
        address: SocketAddr,
        connections: usize,
        random: &Arc<dyn Random>,
        changed: &F,
    ) -> Self
    where
        F: Fn() + Clone + Send + Sync + 'static,
    {
        let stop = CancellationToken::new();
        let open = || {
            let connection = Arc::new(Connection::default());
            let (random, stop, changed) = (random.clone(), stop.clone(), changed.clone());
            tokio::spawn(connection.clone().keep(Keeper { address, random, stop, changed }));
            connection
        };
        Self {
            address,
            authority: authority(&address),
            load: Load::new(Instant::now()),
            attempts: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            calls: (0..connections.max(1)).map(|_| open()).collect(),
            streams: open(),
            turn: AtomicUsize::new(0),
            _stop: stop.clone().drop_guard(),
        }
    }

    /// Whether it can be called.
    pub(crate) fn is_up(&self) -> bool {
        self.calls.iter().any(|connection| connection.is_up())
    }

    pub(crate) fn connections_up(&self) -> usize {
        self.calls.iter().chain([&self.streams]).filter(|connection| connection.is_up()).count()
    }

    /// Sends a request over the connection whose turn it is.
    pub(crate) async fn send(
        &self,
        shape: Shape,
        head: http::Request<()>,
        message: Bytes,
    ) -> Result<http::Response<RecvStream>, Failure> {
        let connection = match shape {
            Shape::ServerStream if self.streams.is_up() => Some(&self.streams),
            _ => self.next(),
        };
        connection.ok_or(Failure::Unsent)?.send(head, message).await
    }

    /// The next connection for calls that is up.
    fn next(&self) -> Option<&Arc<Connection>> {
        let (turn, count) = (self.turn.fetch_add(1, Ordering::Relaxed), self.calls.len());
        (0..count).map(|i| &self.calls[turn.wrapping_add(i) % count]).find(|connection| connection.is_up())
    }
}

impl Candidate for LiveEndpoint {
    fn cost(&self, weight: u32, now: Instant) -> f32 {
        self.load.cost(weight, now)
    }
}

fn authority(address: &impl fmt::Display) -> Authority {
    address.to_string().parse().expect("an address and port are an authority")
}
