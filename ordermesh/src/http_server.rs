//! The HTTP servers of a process, each with the token that stops it; the sandbox brings workers of its own.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::Router;
use common::{Clock, Fault, Random};
use runtime::{
    Settings, Tasks,
    http::{self, HttpLimits},
};
use sandbox::{Sandbox, WebhookSecret};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::failure::StartError;

/// How long the sandbox's workers may take to end.
const SANDBOX_DRAIN: Duration = Duration::from_secs(5);

/// A running HTTP server.
#[derive(Debug)]
pub(crate) struct HttpServer {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl HttpServer {
    pub(crate) fn start(listener: TcpListener, router: Router) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(http::serve(listener, router, HttpLimits::default(), stop.clone()));
        Self { stop, task }
    }

    /// Finishes the answers under way.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "http server died");
        }
    }
}

/// The sandbox plays the outside, so it has a folder, a database and tasks of its own.
#[derive(Debug)]
pub(crate) struct SandboxServer {
    pub(crate) address: SocketAddr,
    /// What it signs webhooks with, and payments must know.
    pub(crate) secret: WebhookSecret,
    server: HttpServer,
    tasks: Tasks,
    sandbox: Sandbox,
}

impl SandboxServer {
    pub(crate) fn start(
        settings: &Settings,
        folder: &Path,
        listener: TcpListener,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr().map_err(|error| Fault::internal(error.to_string()))?;
        let secret = secret(settings, folder, random.as_ref())?;
        let config =
            sandbox::Config::new(public_url(settings, address), Some(webhook_url(settings)?), secret.clone());
        let store = sandbox::open_store(folder, Arc::clone(&clock))
            .map_err(|error| StartError::Data { folder: folder.to_owned(), problem: error.to_string() })?;
        let sandbox = Sandbox::new(&config, store, clock, random)?;
        let tasks = Tasks::new(CancellationToken::new());
        sandbox.start(&tasks);
        let server = HttpServer::start(listener, sandbox.router());
        Ok(Self { address, secret, server, tasks, sandbox })
    }

    pub(crate) fn faults(&self) -> sandbox::Faults {
        self.sandbox.faults()
    }

    pub(crate) async fn stop(self) {
        self.tasks.shutdown().cancel();
        self.server.stop().await;
        if !self.tasks.drained(SANDBOX_DRAIN).await {
            tracing::warn!("the sandbox's tasks were cut: they outlived the drain limit");
        }
    }
}

/// The first secret that is set, or one kept in the folder.
fn secret(settings: &Settings, folder: &Path, random: &dyn Random) -> Result<WebhookSecret, Fault> {
    match settings.list("STRIPE_WEBHOOK_SECRET").into_iter().next() {
        Some(secret) => Ok(WebhookSecret::new(secret)),
        None => sandbox::secret(folder, random),
    }
}

fn public_url(settings: &Settings, address: SocketAddr) -> String {
    settings.text("SANDBOX_PUBLIC_URL").map_or_else(|| format!("http://{address}"), str::to_owned)
}

fn webhook_url(settings: &Settings) -> Result<String, StartError> {
    match settings.text("SANDBOX_WEBHOOK_URL") {
        Some(url) => Ok(url.to_owned()),
        None => Ok(format!("http://{}/api/webhooks/stripe", settings.require::<SocketAddr>("HTTP_ADDR")?)),
    }
}
