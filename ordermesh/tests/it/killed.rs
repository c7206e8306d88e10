//! `kill -9` at any moment under load.

use std::{sync::Arc, time::Duration};

use common::Random as _;
use testkit::random::SeededRandom;

use crate::support::{Crowd, Flow, People, Program, Promises, assert_all_comes_right};

const SEED: u64 = 20;
const KILLS: usize = 8;
const PEOPLE: usize = 16;
/// The mesh lives at least and at most so long, in milliseconds.
const LIVES_MS: (u64, u64) = (100, 2500);

#[tokio::test]
async fn killed_at_any_moment_under_load_it_keeps_what_it_promised() {
    let program = Program::new().with("RECONCILE_INTERVAL_S", "1");
    let promises = Promises::default();
    let random = Arc::new(SeededRandom::new(SEED));
    for _ in 0..KILLS {
        let mesh = program.start();
        let crowd = Crowd::of(People::of(&mesh), &promises);
        let mut load = tokio::task::JoinSet::new();
        for i in 0..PEOPLE {
            load.spawn(keep_going(crowd.clone(), format!("c{i}"), Arc::clone(&random)));
        }
        let life = LIVES_MS.0 + random.below(LIVES_MS.1 - LIVES_MS.0);
        tokio::time::sleep(Duration::from_millis(life)).await;
        mesh.kill();
        load.shutdown().await;
    }
    assert!(promises.all().len() >= KILLS, "there was no load: {} orders", promises.all().len());
    assert_all_comes_right(&program, &promises).await;
}

async fn keep_going(crowd: Crowd, customer: String, random: Arc<SeededRandom>) {
    loop {
        let flow = Flow::ALL[usize::try_from(random.below(Flow::ALL.len() as u64)).expect("a small number")];
        crowd.go(flow, &customer).await;
        tokio::task::yield_now().await;
    }
}
