//! Discovery through a real Consul agent: `just live` runs it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod lost;
mod operators;
mod reaching;
mod registering;

use std::{path::Path, sync::Arc, time::Duration};

use common::SystemRandom;
use mesh::{
    ConsulRegistry, ConsulSettings,
    discovery::consul::{CatalogInstance, CheckBy, Status},
};
use tokio::time::{Instant, timeout};

/// How long anything may take that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(30);

fn registry(settings: ConsulSettings) -> ConsulRegistry {
    ConsulRegistry::new(settings, Arc::new(SystemRandom)).unwrap()
}

/// Instances say themselves that they are well: there at once.
fn ttl(url: &str) -> ConsulSettings {
    ConsulSettings { check_by: CheckBy::Instance, ..ConsulSettings::new(url) }
}

fn keeping(settings: ConsulSettings, folder: &Path) -> ConsulSettings {
    ConsulSettings { keep: Some(folder.to_owned()), ..settings }
}

/// Waits until the catalogue has this many passing instances of the service, and says which.
async fn passing(registry: &ConsulRegistry, service: &str, wanted: usize) -> Vec<CatalogInstance> {
    let started = Instant::now();
    loop {
        let catalog = registry.catalog().await.unwrap_or_default();
        let well =
            |instance: &CatalogInstance| instance.service == service && instance.status == Status::Passing;
        let found: Vec<_> = catalog.into_iter().filter(well).collect();
        if found.len() == wanted {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "wanted {wanted} of {service}, found {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Fails when it takes longer.
async fn bounded<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    timeout(limit, future).await.expect("it took longer than its bound")
}
