//! One target service: the endpoints that discovery names, those of them that can be called now, and the counts.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use common::Random;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;

use super::{MeshSettings, balancer::Balancer, endpoint::LiveEndpoint, retry::RetryBudget};
use crate::{
    discovery::{Endpoint, EndpointSet},
    report::{EndpointReport, ServiceReport},
};

/// How long a call waits for a first endpoint or connection, so that the order in which services start does not
/// matter and a restart is bridged.
const READY_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Member {
    endpoint: Endpoint,
    live: Arc<LiveEndpoint>,
}

/// Shared by all channels to the service.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) service: &'static str,
    pub(crate) settings: MeshSettings,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) budget: RetryBudget,
    pub(crate) calls: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) retries: AtomicU64,
    members: Mutex<Vec<Member>>,
    ready: watch::Sender<Balancer<LiveEndpoint>>,
    _stop: DropGuard,
}

impl Target {
    /// Starts following discovery and connecting to what it names.
    pub(crate) fn start(
        service: &'static str,
        mut found: watch::Receiver<EndpointSet>,
        random: Arc<dyn Random>,
        settings: MeshSettings,
    ) -> Arc<Self> {
        let stop = CancellationToken::new();
        let target = Arc::new(Self {
            service,
            settings,
            random,
            budget: RetryBudget::new(),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            members: Mutex::default(),
            ready: watch::Sender::new(Balancer::new([])),
            _stop: stop.clone().drop_guard(),
        });
        target.apply(&found.borrow_and_update().clone());
        let follow = follow(Arc::downgrade(&target), found);
        tokio::spawn(async move { stop.run_until_cancelled(follow).await });
        target
    }

    /// The endpoint to call now, another one than `avoid` if possible; `unavailable` when none comes up in time.
    pub(crate) async fn endpoint(
        &self,
        avoid: Option<&Arc<LiveEndpoint>>,
    ) -> Result<Arc<LiveEndpoint>, Status> {
        if let Some(endpoint) = self.pick(&self.ready.borrow(), avoid) {
            return Ok(endpoint);
        }
        let mut ready = self.ready.subscribe();
        let some = timeout(READY_WAIT, ready.wait_for(|balancer| !balancer.is_empty())).await;
        let endpoint = match some {
            Ok(Ok(balancer)) => self.pick(&balancer, avoid),
            _ => None,
        };
        endpoint.ok_or_else(|| Status::unavailable(format!("no endpoint of {} can be reached", self.service)))
    }

    fn pick(
        &self,
        balancer: &Balancer<LiveEndpoint>,
        avoid: Option<&Arc<LiveEndpoint>>,
    ) -> Option<Arc<LiveEndpoint>> {
        balancer.pick(self.random.next_u64(), Instant::now(), avoid).cloned()
    }

    /// Chooses anew who can be called: after a change of discovery or of a connection.
    pub(crate) fn republish(&self) {
        self.publish(&self.members.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Under the members' lock, so that the last to look is the last to publish.
    fn publish(&self, members: &[Member]) {
        let up = members.iter().filter(|member| member.live.is_up());
        self.ready.send_replace(Balancer::new(up.map(|m| (m.endpoint.weight, m.live.clone()))));
    }

    /// Takes over what discovery says: new addresses are connected to, known ones are kept as they are, the others
    /// get no more calls and close when their last call ends.
    fn apply(self: &Arc<Self>, found: &EndpointSet) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let live = |endpoint: &Endpoint| {
            let known = members.iter().find(|member| member.endpoint.address == endpoint.address);
            known.map_or_else(|| self.open(endpoint), |member| member.live.clone())
        };
        let next = found.iter().map(|e| Member { endpoint: e.clone(), live: live(e) }).collect();
        *members = next;
        self.publish(&members);
        tracing::debug!(service = self.service, endpoints = found.len(), "endpoints changed");
    }

    fn open(self: &Arc<Self>, endpoint: &Endpoint) -> Arc<LiveEndpoint> {
        let target = Arc::downgrade(self);
        let changed = move || {
            if let Some(target) = target.upgrade() {
                target.republish();
            }
        };
        let connections = self.settings.connections_per_endpoint;
        Arc::new(LiveEndpoint::open(endpoint.address, connections, &self.random, &changed))
    }

    pub(crate) fn report(&self) -> ServiceReport {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        ServiceReport {
            service: self.service,
            endpoints: members.iter().map(Member::report).collect(),
            calls: self.calls.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }
}

impl Member {
    fn report(&self) -> EndpointReport {
        EndpointReport {
            address: self.endpoint.address,
            version: self.endpoint.version.clone(),
            weight: self.endpoint.weight,
            connections: self.live.connections_up(),
            pending: self.live.load.pending(),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a latency is small and positive
            latency_us: self.live.load.latency_us(Instant::now()) as u64,
            attempts: self.live.attempts.load(Ordering::Relaxed),
            failures: self.live.failures.load(Ordering::Relaxed),
        }
    }
}

/// Follows discovery as long as there is a target. When the resolver itself is gone, the last set stays.
async fn follow(target: Weak<Target>, mut found: watch::Receiver<EndpointSet>) {
    while found.changed().await.is_ok() {
        let endpoints = found.borrow_and_update().clone();
        match target.upgrade() {
            Some(target) => target.apply(&endpoints),
            None => return,
        }
    }
}
