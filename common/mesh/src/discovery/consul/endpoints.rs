//! What consulrs lacks or parses wrongly, asked through its own extension point: endpoints of rustify.

use std::collections::HashMap;

use consulrs::api::features::{Blocking, FeaturedEndpoint, Features};
use rustify_derive::Endpoint;
use serde::Deserialize;

/// The instances of a service with their checks.
#[derive(Debug, Endpoint)]
#[endpoint(path = "health/service/{self.service}", response = "Vec<Entry>")]
pub(super) struct ServiceHealth {
    #[endpoint(skip)]
    pub(super) service: String,
    #[endpoint(skip)]
    pub(super) blocking: Option<Blocking>,
    /// Only those whose checks all pass.
    #[endpoint(query)]
    pub(super) passing: Option<bool>,
    #[endpoint(query)]
    pub(super) dc: Option<String>,
}

/// One service as the local agent has it.
#[derive(Debug, Endpoint)]
#[endpoint(path = "agent/service/{self.id}", response = "Service")]
pub(super) struct AgentService {
    #[endpoint(skip)]
    pub(super) id: String,
}

/// The agent's own configuration.
#[derive(Debug, Endpoint)]
#[endpoint(path = "agent/self", response = "AgentSelf")]
pub(super) struct AgentSelfRequest {}

/// The address of the servers' leader; empty without one.
#[derive(Debug, Endpoint)]
#[endpoint(path = "status/leader", response = "String")]
pub(super) struct Leader {}

impl FeaturedEndpoint for ServiceHealth {
    fn features(&self) -> Option<Features> {
        let blocking = self.blocking.clone()?;
        Some(Features { blocking: Some(blocking), ..Features::default() })
    }
}

macro_rules! plain {
    ($($endpoint:ty),+) => {
        $(impl FeaturedEndpoint for $endpoint {
            fn features(&self) -> Option<Features> {
                None
            }
        })+
    };
}

plain!(AgentService, AgentSelfRequest, Leader);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    pub(super) node: Node,
    pub(super) service: Service,
    pub(super) checks: Option<Vec<CheckState>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Node {
    pub(super) node: String,
    pub(super) address: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Service {
    #[serde(rename = "ID")]
    pub(super) id: String,
    /// Empty: the node's.
    #[serde(default)]
    pub(super) address: String,
    #[serde(default)]
    pub(super) port: u16,
    pub(super) tags: Option<Vec<String>>,
    pub(super) meta: Option<HashMap<String, String>>,
    pub(super) weights: Option<Weights>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Weights {
    pub(super) passing: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CheckState {
    pub(super) status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AgentSelf {
    pub(super) config: AgentConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AgentConfig {
    pub(super) datacenter: String,
    pub(super) node_name: String,
    pub(super) version: String,
}

impl Service {
    pub(super) fn weight(&self) -> u32 {
        self.weights.as_ref().map_or(1, |weights| u32::try_from(weights.passing).unwrap_or(1).max(1))
    }

    pub(super) fn version(&self) -> &str {
        self.meta.as_ref().and_then(|meta| meta.get("version")).map_or("", String::as_str)
    }
}

impl Entry {
    /// Where the instance is: its own address, or else its node's.
    pub(super) fn host(&self) -> &str {
        if self.service.address.is_empty() { &self.node.address } else { &self.service.address }
    }
}
