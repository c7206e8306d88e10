//! One HTTP/2 connection to an endpoint, kept up: connected ahead of need, watched, reconnected with back-off.
//!
//! On hyper itself rather than on `tonic::transport::Channel`: that one hides whether it is connected, queues every
//! call through a task of its own, reconnects without back-off and only when called, and cannot tell a request that
//! was never sent from one that was lost.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::Random;
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, Connection as Driver, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{backoff::Backoff, body::Outgoing};

/// How long connecting and the HTTP/2 handshake may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A quiet connection is pinged this often, in use or not.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// A connection that does not answer a ping within this time is given up.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that lasted this long was a good one: the next try comes at once.
const SETTLED: Duration = Duration::from_secs(1);
const RECONNECT: Backoff = Backoff { base: Duration::from_millis(20), cap: Duration::from_secs(1) };

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request never left: repeating it is safe, whatever it asks for.
    Unsent,
    /// The connection or the stream broke; nobody knows what the peer did.
    Lost(hyper::Error),
}

/// The place of a connection, which is up or down.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    sender: Mutex<Option<SendRequest<Outgoing>>>,
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

impl<F> Keeper<F> {
    async fn open(&self, failures: u32) -> io::Result<(SendRequest<Outgoing>, HttpDriver)> {
        tokio::time::sleep(RECONNECT.delay(failures, self.random.as_ref())).await;
        open(self.address).await
    }
}

impl Connection {
    pub(crate) fn is_up(&self) -> bool {
        self.sender().as_ref().is_some_and(|sender| !sender.is_closed())
    }

    /// Sends a request and waits for the response head.
    pub(crate) async fn send(
        &self,
        request: http::Request<Outgoing>,
    ) -> Result<http::Response<Incoming>, Failure> {
        let sent = self.sender().as_mut().map(|sender| sender.try_send_request(request));
        let Some(sent) = sent else { return Err(Failure::Unsent) };
        sent.await.map_err(|mut error| match error.take_message() {
            Some(_) => Failure::Unsent,
            None => Failure::Lost(error.into_error()),
        })
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

    /// Holds an open connection until it ends; true when it had lasted.
    async fn run<F: Fn()>(
        &self,
        sender: SendRequest<Outgoing>,
        driver: HttpDriver,
        keeper: &Keeper<F>,
    ) -> bool {
        let since = Instant::now();
        *self.sender() = Some(sender);
        (keeper.changed)();
        tracing::debug!(address = %keeper.address, "connected");
        let mut driver = std::pin::pin!(driver);
        tokio::select! {
            ended = &mut driver => {
                tracing::debug!(address = %keeper.address, error = ?ended.err(), "connection ended");
                *self.sender() = None;
            }
            () = keeper.stop.cancelled() => {
                // Without its sender the driver hands over to the streams that are left and ends.
                *self.sender() = None;
                let _ = driver.await;
            }
        }
        (keeper.changed)();
        since.elapsed() >= SETTLED
    }

    fn sender(&self) -> MutexGuard<'_, Option<SendRequest<Outgoing>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type HttpDriver = Driver<TokioIo<TcpStream>, Outgoing, TokioExecutor>;

/// Connects and shakes hands. The one place where a connection is made: an identity will wrap the stream here.
async fn open(address: SocketAddr) -> io::Result<(SendRequest<Outgoing>, HttpDriver)> {
    let connected = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)
    };
    timeout(CONNECT_TIMEOUT, connected).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
