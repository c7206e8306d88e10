//! Discovery through a Consul agent. Everything of consulrs and rustify is in this module and nowhere else; docs/adr
//! says how it is contained. Nothing here is waited for by a call: what was known last stays, and the calls decide.

mod agent;
mod catalog;
mod endpoints;
mod kept;
mod registration;
mod settings;
mod watcher;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use common::{Fault, Random};
use tokio::sync::watch;

use super::{
    EndpointSet, Instance, Registrar, Registration, Resolver,
    names::{Lookup, SystemLookup},
};
use agent::Agent;
pub use catalog::{AgentInfo, CatalogInstance, Status};
use kept::Kept;
pub use settings::{CheckBy, ClientCertificate, ConsulSettings};
use watcher::Watcher;

/// Registrar and resolver in one. Cheap to clone; the clones share one blocking query per watched service.
#[derive(Clone)]
pub struct ConsulRegistry {
    inner: Arc<Inner>,
}

struct Inner {
    agent: Agent,
    settings: ConsulSettings,
    random: Arc<dyn Random>,
    lookup: Arc<dyn Lookup>,
    watched: Mutex<HashMap<&'static str, watch::Receiver<EndpointSet>>>,
}

impl ConsulRegistry {
    /// Checks the settings and reads the certificates; speaks to nobody. `invalid` says which setting is wrong.
    pub fn new(settings: ConsulSettings, random: Arc<dyn Random>) -> Result<Self, Fault> {
        Self::with_lookup(settings, random, Arc::new(SystemLookup))
    }

    /// Looks names up in another way.
    pub fn with_lookup(
        settings: ConsulSettings,
        random: Arc<dyn Random>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Fault> {
        let agent = Agent::new(&settings)?;
        Ok(Self { inner: Arc::new(Inner { agent, settings, random, lookup, watched: Mutex::default() }) })
    }

    /// Every instance of every service in the catalogue, whatever its health; Consul's own service left out.
    /// `unavailable` when the agent does not answer or refuses.
    pub async fn catalog(&self) -> Result<Vec<CatalogInstance>, Fault> {
        catalog::read(&self.inner.agent, self.inner.settings.datacenter.as_deref()).await
    }

    /// What the agent says of itself. `unavailable` when it does not answer or refuses.
    pub async fn agent(&self) -> Result<AgentInfo, Fault> {
        catalog::agent(&self.inner.agent).await
    }
}

#[async_trait]
impl Registrar for ConsulRegistry {
    async fn announce(&self, instance: Instance) -> Result<Box<dyn Registration>, Fault> {
        let Inner { agent, settings, random, .. } = &*self.inner;
        let registered =
            registration::start(agent.clone(), instance, settings.check_by, random.clone()).await?;
        Ok(Box::new(registered))
    }
}

impl Resolver for ConsulRegistry {
    fn watch(&self, service: &'static str) -> watch::Receiver<EndpointSet> {
        let Inner { agent, settings, random, lookup, watched } = &*self.inner;
        let start = || {
            let kept = Kept::new(settings.keep.as_deref(), service, random.clone());
            Watcher::new(agent.clone(), service, settings.datacenter.clone(), random.clone())
                .start(kept, lookup.clone())
        };
        watched.lock().unwrap_or_else(PoisonError::into_inner).entry(service).or_insert_with(start).clone()
    }
}

impl fmt::Debug for ConsulRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConsulRegistry").field(&self.inner.settings).finish()
    }
}
