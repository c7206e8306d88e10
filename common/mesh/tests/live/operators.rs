//! What operators ask the registry.

use testkit::{discovery::Serving, servers::Consul};

use mesh::{ConsulSettings, Registrar as _, discovery::consul::Status};

use crate::{passing, registry};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_says_its_version_and_an_instance_that_is_not_well_is_listed_as_critical() {
    const SERVICE: &str = "live-ill";
    let consul = Consul::start().await.unwrap();
    let registry = registry(ConsulSettings::new(consul.url()));
    let agent = registry.agent().await.unwrap();
    assert!(agent.version.starts_with("1.") && agent.leader.is_some(), "{agent:?}");
    assert_eq!(agent.datacenter, "dc1");
    assert_eq!(registry.catalog().await.unwrap(), []);

    let serving = Serving::start().await;
    let _registration = registry.announce(serving.instance(SERVICE)).await.unwrap();
    passing(&registry, SERVICE, 1).await;
    drop(serving);
    passing(&registry, SERVICE, 0).await;
    let [ill] = registry.catalog().await.unwrap().try_into().unwrap();
    assert_eq!((ill.service.as_str(), ill.status), (SERVICE, Status::Critical));
}

#[tokio::test]
async fn a_short_line_says_why_the_agent_cannot_be_reached() {
    let registry = registry(ConsulSettings::new("127.0.0.1:1"));
    let fault = registry.agent().await.unwrap_err();
    let detail = fault.detail().unwrap();
    assert!(detail.starts_with("consul: Connection refused"), "{detail}");
}
