//! The layers inside a service: who may name what.

use crate::sources::{Source, rust_files};

const SERVICES: [&str; 5] = ["gateway/", "orders/", "payments/", "stock/", "kitchen/"];
/// What the inner layers never name.
const TECHNOLOGY: [&str; 19] = [
    "tonic",
    "axum",
    "hyper",
    "http",
    "fjall",
    "mongodb",
    "lapin",
    "consulrs",
    "contracts",
    "store",
    "bus",
    "mesh",
    "runtime",
    "stripe_checkout",
    "stripe_client_core",
    "stripe_core",
    "stripe_shared",
    "stripe_types",
    "stripe_webhook",
];
/// Statics that are set once on purpose: the armed crash point.
const ALLOWED_GLOBALS: [&str; 2] = ["common/src/crash.rs", "ordermesh/src/main.rs"];

pub(crate) fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{found:#?}");
}

fn service_sources() -> impl Iterator<Item = Source> {
    let in_service = |source: &Source| SERVICES.iter().any(|s| source.path.starts_with(&format!("{s}src/")));
    rust_files().into_iter().filter(in_service)
}

fn layer(source: &Source) -> &str {
    let inside = source.path.split_once("/src/").map_or("", |(_, inside)| inside);
    inside.split(['/', '.']).next().unwrap_or("")
}

fn places(sources: impl Iterator<Item = Source>, wrong: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in source.code() {
            if let Some(what) = wrong(line) {
                found.push(format!("{}:{number}: {what}", source.path));
            }
        }
    }
    found
}

/// Whether the line names the crate as a path.
fn names(line: &str, krate: &str) -> bool {
    line.match_indices(&format!("{krate}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

pub(crate) fn technology_inside() -> Vec<String> {
    let inner = service_sources().filter(|s| matches!(layer(s), "domain" | "ports" | "app"));
    places(inner, |line| TECHNOLOGY.iter().find(|t| names(line, t)).map(|t| format!("names {t}")))
}

pub(crate) fn adapters_touching() -> Vec<String> {
    let inbound = service_sources().filter(|s| layer(s) == "inbound");
    let outbound = service_sources().filter(|s| layer(s) == "outbound");
    let mut found =
        places(inbound, |line| line.contains("crate::outbound").then(|| "inbound names outbound".into()));
    found.extend(places(outbound, |line| {
        line.contains("crate::inbound").then(|| "outbound names inbound".into())
    }));
    found
}

pub(crate) fn adapters_named_elsewhere() -> Vec<String> {
    let others = service_sources().filter(|s| !matches!(layer(s), "wire" | "outbound" | "lib" | "verify"));
    places(others, |line| {
        let named =
            line.contains("outbound::") || line.contains("store::embedded") || line.contains("bus::embedded");
        named.then(|| "names a concrete adapter".to_owned())
    })
}

pub(crate) fn globals() -> Vec<String> {
    let sources = rust_files().into_iter().filter(|s| {
        s.path.contains("src/")
            && !ALLOWED_GLOBALS.contains(&s.path.as_str())
            && !s.path.starts_with("common/testkit/")
    });
    places(sources, |line| {
        let declared = line.strip_prefix("pub ").unwrap_or(line);
        let changing = ["OnceLock", "LazyLock", "Mutex", "Atomic", "RwLock", "static mut"]
            .iter()
            .any(|t| line.contains(t));
        (declared.starts_with("static ") && changing).then(|| "is a process global".to_owned())
    })
}
