//! A store, and with it its service, or the provider answers only errors for a while: nothing becomes a dead letter, and
//! afterwards everything that was due happens by itself.

use std::{sync::Arc, time::Duration};

use contracts::service::{KITCHEN, ORDERS, PAYMENTS, STOCK};
use futures::future::join_all;
use sandbox::faults::{Operation, Rule, Strike};
use tokio::time::Instant;

use crate::support::{Crowd, Flow, Mesh, Promises, assert_all_ends_well};

const OUTAGE: Duration = Duration::from_secs(10);
/// Before it begins, so that there is work under way in every state.
const WORK_BEFORE: Duration = Duration::from_secs(2);
/// Somebody who was refused comes back after this.
const COME_BACK: Duration = Duration::from_millis(500);
/// What is switched on for good, until it is cleared.
const ALWAYS: u32 = u32::MAX;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_store_is_away_for_ten_seconds_catches_up_by_itself() {
    join_all([ORDERS, STOCK, PAYMENTS, KITCHEN].map(|service| async move {
        let mesh = Mesh::start().await;
        let store = mesh.stores.of(service);
        let same = Arc::clone(&store);
        mesh.live_through(move || store.take_down(), move || same.heal()).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_away_for_ten_seconds_is_caught_up_with() {
    let mesh = Mesh::start().await;
    let faults = mesh.running.sandbox_faults().expect("a sandbox");
    let armed = faults.clone();
    let away = move || {
        let faults = armed;
        for operation in PROVIDER {
            let rule = Rule { operation, strike: Strike::DropReplyBeforeCommit, times: ALWAYS };
            assert!(faults.arm(rule), "too many faults");
        }
        let late = Strike::Delay { delay_ms: 1000 };
        assert!(faults.arm(Rule { operation: Operation::Webhook, strike: late, times: ALWAYS }), "{late:?}");
    };
    mesh.live_through(away, move || faults.clear()).await;
}

const PROVIDER: [Operation; 8] = [
    Operation::CreateSession,
    Operation::RetrieveSession,
    Operation::ListSessions,
    Operation::ExpireSession,
    Operation::Refund,
    Operation::ListRefunds,
    Operation::ListEvents,
    Operation::Read,
];

impl Mesh {
    /// Work before, during and after; then all must end well.
    async fn live_through(self, away: impl FnOnce(), back: impl FnOnce()) {
        let people = self.people();
        let promises = Promises::default();
        let crowd = Crowd::of(people.clone(), &promises);
        work(&crowd, "before", WORK_BEFORE).await;
        away();
        work(&crowd, "during", OUTAGE).await;
        back();
        work(&crowd, "after", WORK_BEFORE).await;
        assert!(!promises.all().is_empty(), "nothing was ordered");
        assert_all_ends_well(&people, &promises).await;
        let Self { folder, running, stores } = self;
        running.stop().await;
        drop(stores);
        let report = ordermesh::verify::check(folder.path()).await.expect("a readable folder");
        assert_eq!(report.violations, Vec::<String>::new());
    }
}

/// One person per flow, who does not give up.
async fn work(crowd: &Crowd, when: &str, duration: Duration) {
    let until = Instant::now() + duration;
    join_all(Flow::ALL.into_iter().enumerate().map(|(i, flow)| async move {
        while Instant::now() < until {
            let done = tokio::time::timeout_at(until, crowd.go(flow, &format!("{when}{i}"))).await;
            if done != Ok(Some(())) {
                tokio::time::sleep(COME_BACK).await;
            }
        }
    }))
    .await;
}
