//! One role in a process of its own, from bound address to ordered stop.

mod gateway;
mod sandbox;
mod service;

use std::{collections::HashMap, fmt::Display, sync::Arc};

use common::{SystemClock, SystemRandom};
use mesh::Peer;
use runtime::{
    SettingError, Settings,
    platform::{Nothing, Opened, Opening},
    readiness::State,
    signals::Signals,
};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::{
    failure::{Failure, StartError},
    folders::data_dir,
    http_server::HttpServer,
    listeners::bind,
    output::print,
    role::Role,
};

/// Runs the role until a signal. `role::check_available` has refused what this build lacks.
pub async fn run(role: Role, settings: Settings) -> Result<(), Failure> {
    match role {
        Role::Sandbox => sandbox::run(&settings).await,
        Role::Gateway => gateway::run(settings).await,
        Role::Orders | Role::Payments | Role::Stock | Role::Kitchen => service::run(role, settings).await,
    }
}

/// The platform of a role: everything on servers, peers at fixed addresses or from the registry.
async fn open(settings: &Settings) -> Result<Opened, StartError> {
    Opened::open(Opening {
        settings: settings.clone(),
        folder: None,
        peers: peers(settings)?,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        between: Arc::new(Nothing),
    })
    .await
    .map_err(|error| StartError::opening(&data_dir(settings), error))
}

fn peers(settings: &Settings) -> Result<HashMap<&'static str, Vec<Peer>>, SettingError> {
    let mut peers = HashMap::new();
    for role in Role::ALL {
        let Some(name) = role.addresses_setting().filter(|name| settings.is_set(name)) else { continue };
        let parse = |text: &String| {
            text.parse().map_err(|error| SettingError::new(name, format!("{text:?}: {error}")))
        };
        peers.insert(role.name(), settings.list(name).iter().map(parse).collect::<Result<_, _>>()?);
    }
    Ok(peers)
}

/// `/health`, `/ready` and `/metrics` at `METRICS_ADDR`, if it is set.
async fn probes(
    settings: &Settings,
    metrics: &Metrics,
    readiness: watch::Receiver<State>,
) -> Result<Option<HttpServer>, Failure> {
    if !settings.is_set("METRICS_ADDR") {
        return Ok(None);
    }
    let (listener, address) = bind(settings, "METRICS_ADDR").await?;
    print(&format!("  metrics   http://{address}\n"))?;
    Ok(Some(HttpServer::start(listener, runtime::probes::router(metrics.clone(), readiness))))
}

/// For a role that is ready as soon as it listens.
fn always_ready() -> watch::Receiver<State> {
    watch::channel(State { ready: true, checks: Vec::new() }).1
}

async fn stop(server: Option<HttpServer>) {
    if let Some(server) = server {
        server.stop().await;
    }
}

/// `at`: an address, or a URL where people may look.
fn say_ready(role: Role, at: impl Display) -> Result<(), Failure> {
    print(&format!("ordermesh {} is ready at {at}\n", role.name()))
}

fn signals() -> Result<Signals, Failure> {
    Signals::new().map_err(|error| Failure::Running(error.to_string()))
}
