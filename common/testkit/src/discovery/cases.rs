//! What every registry promises.

use std::sync::Arc;

use mesh::{Endpoint, Instance};

use super::{Harness, Serving, until};

pub(super) async fn an_announced_instance_is_found_with_its_weight_and_version(harness: Arc<dyn Harness>) {
    let (registry, serving) = (harness.open(), Serving::start().await);
    let instance = Instance { weight: 7, version: "1.2.3", ..serving.instance("suite-found") };
    let _registration = registry.registrar.announce(instance).await.unwrap();
    let wanted = Endpoint { weight: 7, version: "1.2.3".into(), ..serving.endpoint() };
    until(&mut registry.resolver.watch("suite-found"), &[wanted]).await;
}

pub(super) async fn an_instance_that_withdraws_is_gone_and_its_peer_stays(harness: Arc<dyn Harness>) {
    const SERVICE: &str = "suite-two";
    let (registry, one, two) = (harness.open(), Serving::start().await, Serving::start().await);
    let first = registry.registrar.announce(one.instance(SERVICE)).await.unwrap();
    let _second = registry.registrar.announce(two.instance(SERVICE)).await.unwrap();
    let mut watch = registry.resolver.watch(SERVICE);
    until(&mut watch, &[one.endpoint(), two.endpoint()]).await;
    first.withdraw().await;
    until(&mut watch, &[two.endpoint()]).await;
}

pub(super) async fn a_withdrawn_instance_can_be_announced_again(harness: Arc<dyn Harness>) {
    const SERVICE: &str = "suite-back";
    let (registry, one, two) = (harness.open(), Serving::start().await, Serving::start().await);
    let mut watch = registry.resolver.watch(SERVICE);
    let _stays = registry.registrar.announce(one.instance(SERVICE)).await.unwrap();
    let leaves = registry.registrar.announce(two.instance(SERVICE)).await.unwrap();
    until(&mut watch, &[one.endpoint(), two.endpoint()]).await;
    leaves.withdraw().await;
    until(&mut watch, &[one.endpoint()]).await;
    let _back = registry.registrar.announce(two.instance(SERVICE)).await.unwrap();
    until(&mut watch, &[one.endpoint(), two.endpoint()]).await;
}

pub(super) async fn what_is_announced_again_takes_the_place_of_the_old(harness: Arc<dyn Harness>) {
    const SERVICE: &str = "suite-again";
    let (registry, serving) = (harness.open(), Serving::start().await);
    let mut watch = registry.resolver.watch(SERVICE);
    let _old = registry.registrar.announce(serving.instance(SERVICE)).await.unwrap();
    until(&mut watch, &[serving.endpoint()]).await;
    let heavier = Instance { weight: 3, ..serving.instance(SERVICE) };
    let _new = registry.registrar.announce(heavier).await.unwrap();
    until(&mut watch, &[Endpoint { weight: 3, ..serving.endpoint() }]).await;
}

pub(super) async fn a_watch_starts_with_what_is_known(harness: Arc<dyn Harness>) {
    const SERVICE: &str = "suite-known";
    let (registry, serving) = (harness.open(), Serving::start().await);
    let _registration = registry.registrar.announce(serving.instance(SERVICE)).await.unwrap();
    until(&mut registry.resolver.watch(SERVICE), &[serving.endpoint()]).await;
    let late = registry.resolver.watch(SERVICE);
    assert_eq!(**late.borrow(), [serving.endpoint()]);
}

pub(super) async fn all_watchers_of_a_service_share_one_watch(harness: Arc<dyn Harness>) {
    let registry = harness.open();
    let (one, other) = (registry.resolver.watch("suite-shared"), registry.resolver.watch("suite-shared"));
    assert!(one.same_channel(&other));
    assert!(!one.same_channel(&registry.resolver.watch("suite-apart")));
}

pub(super) async fn another_process_finds_it_too(harness: Arc<dyn Harness>) {
    const SERVICE: &str = "suite-elsewhere";
    let (here, there, serving) = (harness.open(), harness.open(), Serving::start().await);
    let mut watch = there.resolver.watch(SERVICE);
    let _registration = here.registrar.announce(serving.instance(SERVICE)).await.unwrap();
    until(&mut watch, &[serving.endpoint()]).await;
}

pub(super) async fn a_service_that_nobody_announced_has_no_endpoint(harness: Arc<dyn Harness>) {
    let (registry, serving) = (harness.open(), Serving::start().await);
    let nobody = registry.resolver.watch("suite-nobody");
    let _registration = registry.registrar.announce(serving.instance("suite-somebody")).await.unwrap();
    until(&mut registry.resolver.watch("suite-somebody"), &[serving.endpoint()]).await;
    assert!(nobody.borrow().is_empty());
}
