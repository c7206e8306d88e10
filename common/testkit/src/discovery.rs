//! The contract of discovery: every registrar with its resolver runs the same cases.

mod cases;
mod serving;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use mesh::{Endpoint, EndpointSet, Registrar, Resolver};
use tokio::{sync::watch, time::timeout};

pub use serving::Serving;

/// How long a registry may take to believe in an instance: it looks for itself every second.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One process's view of the registry.
#[derive(Debug)]
pub struct Registry {
    pub registrar: Arc<dyn Registrar>,
    pub resolver: Arc<dyn Resolver>,
}

/// Makes views of one registry. Each case uses service names of its own, so the registry may be shared by all.
pub trait Harness: Send + Sync + fmt::Debug {
    fn open(&self) -> Registry;
}

struct Case {
    name: &'static str,
    run: fn(Arc<dyn Harness>) -> BoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        &[$(Case { name: stringify!($name), run: |harness| Box::pin(cases::$name(harness)) }),+]
    };
}

const CASES: &[Case] = cases![
    an_announced_instance_is_found_with_its_weight_and_version,
    an_instance_that_withdraws_is_gone_and_its_peer_stays,
    a_withdrawn_instance_can_be_announced_again,
    what_is_announced_again_takes_the_place_of_the_old,
    a_watch_starts_with_what_is_known,
    all_watchers_of_a_service_share_one_watch,
    another_process_finds_it_too,
    a_service_that_nobody_announced_has_no_endpoint,
];

/// Runs every case and prints its name first.
pub async fn contract<F>(make: impl Fn() -> F)
where
    F: Future<Output = Arc<dyn Harness>>,
{
    for Case { name, run } in CASES {
        say(name);
        run(make().await).await;
    }
}

/// Waits until exactly these endpoints are known, in any order.
pub async fn until(watch: &mut watch::Receiver<EndpointSet>, wanted: &[Endpoint]) {
    let sorted = |endpoints: &[Endpoint]| {
        let mut endpoints = endpoints.to_vec();
        endpoints.sort_by_key(|endpoint| endpoint.address);
        endpoints
    };
    let wanted = sorted(wanted);
    let met = timeout(PATIENCE, watch.wait_for(|set| sorted(set) == wanted)).await.map(|met| met.is_ok());
    assert_eq!(met, Ok(true), "wanted {wanted:?}, known {:?}", watch.borrow());
}

#[allow(
    clippy::print_stdout,
    reason = "a failing test shows its output: the last name is the case that failed"
)]
fn say(name: &str) {
    println!("discovery contract: {name}");
}
