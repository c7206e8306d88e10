//! A connection that comes back: connects in the background, declares the topology, and begins anew when it is lost.

use std::{fmt, sync::Arc, time::Duration};

use common::{Backoff, Fault, Random};
use futures::StreamExt as _;
use lapin::{Channel, Connection, ConnectionProperties, DefaultConnectionBuilder};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    fault::{answer, remedy, unavailable},
    metrics::RabbitMetrics,
    plan::Plan,
    settings::Address,
};

/// How long one attempt to connect, log in and declare the topology may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The pauses between attempts; there is no last one.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };
/// How often the state of a connection is looked at besides its events.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A handle to the connection of one purpose. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Link(watch::Receiver<State>);

#[derive(Clone)]
enum State {
    /// The first attempt is under way.
    Starting,
    Up(Arc<Connection>),
    Down(Fault),
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "Starting",
            Self::Up(_) => "Up",
            Self::Down(_) => "Down",
        })
    }
}

impl Link {
    /// Begins to connect; the connection is kept until `closed`.
    pub(super) fn start(dialler: Dialler, closed: CancellationToken) -> Self {
        let (sender, receiver) = watch::channel(State::Starting);
        tokio::spawn(dialler.keep(sender, closed));
        Self(receiver)
    }

    /// The connection as it is. Only the very first attempt is waited for.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Fault> {
        let mut states = self.0.clone();
        let state = states.wait_for(|state| !matches!(state, State::Starting)).await;
        match state.as_deref() {
            Ok(State::Up(connection)) if connection.status().connected() => Ok(Arc::clone(connection)),
            Ok(State::Down(fault)) => Err(fault.clone()),
            _ => Err(Fault::unavailable("rabbitmq: the connection is lost")),
        }
    }

    /// A new channel on the connection.
    pub(super) async fn channel(&self) -> Result<Channel, Fault> {
        let connection = self.connection().await?;
        answer("open a channel", connection.create_channel()).await
    }

    /// Whether the broker takes nothing from this connection for want of memory or disk.
    pub(super) fn is_blocked(&self) -> bool {
        matches!(&*self.0.borrow(), State::Up(connection) if connection.status().blocked())
    }

    /// Waits until the connection is closed.
    pub(super) async fn ended(mut self) {
        // An error says that whoever kept the connection has ended: that is what is waited for.
        while self.0.changed().await.is_ok() {}
    }
}

/// What makes the connections of a link.
#[derive(Clone)]
pub(super) struct Dialler {
    pub(super) address: Address,
    /// As the broker shows it.
    pub(super) name: String,
    pub(super) plan: Arc<Plan>,
    pub(super) random: Arc<dyn Random>,
    pub(super) metrics: RabbitMetrics,
}

impl Dialler {
    async fn keep(self, state: watch::Sender<State>, closed: CancellationToken) {
        let (mut failures, mut connected_before) = (0, false);
        while !closed.is_cancelled() {
            match closed.run_until_cancelled(self.dial()).await {
                Some(Ok(connection)) => {
                    self.connected(failures, connected_before);
                    (failures, connected_before) = (0, true);
                    state.send_replace(State::Up(Arc::clone(&connection)));
                    if closed.run_until_cancelled(lost(&connection)).await.is_none() {
                        // The broker may be gone already; there is nobody left to tell.
                        let _ = answer("close", connection.close(200, "bye".into())).await;
                        return;
                    }
                    tracing::warn!(connection = self.name, "lost the broker; connecting again");
                    state.send_replace(State::Down(Fault::unavailable("rabbitmq: the connection is lost")));
                }
                Some(Err(fault)) => {
                    self.failed(failures, &fault);
                    state.send_replace(State::Down(fault));
                }
                None => return,
            }
            failures += 1;
            let pause = tokio::time::sleep(BACKOFF.delay(failures, &*self.random));
            closed.run_until_cancelled(pause).await;
        }
    }

    async fn dial(&self) -> Result<Arc<Connection>, Fault> {
        let late = || Fault::unavailable(format!("rabbitmq: connect: not done in {CONNECT_LIMIT:?}"));
        tokio::time::timeout(CONNECT_LIMIT, self.connect_and_declare()).await.map_err(|_| late())?
    }

    async fn connect_and_declare(&self) -> Result<Arc<Connection>, Fault> {
        let what = format!("connect to {}", self.address.peer());
        let properties = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let builder = DefaultConnectionBuilder::new().map_err(|error| unavailable(&what, &error))?;
        let connecting = builder
            .with_uri(self.address.uri.clone())
            .with_tls_config(self.address.tls.clone())
            .with_properties(properties);
        let connection = connecting.connect().await.map_err(|error| self.explained(&what, &error))?;
        let what = "declare exchanges and queues";
        let channel = connection.create_channel().await.map_err(|error| unavailable(what, &error))?;
        self.plan.declare(&channel).await.map_err(|error| self.explained(what, &error))?;
        Ok(Arc::new(connection))
    }

    fn explained(&self, what: &str, error: &lapin::Error) -> Fault {
        let fault = unavailable(what, error);
        match remedy(error) {
            Some(remedy) => fault.with_detail(format!("rabbitmq: {what}: {error}; {remedy}")),
            None => fault,
        }
    }

    fn connected(&self, failures: u32, before: bool) {
        if before {
            self.metrics.reconnects.inc();
        }
        tracing::info!(
            connection = self.name,
            broker = self.address.peer(),
            failures,
            "connected to the broker"
        );
    }

    /// Says it once, when it begins.
    fn failed(&self, failures: u32, fault: &Fault) {
        if failures <= 1 {
            tracing::warn!(connection = self.name, %fault, "cannot reach the broker; trying on");
        }
    }
}

/// Waits until the connection is no more.
async fn lost(connection: &Connection) {
    let mut events = std::pin::pin!(connection.events_listener());
    while connection.status().connected() {
        // An event tells at once, the look at the state tells for certain.
        let _ = tokio::time::timeout(LOOK_AGAIN, events.next()).await;
    }
}
