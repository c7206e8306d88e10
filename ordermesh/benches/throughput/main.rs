//! Orders per second and latency of the whole mesh, beside a durable skeleton and a bare chain, in one run.
//!
//! `just bench` (or `cargo bench -p ordermesh --bench throughput`) needs `wrk` on the PATH. Load generator and servers
//! share the machine, so only the ratios within one run mean anything. A run ends when the queues are drained, and its
//! throughput counts until then.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod chain;
mod disk;
mod echo;
mod load;
mod programs;

use std::time::Duration;

use load::Measured;
use programs::Program;

const CONNECTIONS: [u32; 3] = [1, 16, 64];

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    match args.next().as_deref() {
        Some("serve-skeleton") => chain::serve(chain::Kind::Durable).await,
        Some("serve-bare") => chain::serve(chain::Kind::Bare).await,
        seconds => measure(Duration::from_secs(seconds.and_then(|s| s.parse().ok()).unwrap_or(10))).await,
    }
}

async fn measure(duration: Duration) {
    println!(
        "{:12} {:>5} {:>10} {:>9} {:>9} {:>9} {:>8} {:>8}",
        "program", "conns", "orders/s", "p50 ms", "p99 ms", "CPU µs", "drain s", "errors"
    );
    for connections in CONNECTIONS {
        let bare = run(Program::Bare, connections, duration).await;
        let skeleton = run(Program::Skeleton, connections, duration).await;
        let ours = run(Program::Ordermesh, connections, duration).await;
        println!(
            "  ordermesh ÷ skeleton: throughput {:.2}, p50 {:.2}, p99 {:.2}, CPU {:.2}   skeleton ÷ bare: throughput {:.2}\n",
            ours.per_second / skeleton.per_second,
            ours.p50_ms / skeleton.p50_ms,
            ours.p99_ms / skeleton.p99_ms,
            ours.cpu_us / skeleton.cpu_us,
            skeleton.per_second / bare.per_second,
        );
    }
}

async fn run(program: Program, connections: u32, duration: Duration) -> Measured {
    let mut server = programs::start(program).await;
    load::warm_up(&server, connections).await;
    let measured = load::measure(&mut server, connections, duration).await;
    println!(
        "{:12} {:>5} {:>10.0} {:>9.2} {:>9.2} {:>9.0} {:>8.2} {:>8}",
        program.name(),
        connections,
        measured.per_second,
        measured.p50_ms,
        measured.p99_ms,
        measured.cpu_us,
        measured.drain_s,
        measured.errors,
    );
    server.stop();
    measured
}
