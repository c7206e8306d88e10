//! The load: `wrk` for a while, then the wait until everything that the orders caused is done.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::programs::{Program, Running};

/// What one run gave.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// CPU of the server per order, consumers included.
    pub(crate) cpu_us: f64,
    pub(crate) drain_s: f64,
    /// Answers other than 2xx, and broken connections.
    pub(crate) errors: u64,
}

const WARM_UP: Duration = Duration::from_secs(2);
const DRAIN_LIMIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) async fn warm_up(server: &Running, connections: u32) {
    wrk(server, connections, WARM_UP).await;
    drained(server).await;
}

pub(crate) async fn measure(server: &mut Running, connections: u32, duration: Duration) -> Measured {
    let (begin, cpu) = (Instant::now(), server.cpu_seconds());
    let output = wrk(server, connections, duration).await;
    let drain = Instant::now();
    drained(server).await;
    let (elapsed, used) = (begin.elapsed().as_secs_f64(), server.cpu_seconds() - cpu);
    let figure = |name: &str| -> f64 {
        let line = output
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_else(|| panic!("{name} in {output}"));
        line.trim().parse().expect("a number")
    };
    let orders = figure("requests:");
    Measured {
        per_second: orders / elapsed,
        p50_ms: figure("p50_us:") / 1000.0,
        p99_ms: figure("p99_us:") / 1000.0,
        cpu_us: used * 1e6 / orders,
        drain_s: drain.elapsed().as_secs_f64(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count that wrk prints"
        )]
        errors: figure("errors:") as u64,
    }
}

/// Runs wrk with a script that posts an order and reports plain figures.
async fn wrk(server: &Running, connections: u32, duration: Duration) -> String {
    let mut command = Command::new("wrk");
    command
        .args(["--threads", "1", "--connections", &connections.to_string(), "--timeout", "10s"])
        .args(["--duration", &format!("{}s", duration.as_secs()), "--script"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/throughput/order.lua"))
        .arg(server.target());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("no panic")
        .expect("wrk on the PATH");
    assert!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Waits until no event waits for its consumer.
async fn drained(server: &Running) {
    let begin = Instant::now();
    while waiting(server).await > 0 {
        assert!(begin.elapsed() < DRAIN_LIMIT, "the queues never drain");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn waiting(server: &Running) -> u64 {
    let path = match server.program {
        Program::Bare => return 0,
        Program::Skeleton => "pending",
        Program::Ordermesh => "stats",
    };
    let answer = reqwest::get(format!("{}/{path}", server.base)).await.expect("an answer");
    let body: serde_json::Value = answer.json().await.expect("JSON");
    let queues = body["queues"].as_array().into_iter().flatten();
    let depth = |queue: &serde_json::Value| {
        queue["ready"].as_u64().unwrap_or(0) + queue["in_flight"].as_u64().unwrap_or(0)
    };
    body.as_u64().unwrap_or_else(|| queues.map(depth).sum())
}
