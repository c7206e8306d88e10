//! The mesh as many processes on real servers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dead_letters;
mod journey;
mod outages;
mod stops;
mod support;
mod traces;

use support::{Cluster, Servers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_each_service_become_ready_and_one_that_was_killed_does_again() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::start(&servers, 2, &[]).await;
    for member in cluster.members() {
        let ready = reqwest::get(format!("{}/ready", member.probes)).await.unwrap();
        assert!(ready.status().is_success(), "{}-{}: {ready:?}", member.role, member.number);
    }
    let orders = cluster.find_mut("orders", 2);
    orders.kill().await;
    orders.restart().await;
    orders.terminate().await;
    orders.restart().await;
    assert!(orders.log().contains("ready"));
    for base in [cluster.gateway(1), cluster.gateway(2)] {
        let items = reqwest::get(format!("{base}/api/items")).await.unwrap();
        assert!(items.status().is_success(), "{base}: {items:?}");
    }
    assert!(reqwest::get(cluster.sandbox()).await.is_ok());
}
