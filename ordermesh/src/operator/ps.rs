//! `ordermesh ps`: services and instances, as the registry or, without one, the gateway sees them.

use runtime::Settings;
use serde::Serialize;
use serde_json::{Value, json};

use super::{failed, networked};
use crate::{
    failure::Failure,
    output::{print, print_json},
    table::table,
};

/// One instance of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Instance {
    pub(super) service: String,
    /// What the registry calls it; absent where there is no registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) address: String,
    pub(super) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    pub(super) tags: Vec<String>,
}

pub(super) async fn run(settings: &Settings, json: bool) -> Result<(), Failure> {
    let (source, instances) = match networked::registry(settings).await? {
        Some(instances) => ("registry", instances),
        None => ("gateway", seen_by_gateway(settings).await?),
    };
    if json {
        return print_json(&json!({"source": source, "instances": instances}));
    }
    if instances.is_empty() {
        return print("no instance of any service is known\n");
    }
    let rows: Vec<_> = instances.iter().map(row).collect();
    print(&table(["SERVICE", "ID", "ADDRESS", "STATUS", "VERSION", "TAGS"], &rows))
}

fn row(instance: &Instance) -> [String; 6] {
    let or_dash = |text: Option<&String>| text.map_or_else(|| "-".to_owned(), Clone::clone);
    [
        instance.service.clone(),
        or_dash(instance.id.as_ref()),
        instance.address.clone(),
        instance.status.clone(),
        or_dash(instance.version.as_ref()),
        instance.tags.join(","),
    ]
}

/// The gateway itself, and the instances that it finds.
async fn seen_by_gateway(settings: &Settings) -> Result<Vec<Instance>, Failure> {
    let gateway = super::gateway(settings)?;
    let report = gateway.get("/api/mesh").await.map_err(failed)?;
    let status = if gateway.is_ready().await { "ready" } else { "not ready" };
    let mut instances = vec![Instance {
        service: "gateway".to_owned(),
        id: None,
        address: gateway.base().to_owned(),
        status: status.to_owned(),
        version: None,
        tags: Vec::new(),
    }];
    for service in array(&report["services"]) {
        let name = service["service"].as_str().unwrap_or_default();
        instances.extend(array(&service["endpoints"]).map(|endpoint| instance(name, endpoint)));
    }
    Ok(instances)
}

fn instance(service: &str, endpoint: &Value) -> Instance {
    let text = |name: &str| endpoint[name].as_str().map(str::to_owned);
    let connected = endpoint["connections"].as_u64().is_some_and(|connections| connections > 0);
    Instance {
        service: service.to_owned(),
        id: None,
        address: text("address").unwrap_or_default(),
        status: if connected { "connected" } else { "not connected" }.to_owned(),
        version: text("version").filter(|version| !version.is_empty()),
        tags: Vec::new(),
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
