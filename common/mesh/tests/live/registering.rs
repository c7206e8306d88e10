//! How an instance gets into the registry, and what the registry shows of it.

use std::{net::Ipv4Addr, time::Duration};

use common::SystemRandom;
use mesh::{
    Check, ConsulSettings, Instance, Mesh, MeshSettings, MethodTable, Peer, Registrar as _, Resolver as _,
};
use std::sync::Arc;
use testkit::{discovery::Serving, servers::Consul};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::Instant,
};

use crate::{bounded, passing, registry, ttl};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_starts_before_its_agent_is_registered_when_that_comes() {
    const SERVICE: &str = "live-early";
    let consul = Consul::start().await.unwrap();
    consul.kill().await;
    let registry = registry(ConsulSettings::new(consul.url()));
    let serving = Serving::start().await;
    let registration =
        bounded(Duration::from_secs(4), registry.announce(serving.instance(SERVICE))).await.unwrap();
    consul.restart().await.unwrap();
    passing(&registry, SERVICE, 1).await;
    registration.withdraw().await;
    passing(&registry, SERVICE, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_reaches_the_balancer_within_a_second() {
    const SERVICE: &str = "live-quick";
    let consul = Consul::start().await.unwrap();
    let registry = registry(ttl(&consul.url()));
    let mesh = Mesh::new(
        Arc::new(registry.clone()),
        Arc::new(SystemRandom),
        MeshSettings::new(MethodTable::default()),
    );
    let _channel = mesh.channel(SERVICE);
    let balanced = |wanted: usize| {
        let mesh = mesh.clone();
        async move {
            while mesh.report().services[0].endpoints.len() != wanted {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    };
    let (one, two) = (Serving::start().await, Serving::start().await);
    let _stays = registry.announce(one.instance(SERVICE)).await.unwrap();
    bounded(Duration::from_secs(1), balanced(1)).await;
    let leaves = registry.announce(two.instance(SERVICE)).await.unwrap();
    bounded(Duration::from_secs(1), balanced(2)).await;
    let left = Instant::now();
    leaves.withdraw().await;
    bounded(Duration::from_secs(1).saturating_sub(left.elapsed()), balanced(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_shows_version_tags_weight_and_meta_and_a_name_stays_a_name() {
    const SERVICE: &str = "live-shown";
    let consul = Consul::start().await.unwrap();
    let registry = registry(ConsulSettings::new(consul.url()));
    let serving = Serving::start().await;
    let port = serving.address.port();
    let instance = Instance {
        address: Peer::Name { host: "localhost".to_owned(), port },
        version: "2.1.0",
        weight: 4,
        tags: vec!["ordermesh".to_owned()],
        ..serving.instance(SERVICE)
    };
    let _registration = registry.announce(instance).await.unwrap();
    let [shown] = passing(&registry, SERVICE, 1).await.try_into().unwrap();
    assert_eq!(shown.id, format!("{SERVICE}-localhost-{port}"));
    assert_eq!(shown.address, format!("localhost:{port}"));
    assert_eq!(
        (shown.version.as_str(), shown.weight, shown.tags.as_slice()),
        ("2.1.0", 4, &["ordermesh".to_owned()][..])
    );
    let mut watch = registry.watch(SERVICE);
    let found = watch.wait_for(|set| set.iter().any(|endpoint| endpoint.address == serving.address));
    assert_eq!(bounded(Duration::from_secs(5), found).await.unwrap()[0].weight, 4);
}

/// Answers 200 to every request, one per connection.
async fn answer_http(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        if stream.read(&mut request).await.is_ok_and(|read| read > 0) && request.starts_with(b"GET /ready ") {
            // The agent sees whether it got the answer.
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_speaks_http_is_checked_over_http() {
    const SERVICE: &str = "live-http";
    let consul = Consul::start().await.unwrap();
    let registry = registry(ConsulSettings::new(consul.url()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let instance = Instance::new(SERVICE, listener.local_addr().unwrap(), "1");
    let _registration = registry.announce(instance.checked_by(Check::Http { path: "/ready" })).await.unwrap();
    let server = tokio::spawn(answer_http(listener));
    passing(&registry, SERVICE, 1).await;
    server.abort();
    passing(&registry, SERVICE, 0).await;
}

#[tokio::test]
async fn an_address_at_which_nobody_can_be_called_is_refused() {
    let registry = registry(ConsulSettings::new("127.0.0.1:1"));
    let wildcard = "0.0.0.0:2000".parse::<Peer>().unwrap();
    assert!(registry.announce(Instance::new("live-nowhere", wildcard, "1")).await.is_err());
}
