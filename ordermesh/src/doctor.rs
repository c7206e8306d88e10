//! `ordermesh doctor`: asks everything that is configured, all at once, and says what to fix. Changes nothing.

mod clock;
mod collector;
mod data;
mod gateway;
mod http;
mod notifier;
mod probe;
mod provider;
#[cfg(not(feature = "networked"))]
#[path = "doctor/no_servers.rs"]
mod servers;
#[cfg(feature = "networked")]
mod servers;
mod tcp;

use futures::future::join_all;
use runtime::Settings;
use serde_json::json;

use self::probe::{Probe, Row, Status};
use crate::{
    failure::Failure,
    output::{print, print_json},
    table::table,
};

/// Prints a row per check; exit code 1 when one fails.
pub async fn run(settings: &Settings, json: bool) -> Result<(), Failure> {
    let rows: Vec<Row> = join_all(probes(settings).into_iter().map(Probe::run)).await;
    let failed = rows.iter().filter(|row| row.status == Status::Fail).count();
    if json {
        print_json(&json!({"healthy": failed == 0, "checks": rows}))?;
    } else {
        print(&text(&rows))?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Running(format!("{failed} of {} checks failed", rows.len()))),
    }
}

/// Only what is configured.
fn probes(settings: &Settings) -> Vec<Probe> {
    let mut probes = gateway::probes(settings);
    probes.extend(data::probe(settings));
    probes.push(provider::probe(settings));
    probes.extend(servers::probes(settings));
    probes.extend(collector::probe(settings));
    probes.extend(notifier::probe(settings));
    probes.push(clock::probe(settings));
    probes
}

/// A line per check, and under those that are not well what to do.
fn text(rows: &[Row]) -> String {
    let cells: Vec<_> = rows.iter().map(cells).collect();
    let lines = table(["", "CHECK", "TARGET", "VERSION", "TOOK", "FOUND"], &cells);
    let fixes = rows.iter().map(|row| row.fix.as_ref().map(|fix| format!("      → {fix}\n")));
    let head = std::iter::once(None);
    lines
        .lines()
        .zip(head.chain(fixes))
        .map(|(line, fix)| format!("{line}\n{}", fix.unwrap_or_default()))
        .collect()
}

fn cells(row: &Row) -> [String; 6] {
    [
        row.status.as_str().to_owned(),
        row.check.to_owned(),
        row.target.clone(),
        row.version.clone().unwrap_or_else(|| "-".to_owned()),
        format!("{} ms", row.latency_ms),
        row.found.clone(),
    ]
}
