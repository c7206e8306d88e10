//! Consul: the agent, its leader, and whether our services pass their checks.

use std::collections::BTreeMap;

use common::Fault;
use mesh::{
    ConsulRegistry,
    discovery::consul::{AgentInfo, CatalogInstance, Status},
};
use runtime::Settings;

use crate::{
    doctor::probe::{Finding, Probe},
    servers,
};

const FIX: &str = "start the agent, or set CONSUL_ADDR, CONSUL_HTTP_TOKEN and CONSUL_CACERT to what it wants";
/// What orders need. An agent that refuses the token answers with an empty list, as one without memory does.
const NEEDED: [&str; 4] = [
    contracts::service::ORDERS,
    contracts::service::PAYMENTS,
    contracts::service::STOCK,
    contracts::service::KITCHEN,
];

pub(in crate::doctor) fn probe(settings: &Settings) -> Option<Probe> {
    let target = settings.text("CONSUL_ADDR")?.to_owned();
    let registry = servers::consul(settings);
    Some(Probe::new("consul", target, FIX, async move {
        let registry = match registry {
            Ok(registry) => registry.expect("its address is set"),
            Err(error) => return Finding::fail(error.to_string(), FIX),
        };
        match ask(&registry).await {
            Ok((agent, instances)) => judge(&agent, &instances).version(agent.version.clone()),
            Err(fault) => Finding::fault(&fault, FIX),
        }
    }))
}

async fn ask(registry: &ConsulRegistry) -> Result<(AgentInfo, Vec<CatalogInstance>), Fault> {
    Ok((registry.agent().await?, registry.catalog().await?))
}

fn judge(agent: &AgentInfo, instances: &[CatalogInstance]) -> Finding {
    if agent.leader.is_none() {
        return Finding::fail("its servers have no leader", "bring back a majority of the Consul servers");
    }
    let mut passing: BTreeMap<&str, usize> = NEEDED.map(|service| (service, 0)).into();
    for instance in instances.iter().filter(|instance| instance.status == Status::Passing) {
        if let Some(count) = passing.get_mut(instance.service.as_str()) {
            *count += 1;
        }
    }
    let without: Vec<_> = passing.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    if without.is_empty() {
        let counted: Vec<_> = passing.iter().map(|(name, count)| format!("{count} {name}")).collect();
        return Finding::ok(format!("has a leader; passing: {}", counted.join(", ")));
    }
    Finding::warn(
        format!("no passing instance of {}", without.join(", ")),
        "start them, look at their checks in Consul's UI, and check that the token may read them",
    )
}
