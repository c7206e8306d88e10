//! Discovery inside one process: what one service announces, the others see at once. One per mesh; nothing is global.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use common::Fault;
use tokio::sync::watch;

use super::{Endpoint, EndpointSet, Instance, Peer, Registrar, Registration, Resolver};

type Services = HashMap<&'static str, watch::Sender<EndpointSet>>;

/// Registrar and resolver in one. Cheap to clone; the clones share what is announced.
#[derive(Clone, Debug, Default)]
pub struct EmbeddedRegistry {
    services: Arc<Mutex<Services>>,
}

/// What was announced, and where.
#[derive(Debug)]
struct Announced {
    registry: EmbeddedRegistry,
    service: &'static str,
    endpoint: Endpoint,
}

impl EmbeddedRegistry {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn change(&self, service: &'static str, change: impl FnOnce(&mut Vec<Endpoint>)) {
        let mut services = self.services();
        services.entry(service).or_default().send_modify(|set| {
            let mut endpoints = set.to_vec();
            change(&mut endpoints);
            *set = endpoints.into();
        });
    }

    fn services(&self) -> MutexGuard<'_, Services> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Registrar for EmbeddedRegistry {
    async fn announce(&self, instance: Instance) -> Result<Box<dyn Registration>, Fault> {
        let Peer::Address(address) = instance.address else {
            return Err(Fault::internal(format!(
                "{} is not an address inside one process",
                instance.address
            )));
        };
        let endpoint = Endpoint { address, weight: instance.weight.max(1), version: instance.version.into() };
        self.change(instance.service, |endpoints| {
            endpoints.retain(|known| known.address != endpoint.address);
            endpoints.push(endpoint.clone());
        });
        Ok(Box::new(Announced { registry: self.clone(), service: instance.service, endpoint }))
    }
}

#[async_trait]
impl Registration for Announced {
    async fn withdraw(self: Box<Self>) {
        self.registry.change(self.service, |endpoints| endpoints.retain(|known| *known != self.endpoint));
    }
}

impl Resolver for EmbeddedRegistry {
    fn watch(&self, service: &'static str) -> watch::Receiver<EndpointSet> {
        self.services().entry(service).or_default().subscribe()
    }
}
