//! The registry is lost: calls go on with what was known, and everything is back by itself.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mesh::{ConsulRegistry, ConsulSettings, EndpointSet, Registrar as _, Resolver as _};
use testkit::{
    discovery::{Serving, until},
    servers::Consul,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{bounded, keeping, passing, registry, ttl};

/// Tells whether the set was ever empty after it was known.
fn watch_for_empty_sets(mut watch: watch::Receiver<EndpointSet>) -> Arc<AtomicBool> {
    let empty = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&empty);
    tokio::spawn(async move {
        while watch.changed().await.is_ok() {
            seen.fetch_or(watch.borrow_and_update().is_empty(), Ordering::SeqCst);
        }
    });
    empty
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_forgot_everything_has_us_passing_again_within_30_s_and_no_set_was_ever_empty() {
    const SERVICE: &str = "live-forgotten";
    let consul = Consul::start().await.unwrap();
    let registry = registry(ConsulSettings::new(consul.url()));
    let (one, two) = (Serving::start().await, Serving::start().await);
    let _first = registry.announce(one.instance(SERVICE)).await.unwrap();
    let _second = registry.announce(two.instance(SERVICE)).await.unwrap();
    let mut watch = registry.watch(SERVICE);
    until(&mut watch, &[one.endpoint(), two.endpoint()]).await;
    let was_empty = watch_for_empty_sets(watch.clone());

    consul.restart_empty().await.unwrap();
    let back = Instant::now();
    passing(&registry, SERVICE, 2).await;
    assert!(back.elapsed() < Duration::from_secs(30));
    until(&mut watch, &[one.endpoint(), two.endpoint()]).await;
    assert!(!was_empty.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_good_set_stays_when_the_last_instance_goes_and_when_the_agent_stops() {
    const SERVICE: &str = "live-stays";
    let consul = Consul::start().await.unwrap();
    let registry = registry(ttl(&consul.url()));
    let serving = Serving::start().await;
    let registration = registry.announce(serving.instance(SERVICE)).await.unwrap();
    let mut watch = registry.watch(SERVICE);
    until(&mut watch, &[serving.endpoint()]).await;
    registration.withdraw().await;
    passing(&registry, SERVICE, 0).await;
    consul.kill().await;
    assert!(registry.catalog().await.is_err());
    watch.mark_unchanged();
    assert!(timeout(Duration::from_secs(2), watch.changed()).await.is_err(), "nothing changes any more");
    assert_eq!(**watch.borrow(), [serving.endpoint()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_while_the_agent_is_away_begins_with_what_was_kept() {
    const SERVICE: &str = "live-kept";
    let folder = tempfile::tempdir().unwrap();
    let consul = Consul::start().await.unwrap();
    let serving = Serving::start().await;
    let registry = registry(keeping(ttl(&consul.url()), folder.path()));
    let _registration = registry.announce(serving.instance(SERVICE)).await.unwrap();
    until(&mut registry.watch(SERVICE), &[serving.endpoint()]).await;
    kept_within_a_bound(folder.path().join("live-kept.json")).await;
    consul.kill().await;

    let fresh = crate::registry(keeping(ttl(&consul.url()), folder.path()));
    assert_eq!(**fresh.watch(SERVICE).borrow(), [serving.endpoint()], "there at once");
    consul.restart().await.unwrap();
    let other = Serving::start().await;
    let _other = registry.announce(other.instance(SERVICE)).await.unwrap();
    until(&mut fresh.watch(SERVICE), &[serving.endpoint(), other.endpoint()]).await;
}

/// The list reaches the balancer first and the disk after that.
async fn kept_within_a_bound(file: std::path::PathBuf) {
    let written = async {
        while !fs::read_to_string(&file).is_ok_and(|text| text.contains("127.0.0.1")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    bounded(Duration::from_secs(5), written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_refuses_to_tell_empties_nothing() {
    const SERVICE: &str = "live-denied";
    const TOKEN: &str = "0e6d2a5c-37d7-4f6c-9d5e-0d6f3b6a8f10";
    let folder = tempfile::tempdir().unwrap();
    let consul = Consul::start_with_acl(TOKEN).await.unwrap();
    let allowed = ConsulSettings { token: Some(TOKEN.to_owned()), ..ttl(&consul.url()) };
    let serving = Serving::start().await;
    let registry = registry(keeping(allowed, folder.path()));
    let _registration = registry.announce(serving.instance(SERVICE)).await.unwrap();
    until(&mut registry.watch(SERVICE), &[serving.endpoint()]).await;
    kept_within_a_bound(folder.path().join("live-denied.json")).await;

    let denied = crate::registry(keeping(ttl(&consul.url()), folder.path()));
    assert!(denied.catalog().await.unwrap().is_empty(), "it is told nothing, and not that it may not know");
    let mut watch = denied.watch(SERVICE);
    assert!(timeout(Duration::from_secs(2), watch.changed()).await.is_err());
    assert_eq!(**watch.borrow(), [serving.endpoint()]);
    let fault = denied.agent().await.unwrap_err();
    assert!(fault.to_string().contains("status 403"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_hangs_delays_nothing_for_long() {
    const SERVICE: &str = "live-hangs";
    let consul = Consul::start().await.unwrap();
    let registry: ConsulRegistry = registry(ttl(&consul.url()));
    let serving = Serving::start().await;
    let registration = registry.announce(serving.instance(SERVICE)).await.unwrap();
    let mut watch = registry.watch(SERVICE);
    until(&mut watch, &[serving.endpoint()]).await;
    consul.pause();
    let other = Serving::start().await;
    let late = bounded(Duration::from_secs(4), registry.announce(other.instance(SERVICE))).await.unwrap();
    assert!(bounded(Duration::from_secs(4), registry.agent()).await.is_err());
    bounded(Duration::from_secs(6), registration.withdraw()).await;
    assert_eq!(**watch.borrow(), [serving.endpoint()]);
    consul.resume();
    passing(&registry, SERVICE, 1).await;
    until(&mut watch, &[other.endpoint()]).await;
    late.withdraw().await;
}
