//! What the registry believes, for operators: every instance with its health, and the agent itself.

use std::fmt;

use common::Fault;
use consulrs::{api::catalog::requests::ListServicesRequest, catalog};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::{
    agent::{Agent, CALL_TIMEOUT},
    endpoints::{AgentSelfRequest, Entry, Leader, ServiceHealth},
};

/// Consul's own service.
const CONSUL: &str = "consul";
/// Services that are read, and how many at once.
const MAX_SERVICES: usize = 1_000;
const AT_ONCE: usize = 8;

/// An instance as the registry sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CatalogInstance {
    pub service: String,
    pub id: String,
    pub node: String,
    /// `host:port`
    pub address: String,
    pub status: Status,
    pub version: String,
    pub weight: u32,
    pub tags: Vec<String>,
}

/// The worst of an instance's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Passing,
    Warning,
    Critical,
}

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentInfo {
    pub version: String,
    pub node: String,
    pub datacenter: String,
    /// Where the leader of the servers is; none while they have none.
    pub leader: Option<String>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passing => "passing",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

pub(super) async fn agent(agent: &Agent) -> Result<AgentInfo, Fault> {
    let config = agent.exec(AgentSelfRequest {}, CALL_TIMEOUT).await?.response.config;
    let leader = agent.exec(Leader {}, CALL_TIMEOUT).await?.response;
    Ok(AgentInfo {
        version: config.version,
        node: config.node_name,
        datacenter: config.datacenter,
        leader: Some(leader).filter(|leader| !leader.is_empty()),
    })
}

pub(super) async fn read(agent: &Agent, datacenter: Option<&str>) -> Result<Vec<CatalogInstance>, Fault> {
    let mut request = ListServicesRequest::builder();
    if let Some(datacenter) = datacenter {
        request.dc(datacenter);
    }
    let services = agent.run(CALL_TIMEOUT, catalog::services(agent.client(), Some(&mut request))).await?;
    let mut names: Vec<_> = services.response.into_keys().filter(|name| name != CONSUL).collect();
    names.sort_unstable();
    names.truncate(MAX_SERVICES);
    let instances = stream::iter(names.into_iter().map(|name| instances(agent, name, datacenter)));
    Ok(instances.buffered(AT_ONCE).try_collect::<Vec<_>>().await?.concat())
}

async fn instances(
    agent: &Agent,
    service: String,
    datacenter: Option<&str>,
) -> Result<Vec<CatalogInstance>, Fault> {
    let endpoint = ServiceHealth {
        service: service.clone(),
        blocking: None,
        passing: None,
        dc: datacenter.map(str::to_owned),
    };
    let entries = agent.exec(endpoint, CALL_TIMEOUT).await?.response;
    let mut instances: Vec<_> = entries.into_iter().map(|entry| instance(&service, entry)).collect();
    instances.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(instances)
}

fn instance(service: &str, entry: Entry) -> CatalogInstance {
    let checks = entry.checks.iter().flatten();
    let host = entry.host();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    CatalogInstance {
        service: service.to_owned(),
        address: format!("{host}:{}", entry.service.port),
        status: checks.map(|check| status(&check.status)).max().unwrap_or(Status::Passing),
        version: entry.service.version().to_owned(),
        weight: entry.service.weight(),
        id: entry.service.id,
        node: entry.node.node,
        tags: entry.service.tags.unwrap_or_default(),
    }
}

fn status(text: &str) -> Status {
    match text {
        "passing" => Status::Passing,
        "warning" => Status::Warning,
        _ => Status::Critical,
    }
}
