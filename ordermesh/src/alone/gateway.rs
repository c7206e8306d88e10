//! The gateway alone: it owns no data, only listens, calls and is found.

use runtime::Settings;

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
    let opened = open(&settings)?;
    let router = gateway::wire(config, &opened.platform).map_err(StartError::from)?.router;
    let probes = probes(&settings, &opened.platform.metrics, always_ready()).await?;
    let server = HttpServer::start(listener, router);
    say_ready(Role::Gateway, format_args!("http://{address}"))?;
    signals.next().await;
    opened.platform.tasks.shutdown().cancel();
    tokio::select! {
        () = async {
            server.stop().await;
            stop(probes).await;
            opened.close().await;
        } => {}
        () = signals.next() => {}
    }
    Ok(())
}
