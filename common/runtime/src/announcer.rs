//! Keeps an instance in the registry from the moment it is ready until it stops.

use std::{sync::Arc, time::Duration};

use mesh::{Instance, Registrar, Registration};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::readiness::State;

/// Pause between tries while the registry refuses.
const REGISTER_AGAIN: Duration = Duration::from_secs(1);
/// Between leaving the registry and refusing calls, so that peers hear of it first.
const SETTLE: Duration = Duration::from_millis(100);

/// An instance that is announced once it is ready.
#[derive(Debug)]
pub struct Announcer {
    announced: watch::Receiver<bool>,
    withdraw: CancellationToken,
    task: JoinHandle<()>,
}

impl Announcer {
    /// Waits in the background until the instance is ready, then announces it.
    #[must_use]
    pub fn start(
        instance: Instance,
        registrar: Arc<dyn Registrar>,
        readiness: watch::Receiver<State>,
    ) -> Self {
        let withdraw = CancellationToken::new();
        let (sender, announced) = watch::channel(false);
        let task = tokio::spawn(announce(instance, registrar, readiness, sender, withdraw.clone()));
        Self { announced, withdraw, task }
    }

    /// Waits until the instance is ready and announced.
    pub async fn announced(&self) {
        let mut announced = self.announced.clone();
        // The sender lives as long as the task; when that has ended the instance is stopping.
        let _ = announced.wait_for(|announced| *announced).await;
    }

    /// Leaves the registry and waits until peers have heard of it: the first step of a graceful stop.
    pub async fn withdraw(self) {
        self.withdraw.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the announcer died");
        }
        tokio::time::sleep(SETTLE).await;
    }
}

async fn announce(
    instance: Instance,
    registrar: Arc<dyn Registrar>,
    mut readiness: watch::Receiver<State>,
    announced: watch::Sender<bool>,
    withdraw: CancellationToken,
) {
    let work = async {
        let _ = readiness.wait_for(|state| state.ready).await;
        register(&instance, registrar.as_ref()).await
    };
    let Some(registration) = withdraw.run_until_cancelled(work).await else { return };
    announced.send_replace(true);
    withdraw.cancelled().await;
    registration.withdraw().await;
}

async fn register(instance: &Instance, registrar: &dyn Registrar) -> Box<dyn Registration> {
    loop {
        match registrar.announce(instance.clone()).await {
            Ok(registration) => return registration,
            Err(fault) => {
                tracing::warn!(service = instance.service, %fault, "could not register; trying again");
            }
        }
        tokio::time::sleep(REGISTER_AGAIN).await;
    }
}
