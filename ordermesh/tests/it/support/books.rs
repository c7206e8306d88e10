//! The books of a mesh that was stopped: what must be true in them once it was left to itself.

use std::time::Duration;

use serde_json::Value;

use super::{People, Program, Promises, Running, assert_all_ends_well};

/// Between two rounds of a sweep, and a little.
const A_ROUND: Duration = Duration::from_secs(6);
/// How many of those the last undone thing may take.
const ROUNDS_MAX: usize = 8;

/// Starts the mesh again, brings everything to its end, and checks the books of everyone.
pub(crate) async fn assert_all_comes_right(program: &Program, promises: &Promises) {
    let mesh = program.start();
    let people = People::of(&mesh);
    assert_all_ends_well(&people, promises).await;
    assert_nothing_is_open(program, mesh).await;
}

/// Stops it and opens the books, as often as it takes until nothing at all is under way any more.
async fn assert_nothing_is_open(program: &Program, mut mesh: Running) {
    let mut found = Value::Null;
    for _ in 0..ROUNDS_MAX {
        assert!(mesh.terminate().success(), "{}", program.log());
        let (code, out, err) = program.run(&["verify", "--json"]);
        assert_eq!(code, 0, "{out}{err}");
        found = serde_json::from_str(&out).expect("JSON");
        if found["in_flight"].as_array().is_some_and(Vec::is_empty) {
            return;
        }
        mesh = program.start();
        tokio::time::sleep(A_ROUND).await;
    }
    panic!("it never comes to rest: {found:#}");
}
