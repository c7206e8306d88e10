//! The gateway: whether it answers, and whether it says that orders can be taken.

use runtime::Settings;
use serde_json::Value;

use super::{
    http::{get, json},
    probe::{Finding, Probe},
};
use crate::client::base;

const START_IT: &str =
    "start the mesh (`ordermesh`, or `ordermesh gateway`), or set PUBLIC_URL to where it is";

pub(super) fn probes(settings: &Settings) -> Vec<Probe> {
    let base = base(settings).trim_end_matches('/').to_owned();
    vec![
        Probe::new("gateway", base.clone(), START_IT, answers(base.clone())),
        Probe::new("ready", format!("{base}/ready"), START_IT, ready(base)),
    ]
}

async fn answers(base: String) -> Finding {
    let alive = match get(&format!("{base}/health"), None).await {
        Ok(answer) => answer,
        Err(fault) => return Finding::fault(&fault, START_IT),
    };
    if json(&alive)["status"] != "ok" {
        let found = format!("something else answers there: {}", alive.status());
        return Finding::fail(found, "set PUBLIC_URL, or HTTP_ADDR, to where the gateway is");
    }
    // The document names the program's version; without it the gateway is well all the same.
    let document = get(&format!("{base}/openapi.json"), None).await;
    let document = document.map(|answer| json(&answer)).unwrap_or_default();
    Finding::ok("answers").version(document["info"]["version"].as_str().map(str::to_owned))
}

async fn ready(base: String) -> Finding {
    let report = match get(&format!("{base}/ready"), None).await {
        Ok(answer) => json(&answer),
        Err(fault) => return Finding::fault(&fault, START_IT),
    };
    let (required, optional) = (away(&report, true), away(&report, false));
    if report["ready"] != true {
        let what = if required.is_empty() { "a service".to_owned() } else { required.join(", ") };
        return Finding::fail(format!("not ready: without {what}"), format!("look at the log of {what}"));
    }
    if !optional.is_empty() {
        let what = optional.join(", ");
        return Finding::warn(format!("ready, but without {what}"), format!("look at the log of {what}"));
    }
    Finding::ok(report["mode"].as_str().unwrap_or("ready"))
}

/// The dependencies that are down, of those that decide or of those that do not.
fn away(report: &Value, required: bool) -> Vec<&str> {
    let dependencies = report["dependencies"].as_array().into_iter().flatten();
    let away = dependencies.filter(|d| d["status"] == "down" && d["required"] == required);
    away.filter_map(|dependency| dependency["name"].as_str()).collect()
}
