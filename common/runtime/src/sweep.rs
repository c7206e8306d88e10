//! The sweeps' runner: one instance at a time does a bounded round every few seconds, so that what no event moved is
//! moved all the same.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{Fault, Ids, Random};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use store::DocumentStore;
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

/// What a sweep does in one round.
#[async_trait]
pub trait Sweep: Send + Sync + fmt::Debug {
    /// Visits what is due, at most a bounded number, and says how many it visited. One document that fails does not
    /// stop the others; a fault means that the round as a whole could not be done (store down).
    async fn round(&self) -> Result<usize, Fault>;
}

/// Runs one sweep.
#[derive(Debug)]
pub struct Sweeper {
    /// Names the task, the lease and the metric, such as `orders.due`.
    pub name: &'static str,
    pub store: Arc<dyn DocumentStore>,
    pub sweep: Arc<dyn Sweep>,
    pub ids: Ids,
    pub random: Arc<dyn Random>,
    /// Time between rounds; a round that visited as much as it may is followed by the next at once.
    pub every: Duration,
    /// Visits per round at which it counts as full.
    pub full_round: usize,
}

/// How long a sweep's lease lasts; a dead owner delays the work by no more.
pub const LEASE: Duration = Duration::from_secs(10);
/// The usual time between rounds.
pub const EVERY: Duration = Duration::from_secs(5);

impl Sweeper {
    /// Runs until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let owner = self.ids.mint::<common::EventId>().to_string();
        loop {
            let wait = match self.turn(&owner).await {
                Ok(visited) if visited >= self.full_round => Duration::ZERO,
                Ok(_) => self.every,
                Err(fault) => {
                    tracing::warn!(sweep = self.name, %fault, "sweep could not run");
                    self.every
                }
            };
            let jitter = Duration::from_millis(
                self.random.below(1 + u64::try_from(wait.as_millis() / 10).unwrap_or(0)),
            );
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(wait + jitter) => {}
            }
        }
    }

    async fn turn(&self, owner: &str) -> Result<usize, Fault> {
        if !self.store.lease(self.name, owner, LEASE).await? {
            return Ok(0);
        }
        self.sweep.round().await
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    sweep: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoundLabels {
    sweep: &'static str,
    outcome: &'static str,
}

/// The counters of every sweep of a process.
#[derive(Clone, Debug)]
struct SweepMetrics {
    rounds: Family<RoundLabels, Counter>,
    visits: Family<Labels, Counter>,
}

impl SweepMetrics {
    fn register(metrics: &Metrics) -> Self {
        Self {
            rounds: metrics.register(
                "sweep_rounds",
                "Rounds of a sweep by how they ended",
                Family::default(),
            ),
            visits: metrics.register("sweep_visits", "Documents that a sweep visited", Family::default()),
        }
    }
}

/// A sweep whose rounds are counted.
#[derive(Debug)]
pub(crate) struct Counted {
    sweep: Arc<dyn Sweep>,
    done: Counter,
    failed: Counter,
    visits: Counter,
}

impl Counted {
    pub(crate) fn new(name: &'static str, sweep: Arc<dyn Sweep>, metrics: &Metrics) -> Self {
        let all = metrics.shared(SweepMetrics::register);
        let rounds = |outcome| all.rounds.get_or_create_owned(&RoundLabels { sweep: name, outcome });
        let visits = all.visits.get_or_create_owned(&Labels { sweep: name });
        Self { sweep, done: rounds("done"), failed: rounds("failed"), visits }
    }
}

#[async_trait]
impl Sweep for Counted {
    async fn round(&self) -> Result<usize, Fault> {
        let round = self.sweep.round().await;
        match &round {
            Ok(visited) => {
                self.done.inc();
                self.visits.inc_by(*visited as u64);
            }
            Err(_) => {
                self.failed.inc();
            }
        }
        round
    }
}
