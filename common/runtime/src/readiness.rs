//! Readiness: what must answer before a service takes calls, asked again and again, told to `grpc.health.v1`.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{platform::Platform, service::Check};

/// Time between two rounds while not ready, and once ready.
const SOON: Duration = Duration::from_millis(20);
const EVERY: Duration = Duration::from_secs(1);
/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The last round's outcome, with one line per thing that must answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct State {
    pub ready: bool,
    pub checks: Vec<CheckState>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CheckState {
    pub name: &'static str,
    pub ok: bool,
}

/// The checks of one service.
pub(crate) struct Readiness {
    service: &'static str,
    checks: Vec<(&'static str, Arc<dyn Check>)>,
}

impl Readiness {
    /// Asks in the background until the platform stops.
    pub(crate) fn watch(
        service: &'static str,
        checks: Vec<(&'static str, Arc<dyn Check>)>,
        health: HealthReporter,
        proto_services: Vec<&'static str>,
        platform: &Platform,
    ) -> watch::Receiver<State> {
        let (sender, receiver) = watch::channel(State::default());
        let shutdown = platform.tasks.shutdown();
        let readiness = Self { service, checks };
        platform.tasks.spawn("readiness", async move {
            let asking = readiness.keep_asking(&health, &proto_services, &sender);
            let _ = shutdown.run_until_cancelled(asking).await;
        });
        receiver
    }

    async fn keep_asking(
        &self,
        health: &HealthReporter,
        proto_services: &[&'static str],
        sender: &watch::Sender<State>,
    ) {
        loop {
            let state = self.ask().await;
            let ready = state.ready;
            if sender.borrow().ready != ready {
                tracing::info!(service = self.service, ready, "readiness changed");
                let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
                set_serving(health, proto_services, status).await;
            }
            sender.send_replace(state);
            tokio::time::sleep(if ready { EVERY } else { SOON }).await;
        }
    }

    async fn ask(&self) -> State {
        let answers = self.checks.iter().map(|(name, check)| async move {
            let ok = matches!(tokio::time::timeout(CHECK_TIMEOUT, check.check()).await, Ok(Ok(())));
            CheckState { name, ok }
        });
        let checks = futures::future::join_all(answers).await;
        State { ready: checks.iter().all(|check| check.ok), checks }
    }
}

/// Sets the status of each proto service, and of the server as a whole (the empty name).
pub(crate) async fn set_serving(
    health: &HealthReporter,
    proto_services: &[&'static str],
    status: ServingStatus,
) {
    for name in proto_services.iter().copied().chain([""]) {
        health.set_service_status(name, status).await;
    }
}
