//! The roles that can run in a process of their own in this build: the gateway and the sandbox.

use std::{collections::HashMap, net::SocketAddr, path::PathBuf, sync::Arc};

use common::{SystemClock, SystemRandom};
use mesh::Peer;
use runtime::{Platform, SettingError, Settings, readiness::State, signals::Signals};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::{
    failure::{Failure, StartError},
    folders::{make, sandbox_folder},
    http_server::{HttpServer, SandboxServer},
    listeners::bind,
    output::print,
    role::Role,
};

/// Runs the role until a signal. `role::check_available` has refused what this build lacks.
pub async fn run(role: Role, settings: Settings) -> Result<(), Failure> {
    match role {
        Role::Sandbox => sandbox(&settings).await,
        Role::Gateway | Role::Orders | Role::Payments | Role::Stock | Role::Kitchen => {
            gateway(settings).await
        }
    }
}

async fn gateway(settings: Settings) -> Result<(), Failure> {
    let (listener, address) = bind(&settings, "HTTP_ADDR").await?;
    let settings = settings.with("HTTP_ADDR", address.to_string());
    let platform = Platform::calling(peers(&settings)?, Arc::new(SystemClock), Arc::new(SystemRandom));
    let config = gateway::Config::load(&settings)?;
    let router = gateway::wire(config, &platform).map_err(StartError::from)?.router;
    let probes = probes(&settings, &platform.metrics).await?;
    let server = HttpServer::start(listener, router);
    say_ready(Role::Gateway, address)?;
    let stopped = wait_for_signal().await;
    platform.tasks.shutdown().cancel();
    server.stop().await;
    stop(probes).await;
    stopped
}

async fn sandbox(settings: &Settings) -> Result<(), Failure> {
    let (listener, address) = bind(settings, "SANDBOX_ADDR").await?;
    let folder = make(&sandbox_folder(&PathBuf::from(settings.text("DATA_DIR").unwrap_or("./data"))))?;
    let server =
        SandboxServer::start(settings, &folder, listener, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    let probes = probes(settings, &Metrics::new()).await?;
    say_ready(Role::Sandbox, address)?;
    let stopped = wait_for_signal().await;
    server.stop().await;
    stop(probes).await;
    stopped
}

/// `/health`, `/ready` and `/metrics` at `METRICS_ADDR`, if it is set. Both roles are ready as soon as they listen.
async fn probes(settings: &Settings, metrics: &Metrics) -> Result<Option<HttpServer>, Failure> {
    if !settings.is_set("METRICS_ADDR") {
        return Ok(None);
    }
    let (listener, address) = bind(settings, "METRICS_ADDR").await?;
    print(&format!("  metrics   http://{address}\n"))?;
    let (_, readiness) = watch::channel(State { ready: true, checks: Vec::new() });
    Ok(Some(HttpServer::start(listener, runtime::probes::router(metrics.clone(), readiness))))
}

async fn stop(server: Option<HttpServer>) {
    if let Some(server) = server {
        server.stop().await;
    }
}

fn peers(settings: &Settings) -> Result<HashMap<&'static str, Vec<Peer>>, SettingError> {
    let mut peers = HashMap::new();
    for (service, name) in [
        (contracts::service::ORDERS, "ORDERS_ADDRS"),
        (contracts::service::PAYMENTS, "PAYMENTS_ADDRS"),
        (contracts::service::STOCK, "STOCK_ADDRS"),
        (contracts::service::KITCHEN, "KITCHEN_ADDRS"),
    ] {
        let parse = |text: &String| {
            text.parse().map_err(|error| SettingError::new(name, format!("{text:?}: {error}")))
        };
        peers.insert(service, settings.list(name).iter().map(parse).collect::<Result<_, _>>()?);
    }
    Ok(peers)
}

fn say_ready(role: Role, address: SocketAddr) -> Result<(), Failure> {
    print(&format!("ordermesh {} is ready at http://{address}\n", role.name()))
}

async fn wait_for_signal() -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::Running(error.to_string()))?;
    signals.next().await;
    Ok(())
}
