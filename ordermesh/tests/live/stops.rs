//! One instance of each service is stopped or killed in turn under a steady load.

use reqwest::StatusCode;

use crate::support::{Cluster, Load, Placed, Servers, Try, assert_all_settles};

const ROLES: [&str; 5] = ["gateway", "orders", "payments", "stock", "kitchen"];
const CUSTOMERS: usize = 4;
/// Orders between two events, so that each happens under load.
const BETWEEN: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_told_to_stop_fails_no_request() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::start(&servers, 2, &[]).await;
    let load = Load::start(&cluster.everyone(), CUSTOMERS).await;
    for role in ROLES {
        load.goes_on(BETWEEN).await;
        cluster.find_mut(role, 1).terminate().await;
        load.goes_on(BETWEEN).await;
        cluster.find_mut(role, 1).restart().await;
    }
    load.goes_on(BETWEEN).await;
    let placed = load.stop().await;
    for one in &placed {
        // A gateway that has stopped refuses connections: whoever balances over gateways tries the other.
        let failed: Vec<_> = one.failures().iter().filter(|t| **t != Try::Cut { gateway: 1 }).collect();
        assert!(failed.is_empty(), "{one:?}");
    }
    assert_all_settles(&cluster, &placed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_killed_fails_at_most_what_was_in_flight() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::start(&servers, 2, &[]).await;
    let load = Load::start(&cluster.everyone(), CUSTOMERS).await;
    for role in ROLES {
        load.goes_on(BETWEEN).await;
        cluster.find_mut(role, 2).kill().await;
        load.goes_on(BETWEEN).await;
        cluster.find_mut(role, 2).restart().await;
    }
    load.goes_on(BETWEEN).await;
    let placed = load.stop().await;
    let failed: Vec<_> = placed.iter().flat_map(in_flight_failures).collect();
    let in_flight = CUSTOMERS * (ROLES.len() - 1);
    assert!(failed.len() <= in_flight, "{} failures: {failed:#?}", failed.len());
    assert_all_settles(&cluster, &placed).await;
}

/// Without those at the dead gateway, which refuses connections until it is back.
fn in_flight_failures(placed: &Placed) -> Vec<Try> {
    let of_a_service = |t: &&Try| match t {
        Try::Cut { gateway } => *gateway != 2,
        Try::Answered { status, .. } => *status != StatusCode::CONFLICT,
    };
    placed.failures().iter().filter(of_a_service).cloned().collect()
}
