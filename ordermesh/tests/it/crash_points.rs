//! The process dies at each declared crash point, and what it promised survives.

#[path = "../tidy/sources.rs"]
#[allow(dead_code, reason = "only the rules of tidy ask for the paths")]
mod sources;

use std::{
    os::unix::process::ExitStatusExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread,
    time::Duration,
};

use futures::future::join_all;
use serde_json::json;

use crate::support::{Crowd, Flow, People, Program, Promises, assert_all_comes_right};

/// Meshes at a time: most of a run is spent waiting for leases and sweeps.
const LANES: usize = 6;
const ROUNDS: usize = 3;
/// What only a sweep passes through takes as long as the sweep.
const SWEPT: Duration = Duration::from_secs(30);
/// Points that no mesh passes in a test's time, and the test that dies there instead: a hold comes of age in 50 minutes.
const KILLED_ELSEWHERE: [(&str, &str); 1] = [("stock.due.postponed", "stock/tests/it/killed.rs")];
const SIGABRT: i32 = 6;
/// Where a mesh passes before anyone can order, and how many passes are let through there.
const PASSED_AT_THE_START: [(&str, u32); 2] =
    [("stock.desk.saved", 40), ("payments.reconcile.page_taken", 3)];

#[test]
fn nothing_promised_is_lost_at_any_declared_crash_point() {
    let waiting = Mutex::new(points_of_a_mesh());
    let failed = Mutex::new(Vec::new());
    let next = || waiting.lock().expect("not poisoned").pop();
    thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(point) = next() {
                    if catch_unwind(AssertUnwindSafe(|| survive(&point))).is_err() {
                        failed.lock().expect("not poisoned").push(point);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("not poisoned");
    assert!(failed.is_empty(), "not survived, see above: {failed:#?}");
}

/// Every declared point but those that another test is shown to die at.
fn points_of_a_mesh() -> Vec<String> {
    let files = sources::rust_files();
    let mut points: Vec<_> = files.iter().flat_map(sources::Source::crash_points).collect();
    for (name, test) in KILLED_ELSEWHERE {
        let declared = points.len();
        points.retain(|point| point != name);
        assert_eq!(points.len() + 1, declared, "{name} is not declared once");
        let armed = format!("crash::arm(\"{name}\")");
        let dies = |file: &sources::Source| file.path == test && file.text.contains(&armed);
        assert!(files.iter().any(dies), "{test} does not die at {name}");
    }
    points
}

fn survive(point: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let program = Program::new().with("RECONCILE_INTERVAL_S", "1").with("REQUEST_DEADLINE_MS", "3000");
        let promises = Promises::default();
        die_at(point, &program, &promises).await;
        assert_all_comes_right(&program, &promises).await;
    });
}

async fn die_at(point: &str, program: &Program, promises: &Promises) {
    let skip = PASSED_AT_THE_START.iter().find(|(name, _)| *name == point).map_or(0, |(_, passes)| *passes);
    let mut mesh = program.start_with(&[("CRASH_AT", &format!("{point}:{skip}"))]);
    for round in 0..ROUNDS {
        everything(&Crowd::of(People::of(&mesh), promises), round).await;
        if let Some(status) = mesh.ended_within(Duration::from_millis(20)) {
            assert_eq!(status.signal(), Some(SIGABRT), "{point}: {}", program.log());
            return;
        }
    }
    leave_an_order_stranded(&Crowd::of(People::of(&mesh), promises)).await;
    let ended = mesh.ended_within(SWEPT).unwrap_or_else(|| panic!("no flow passes {point}"));
    assert_eq!(ended.signal(), Some(SIGABRT), "{point}: {}", program.log());
}

/// Everything that people do, at once; then, one by one, what needs a fault of the provider.
async fn everything(crowd: &Crowd, round: usize) {
    let flows = Flow::ALL.into_iter().enumerate();
    join_all(flows.map(|(i, flow)| async move { crowd.go(flow, &format!("c{round}.{i}")).await })).await;
    cancel_while_the_provider_is_slow(crowd, &format!("late{round}")).await;
    for fault in ["500_before_commit", "500_after_commit"] {
        crowd.trouble(json!({"operation": "create_session", "fault": fault})).await;
        crowd.order(&format!("spent{round}"), "123", 1).await;
    }
    let lost = json!({"operation": "refund", "fault": "drop_reply_before_commit", "times": 8});
    crowd.trouble(lost).await;
    crowd.cancel_paid(&format!("owed{round}")).await;
}

async fn cancel_while_the_provider_is_slow(crowd: &Crowd, customer: &str) {
    crowd.trouble(json!({"operation": "create_session", "fault": "delay", "delay_ms": 800})).await;
    let cancel = async { crowd.cancel(&crowd.pending(customer).await?).await };
    tokio::join!(crowd.order(customer, "123", 1), cancel);
}

/// Its driver gives up for a while, and the sweep takes it over.
async fn leave_an_order_stranded(crowd: &Crowd) {
    let lost = json!({"operation": "create_session", "fault": "drop_reply_before_commit", "times": 1000});
    crowd.trouble(lost).await;
    crowd.order("stranded", "123", 1).await;
}
