//! A service alone, on a database and a broker that others reach too.

use common::Fault;
use runtime::{
    Platform, Service, Settings,
    platform::Opened,
    server::{self, Running},
};

use super::{open, probes, say_ready, signals, stop};
use crate::{
    all_in_one::TASKS_DRAIN,
    failure::{Failure, StartError},
    http_server::HttpServer,
    listeners::bind,
    role::Role,
};

/// Serves until a signal. The servers it needs may be away when it starts: it listens, says that it is not ready,
/// and becomes so by itself.
pub(super) async fn run(role: Role, settings: Settings) -> Result<(), Failure> {
    let mut signals = signals()?;
    let settings = with_address(role, settings);
    let (listener, address) = bind(&settings, "GRPC_ADDR").await?;
    let settings = settings.with("GRPC_ADDR", address.to_string());
    let opened = open(&settings).await?;
    let (advertised, tags) = (settings.get("ADVERTISE_ADDR")?, settings.list("ADVERTISE_TAGS"));
    let service = wire(role, &settings, &opened.platform)?.advertised(advertised, tags);
    let running = server::start(service, listener, &opened.platform).await.map_err(StartError::from)?;
    let probes = probes(&settings, &opened.platform.metrics, running.readiness()).await?;
    let shutdown = opened.platform.tasks.shutdown();
    let outcome = tokio::select! {
        () = signals.next() => Ok(()),
        () = shutdown.cancelled() => Err(Failure::Running("a worker failed; see the log".to_owned())),
        said = serve(role, &running) => said,
    };
    tokio::select! {
        () = end(running, probes, opened) => {}
        () = signals.next() => {}
    }
    outcome
}

/// Says when it is ready, then serves; ends only when it cannot say so.
async fn serve(role: Role, running: &Running) -> Result<(), Failure> {
    running.ready().await;
    say_ready(role, running.address)?;
    std::future::pending().await
}

/// The role's documented port, unless an address is set.
fn with_address(role: Role, settings: Settings) -> Settings {
    match settings.text(role.address_setting()).map(str::to_owned) {
        Some(address) if !settings.is_set("GRPC_ADDR") => settings.with("GRPC_ADDR", address),
        _ => settings,
    }
}

fn wire(role: Role, settings: &Settings, platform: &Platform) -> Result<Service, StartError> {
    Ok(match role {
        Role::Orders => orders::wire::wire(orders::config::Config::load(settings)?, platform)?,
        Role::Payments => payments::wire(payments::Config::load(settings)?, platform)?,
        Role::Stock => stock::wire(stock::Config::load(settings)?, platform)?,
        Role::Kitchen => kitchen::wire(kitchen::Config::load(settings)?, platform)?,
        Role::Gateway | Role::Sandbox => {
            return Err(Fault::internal(format!("{} is not a gRPC service", role.name())).into());
        }
    })
}

/// Workers end, answers under way are finished, the connections are closed.
async fn end(running: Running, probes: Option<HttpServer>, opened: Opened) {
    let tasks = opened.platform.tasks.clone();
    tasks.shutdown().cancel();
    running.stop().await;
    if !tasks.drained(TASKS_DRAIN).await {
        tracing::warn!("tasks were cut: they outlived the drain limit");
    }
    stop(probes).await;
    opened.close().await;
}
