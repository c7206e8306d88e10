//! The servers themselves: each is ready when it says so, survives what it should, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, process::Command, time::Duration};

use testkit::servers::{Consul, Mongo, RabbitMq, Server, StripeMock};
use tokio::time::{Instant, sleep};

/// Longer than a start or an end ever takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn program(pid: u32) -> String {
    let path = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The pid is the server's own, and a killed one comes back.
async fn dies_and_returns(server: &Server, name: &str) {
    let first = server.pid();
    assert_eq!(program(first), name);
    server.kill().await;
    assert!(!alive(first));
    server.restart().await.unwrap();
    let second = server.pid();
    server.terminate().await;
    assert!(!alive(second));
    server.restart().await.unwrap();
    server.pause();
    server.resume();
    assert!(alive(server.pid()));
}

#[tokio::test]
async fn the_broker_dies_and_returns() {
    let broker = RabbitMq::start().await.unwrap();
    dies_and_returns(&broker, "beam.smp").await;
    let flags = reqwest::get(format!("{}/api/feature-flags", broker.management_url())).await.unwrap();
    let flags: serde_json::Value = flags.error_for_status().unwrap().json().await.unwrap();
    let off: Vec<_> = flags.as_array().unwrap().iter().filter(|flag| flag["state"] != "enabled").collect();
    assert!(off.is_empty(), "quorum queues need all of them: {off:?}");
}

#[tokio::test]
async fn the_registry_dies_and_returns_with_or_without_its_data() {
    let consul = Consul::start().await.unwrap();
    let key = format!("{}/v1/kv/kept?raw", consul.url());
    reqwest::Client::new().put(&key).body("yes").send().await.unwrap().error_for_status().unwrap();
    dies_and_returns(&consul, "consul").await;
    assert_eq!(reqwest::get(&key).await.unwrap().text().await.unwrap(), "yes");
    consul.restart_empty().await.unwrap();
    assert_eq!(reqwest::get(&key).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_registry_with_rules_takes_its_token_only() {
    let consul = Consul::start_with_acl("live-token").await.unwrap();
    let asked = reqwest::get(format!("{}/v1/agent/self", consul.url())).await.unwrap();
    assert_eq!(asked.status(), 403);
}

#[tokio::test]
async fn the_database_dies_and_returns() {
    let mongo = Mongo::start().await.unwrap();
    dies_and_returns(&mongo, "secantusd-rs").await;
    Mongo::start_standalone().await.unwrap();
}

#[tokio::test]
async fn the_payment_mock_dies_and_returns() {
    let mock = StripeMock::start().await.unwrap();
    dies_and_returns(&mock, "stripe-mock").await;
}

/// The test starts itself as another process, which starts a server and is killed.
#[tokio::test]
async fn a_server_ends_with_a_killed_test() {
    const ROLE: &str = "LIVE_TEST_IS_KILLED";
    if let Some(file) = std::env::var_os(ROLE) {
        let mongo = Mongo::start().await.unwrap();
        std::fs::write(file, mongo.pid().to_string()).unwrap();
        sleep(PATIENCE).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_server_ends_with_a_killed_test"])
        .env(ROLE, &file)
        .spawn()
        .unwrap();
    let pid = until(|| std::fs::read_to_string(&file).ok()?.parse().ok()).await;
    assert!(alive(pid));
    other.kill().unwrap();
    other.wait().unwrap();
    until(|| (!alive(pid)).then_some(())).await;
}

async fn until<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited too long");
        sleep(Duration::from_millis(20)).await;
    }
}
