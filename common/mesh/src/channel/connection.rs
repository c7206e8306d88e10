//! One HTTP/2 connection to an endpoint, kept up: connected ahead of need, pinged, reconnected with back-off.
//!
//! On h2 itself rather than on `tonic::transport::Channel`, after measuring: tonic's channel passes every call through
//! two more tasks and queues and spawns a third for its answer, hides whether it is connected, reconnects only when
//! called, cannot tell a request that was never sent from one that was lost, and does not let us ping. Here the
//! caller's task itself opens the stream and awaits the answer.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use common::{Backoff, Random};
use h2::{
    Ping, PingPong, RecvStream,
    client::{Builder, Connection as Driver, ResponseFuture, SendRequest},
};
use tokio::{
    net::TcpStream,
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long connecting and the HTTP/2 handshake may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection is pinged this often, in use or not.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// A connection that does not answer a ping within this time is given up.
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that lasted this long was a good one: the next try comes at once.
const SETTLED: Duration = Duration::from_secs(1);
const RECONNECT: Backoff = Backoff { base: Duration::from_millis(20), cap: Duration::from_secs(1) };

/// Bytes that a peer may send ahead of their reader, per stream and in all.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;
/// Header bytes of one answer; a fault's details are among them.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// Streams opened before the peer has said how many it allows. h2 by itself would open any number, and the peer
/// refuse what is above its limit.
const STREAMS_UNTOLD: usize = 100;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request never left: repeating it is safe, whatever it asks for.
    Unsent,
    /// The connection or the stream broke; nobody knows what the peer did.
    Lost(h2::Error),
}

/// The place of a connection, which is up or down.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    open: Mutex<Option<Open>>,
}

#[derive(Clone, Debug)]
struct Open {
    sender: SendRequest<Bytes>,
    /// Told when the peer takes no more calls on this connection.
    refused: Arc<Notify>,
}

/// What keeping a connection takes.
pub(crate) struct Keeper<F> {
    pub(crate) address: SocketAddr,
    pub(crate) random: Arc<dyn Random>,
    /// Ends the keeping: pending calls are left to finish, new ones go elsewhere.
    pub(crate) stop: CancellationToken,
    /// Called after each change between up and down.
    pub(crate) changed: F,
}

impl Connection {
    pub(crate) fn is_up(&self) -> bool {
        self.open().is_some()
    }

    /// Sends a request with its one message and waits for the response head.
    pub(crate) async fn send(
        &self,
        head: http::Request<()>,
        message: Bytes,
    ) -> Result<http::Response<RecvStream>, Failure> {
        self.begin(head, message)?.await.map_err(Failure::Lost)
    }

    fn begin(&self, head: http::Request<()>, message: Bytes) -> Result<ResponseFuture, Failure> {
        // A clone of its own may queue a stream above the peer's limit; the shared one would have to wait for room.
        let mut open = self.open().clone().ok_or(Failure::Unsent)?;
        match open.sender.send_request(head, false) {
            Ok((response, mut stream)) => {
                stream.send_data(message, true).map_err(Failure::Lost)?;
                Ok(response)
            }
            Err(error) => {
                tracing::debug!(%error, "connection takes no more calls");
                self.give_up(&open);
                Err(Failure::Unsent)
            }
        }
    }

    /// Nobody sends on it any more, unless it has been replaced already.
    fn give_up(&self, refusing: &Open) {
        let mut open = self.open();
        if open.as_ref().is_some_and(|open| Arc::ptr_eq(&open.refused, &refusing.refused)) {
            *open = None;
            refusing.refused.notify_one();
        }
    }

    /// Keeps the connection up until told to stop.
    pub(crate) async fn keep<F: Fn()>(self: Arc<Self>, keeper: Keeper<F>) {
        let mut failures = 0;
        while let Some(opened) = keeper.stop.run_until_cancelled(keeper.open(failures)).await {
            let lasted = match opened {
                Ok((sender, driver)) => self.run(sender, driver, &keeper).await,
                Err(error) => {
                    tracing::debug!(address = %keeper.address, %error, failures, "cannot connect");
                    false
                }
            };
            failures = if lasted { 0 } else { failures.saturating_add(1) };
        }
    }

    /// Holds an open connection until it ends or takes no more; true when it had lasted.
    async fn run<F: Fn()>(&self, sender: SendRequest<Bytes>, driver: TcpDriver, keeper: &Keeper<F>) -> bool {
        let since = Instant::now();
        let refused = Arc::new(Notify::new());
        *self.open() = Some(Open { sender, refused: Arc::clone(&refused) });
        (keeper.changed)();
        tracing::debug!(address = %keeper.address, "connected");
        let mut driven = Box::pin(drive(driver));
        let ended = tokio::select! {
            ended = &mut driven => Some(ended),
            () = refused.notified() => None,
            () = keeper.stop.cancelled() => None,
        };
        *self.open() = None;
        match ended {
            Some(reason) => tracing::debug!(address = %keeper.address, %reason, "connection ended"),
            // Without a sender it ends with the last stream on it; nobody needs to wait for that.
            None => drop(tokio::spawn(driven)),
        }
        (keeper.changed)();
        since.elapsed() >= SETTLED
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type TcpDriver = Driver<TcpStream, Bytes>;

impl<F> Keeper<F> {
    async fn open(&self, failures: u32) -> io::Result<(SendRequest<Bytes>, TcpDriver)> {
        sleep(RECONNECT.delay(failures, self.random.as_ref())).await;
        open(self.address).await
    }
}

/// Connects and shakes hands. The one place where a connection is made: an identity will wrap the stream here.
async fn open(address: SocketAddr) -> io::Result<(SendRequest<Bytes>, TcpDriver)> {
    let connected = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_BYTES)
            .initial_max_send_streams(STREAMS_UNTOLD)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(io::Error::other)
    };
    timeout(CONNECT_TIMEOUT, connected).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Moves the frames of a connection until it ends, and says why it did. Dropping it fails the streams that are left.
async fn drive(mut driver: TcpDriver) -> Ending {
    let pings = driver.ping_pong().expect("asked for once");
    tokio::select! {
        ended = driver => ended.map_or_else(Ending::Broken, |()| Ending::Closed),
        () = unanswered(pings) => Ending::Silent,
    }
}

/// Ends when a ping is not answered in time.
async fn unanswered(mut pings: PingPong) {
    loop {
        sleep(PING_INTERVAL).await;
        match timeout(PING_TIMEOUT, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // A broken connection ends by itself, and with more to say.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return,
        }
    }
}

/// Why a connection ended.
#[derive(Debug)]
enum Ending {
    Closed,
    Broken(h2::Error),
    Silent,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Broken(error) => error.fmt(f),
            Self::Silent => f.write_str("no answer to a ping"),
        }
    }
}
