//! The servers themselves, where their settings are there: what they say needs no gateway.

use std::sync::Arc;

use bus::DeadLetters;
use mesh::discovery::consul::CatalogInstance;
use runtime::Settings;

use super::{failed, ps::Instance};
use crate::{failure::Failure, servers};

/// The broker itself, where its setting is there.
pub(super) fn broker(settings: &Settings) -> Result<Option<Arc<dyn DeadLetters>>, Failure> {
    Ok(servers::rabbit(settings)?.map(|bus| Arc::new(bus) as _))
}

/// What the registry has, where its setting is there.
pub(super) async fn registry(settings: &Settings) -> Result<Option<Vec<Instance>>, Failure> {
    let Some(consul) = servers::consul(settings)? else { return Ok(None) };
    let catalog = consul.catalog().await.map_err(failed)?;
    Ok(Some(catalog.into_iter().map(instance).collect()))
}

fn instance(found: CatalogInstance) -> Instance {
    Instance {
        service: found.service,
        id: Some(found.id),
        address: found.address,
        status: found.status.to_string(),
        version: Some(found.version).filter(|version| !version.is_empty()),
        tags: found.tags,
    }
}
