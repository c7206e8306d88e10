//! The broker, the registry or the database goes away under a steady load and comes back.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::sleep;

use crate::support::{Cluster, Load, Placed, Servers, Try, assert_all_settles, within};

const CUSTOMERS: usize = 4;
const BROKER_KILLS: usize = 3;
/// A quorum queue that was declared less than two seconds before its broker dies stays broken in RabbitMQ 3.10.
const QUEUES_SETTLE: Duration = Duration::from_secs(3);
const REGISTRY_AWAY: Duration = Duration::from_secs(60);
const DATABASE_AWAY: Duration = Duration::from_secs(20);
/// How soon every instance is back in a registry that forgot them.
const REGISTERED: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_three_times_loses_nothing_and_doubles_nothing() {
    let servers = Servers::start().await;
    let cluster = Cluster::start(&servers, 2, &[]).await;
    let load = Load::start(&cluster.everyone(), CUSTOMERS).await;
    sleep(QUEUES_SETTLE).await;
    for _ in 0..BROKER_KILLS {
        load.goes_on(12).await;
        servers.broker.kill().await;
        load.goes_on(12).await;
        servers.broker.restart().await.unwrap();
    }
    load.goes_on(12).await;
    let placed = load.stop().await;
    assert_no_failures(&placed);
    assert_all_settles(&cluster, &placed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_away_and_comes_back_empty_stops_no_order() {
    let servers = Servers::start().await;
    let cluster = Cluster::start(&servers, 2, &[]).await;
    everyone_is_registered(&servers).await;
    let load = Load::start(&cluster.everyone(), CUSTOMERS).await;
    load.goes_on(12).await;
    servers.registry.kill().await;
    sleep(REGISTRY_AWAY).await;
    load.goes_on(12).await;
    servers.registry.restart_empty().await.unwrap();
    everyone_is_registered(&servers).await;
    load.goes_on(12).await;
    let placed = load.stop().await;
    assert_no_failures(&placed);
    assert_all_settles(&cluster, &placed).await;
}

/// Two of each of five services are in the catalogue and passing.
async fn everyone_is_registered(servers: &Servers) {
    within(REGISTERED, "every instance is in the catalogue and passing", || async {
        (servers.passing().await == 10).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_503_until_it_is_back_and_nothing_paid_is_forgotten() {
    let servers = Servers::start().await;
    let cluster = Cluster::start(&servers, 2, &[]).await;
    let people = cluster.people(1);
    let mut waiting = Vec::new();
    for customer in ["a", "b", "c"] {
        waiting.push(people.order(customer, "123", 1).await);
    }
    let load = Load::start(&cluster.everyone(), CUSTOMERS).await;
    load.goes_on(12).await;
    servers.database.kill().await;
    for order in &waiting {
        assert_eq!(people.pay(order, "4242424242424242").await, StatusCode::SEE_OTHER, "the page is outside");
    }
    sleep(DATABASE_AWAY).await;
    servers.database.restart().await.unwrap();
    load.goes_on(12).await;
    let placed = load.stop().await;
    let refusals: Vec<_> = placed.iter().flat_map(Placed::failures).collect();
    let unavailable = Try::Answered { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: true };
    assert!(refusals.contains(&&unavailable), "nobody was told to come back: {refusals:?}");
    let in_flight = [StatusCode::GATEWAY_TIMEOUT, StatusCode::CONFLICT];
    for refusal in refusals.into_iter().filter(|refusal| **refusal != unavailable) {
        let Try::Answered { status, .. } = refusal else { panic!("cut: {refusal:?}") };
        assert!(in_flight.contains(status), "{refusal:?}");
    }
    for order in &waiting {
        people.reach(order, "paid").await;
        people.ticket(order, "queued").await;
    }
    assert_all_settles(&cluster, &placed).await;
}

fn assert_no_failures(placed: &[Placed]) {
    for one in placed {
        assert!(one.failures().is_empty(), "{one:?}");
    }
}
