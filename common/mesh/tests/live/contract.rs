//! The contract of discovery over a real agent, whoever does the checks.

use std::sync::Arc;

use mesh::ConsulSettings;
use testkit::{
    discovery::{Harness, Registry},
    servers::Consul,
};

use crate::{registry, ttl};

#[derive(Clone, Debug)]
struct OverConsul(ConsulSettings);

impl Harness for OverConsul {
    fn open(&self) -> Registry {
        let registry = registry(self.0.clone());
        Registry { registrar: Arc::new(registry.clone()), resolver: Arc::new(registry) }
    }
}

async fn contract_over(settings: ConsulSettings) {
    testkit::discovery::contract(|| async { Arc::new(OverConsul(settings.clone())) as Arc<dyn Harness> })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consul_registry_keeps_the_contract_when_the_agent_checks() {
    let consul = Consul::start().await.unwrap();
    contract_over(ConsulSettings::new(consul.url())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consul_registry_keeps_the_contract_when_instances_say_that_they_live() {
    let consul = Consul::start().await.unwrap();
    contract_over(ttl(&consul.url())).await;
}
