//! The payment sandbox alone: it plays the outside world, so it has a folder of its own and knows no mesh.

use std::sync::Arc;

use common::{SystemClock, SystemRandom};
use runtime::Settings;
use telemetry::Metrics;

use super::{always_ready, probes, say_ready, signals, stop};
use crate::{
    failure::Failure,
    folders::{data_dir, make, sandbox_folder},
    http_server::SandboxServer,
    listeners::bind,
    role::Role,
};

pub(super) async fn run(settings: &Settings) -> Result<(), Failure> {
    let mut signals = signals()?;
    let (listener, address) = bind(settings, "SANDBOX_ADDR").await?;
    let folder = make(&sandbox_folder(&data_dir(settings)))?;
    let server =
        SandboxServer::start(settings, &folder, listener, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    let probes = probes(settings, &Metrics::new(), always_ready()).await?;
    say_ready(Role::Sandbox, format_args!("http://{address}"))?;
    signals.next().await;
    server.stop().await;
    stop(probes).await;
    Ok(())
}
