//! The whole mesh in one process: five services and, without a Stripe key, the sandbox. Used ports, locked folders
//! and bad settings are found before anything serves.

mod start;

use std::{path::PathBuf, sync::Arc, time::Duration};

use common::{Clock, Random, SystemClock, SystemRandom};
use runtime::{
    Settings,
    platform::{Between, Nothing, Opened},
    server::Running,
};

use crate::{
    failure::{Failure, StartError},
    http_server::{HttpServer, SandboxServer},
    listeners::Addresses,
    output::print,
};

/// How long tasks may take to end once everything is told to stop.
pub(crate) const TASKS_DRAIN: Duration = Duration::from_secs(10);

/// What a mesh is started with.
#[derive(Debug)]
pub struct Options {
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// What stands between the services and their stores.
    pub between: Arc<dyn Between>,
}

impl Options {
    /// Real time and randomness, and nothing in between.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            between: Arc::new(Nothing),
        }
    }
}

/// A running mesh.
#[derive(Debug)]
pub struct AllInOne {
    pub addresses: Addresses,
    pub data_dir: PathBuf,
    pub test_mode: bool,
    opened: Opened,
    services: Vec<Running>,
    gateway: HttpServer,
    metrics: Option<HttpServer>,
    sandbox: Option<SandboxServer>,
}

impl AllInOne {
    /// Binds every address, opens the data folder, wires and serves; returns when all services are ready.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        start::start(options).await
    }

    /// Resolves when the mesh cannot go on: its database failed or a worker died.
    pub async fn failed(&self) {
        let shutdown = self.opened.platform.tasks.shutdown();
        tokio::select! {
            () = self.opened.failed() => tracing::error!("the database failed; stopping"),
            () = shutdown.cancelled() => {}
        }
    }

    /// The fault switches of the sandbox, for tests.
    #[must_use]
    pub fn sandbox_faults(&self) -> Option<sandbox::Faults> {
        self.sandbox.as_ref().map(SandboxServer::faults)
    }

    /// What the services stand on, for tests.
    #[must_use]
    pub fn platform(&self) -> &runtime::Platform {
        &self.opened.platform
    }

    /// Stops in order: workers and streams end, answers under way are finished from the outside in, then the
    /// database is closed.
    pub async fn stop(self) {
        let tasks = self.opened.platform.tasks.clone();
        tasks.shutdown().cancel();
        self.gateway.stop().await;
        futures::future::join_all(self.services.into_iter().map(Running::stop)).await;
        if !tasks.drained(TASKS_DRAIN).await {
            tracing::warn!("tasks were cut: they outlived the drain limit");
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
        if let Some(metrics) = self.metrics {
            metrics.stop().await;
        }
        self.opened.close().await;
    }

    /// What the program prints when it is ready.
    fn table(&self) -> String {
        let addresses = &self.addresses;
        let mut rows = vec![
            ("gateway", format!("http://{}", addresses.gateway)),
            ("orders", addresses.orders.to_string()),
            ("payments", addresses.payments.to_string()),
            ("stock", addresses.stock.to_string()),
            ("kitchen", addresses.kitchen.to_string()),
        ];
        if let Some(sandbox) = addresses.sandbox {
            rows.push(("sandbox", format!("http://{sandbox}  TEST MODE: no real money")));
        }
        if let Some(metrics) = addresses.metrics {
            rows.push(("metrics", format!("http://{metrics}")));
        }
        rows.push(("data", self.data_dir.display().to_string()));
        let lines: String = rows.iter().map(|(name, value)| format!("  {name:9} {value}\n")).collect();
        let host = format!("localhost:{}", addresses.gateway.port());
        format!(
            "ordermesh is ready\n\n{lines}\nTry:  curl -X POST {host}/api/customers/2/orders -d '{{\"ID\": 123, \"Quantity\": 2}}'\n"
        )
    }
}

/// `ordermesh up`: runs until a signal, stops gracefully, at once on a second one.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let mesh = AllInOne::start(Options::new(settings)).await?;
    print(&mesh.table())?;
    let mut signals =
        runtime::signals::Signals::new().map_err(|error| Failure::Running(error.to_string()))?;
    let outcome = tokio::select! {
        () = signals.next() => Ok(()),
        () = mesh.failed() => Err(Failure::Running("a part of the mesh failed; see the log".to_owned())),
    };
    tokio::select! {
        () = mesh.stop() => outcome,
        () = signals.next() => outcome,
    }
}
