//! The gateway alone: it owns no data, only listens, calls and is found.

use std::net::SocketAddr;

use mesh::{Check, Instance, Peer};
use runtime::{SettingError, Settings, announcer::Announcer, platform::Opened};

use super::{always_ready, open, probes, say_ready, signals, stop};
use crate::{
    failure::{Failure, StartError},
    http_server::HttpServer,
    listeners::bind,
    role::Role,
};

pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let mut signals = signals()?;
    let (listener, address) = bind(&settings, "HTTP_ADDR").await?;
    let settings = settings.with("HTTP_ADDR", address.to_string());
    let config = gateway::Config::load(&settings)?;
    let instance = instance(&settings, address)?;
    let opened = open(&settings).await?;
    let router = gateway::wire(config, &opened.platform).map_err(StartError::from)?.router;
    let probes = probes(&settings, &opened.platform.metrics, always_ready()).await?;
    let server = HttpServer::start(listener, router);
    let announcer = Announcer::start(instance, opened.platform.registrar.clone(), always_ready());
    say_ready(Role::Gateway, format_args!("http://{address}"))?;
    signals.next().await;
    tokio::select! {
        () = end(announcer, server, probes, opened) => {}
        () = signals.next() => {}
    }
    Ok(())
}

/// What it says of itself in the registry, whose agent asks whether it is alive.
fn instance(settings: &Settings, bound: SocketAddr) -> Result<Instance, SettingError> {
    let address = settings.get("ADVERTISE_ADDR")?.unwrap_or(Peer::Address(bound));
    Ok(Instance::new(Role::Gateway.name(), address, env!("CARGO_PKG_VERSION"))
        .checked_by(Check::Http { path: "/health" })
        .tagged(settings.list("ADVERTISE_TAGS")))
}

/// Nobody is sent here any more, streams end, answers under way are finished.
async fn end(announcer: Announcer, server: HttpServer, probes: Option<HttpServer>, opened: Opened) {
    announcer.withdraw().await;
    opened.platform.tasks.shutdown().cancel();
    server.stop().await;
    stop(probes).await;
    opened.close().await;
}
