//! What operators ask the registry.

use std::sync::{Arc, Mutex};

use mesh::{ConsulSettings, Registrar as _, discovery::consul::Status};
use testkit::{discovery::Serving, servers::Consul};
use tracing::{Event, Metadata, Subscriber, span};

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

/// Writes down where each span and event came from.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<&'static str>>>);

impl Heard {
    fn from(&self, target: &str) -> bool {
        self.0.lock().unwrap().iter().any(|heard| heard.starts_with(target))
    }
}

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.0.lock().unwrap().push(span.metadata().target());
        span::Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.metadata().target());
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn neither_a_call_nor_its_error_is_logged_by_the_library() {
    let heard = Heard::default();
    let _guard = tracing::subscriber::set_default(heard.clone());
    registry(ConsulSettings::new("127.0.0.1:1")).agent().await.unwrap_err();
    tracing::info!(target: "control", "heard");
    assert!(heard.from("control") && !heard.from("consulrs") && !heard.from("rustify"));
}
