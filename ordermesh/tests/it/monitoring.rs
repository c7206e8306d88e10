//! What monitoring reads: every metric that an alert or the dashboard names is one that a running mesh registers.

use std::{collections::BTreeSet, fs, path::Path};

use ordermesh::all_in_one::{AllInOne, Options};
use runtime::Settings;

use crate::support::eventually;

const PREFIX: &str = "ordermesh_";
/// What Prometheus adds to the names of counters and histograms.
const SUFFIXES: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];
/// Registered only where traces are exported, which this mesh does not.
const ELSEWHERE: &str = "ordermesh_trace_";
const WATCHING: [&str; 3] = [
    "deploy/prometheus/alerts.yml",
    "deploy/prometheus/alerts.test.yml",
    "deploy/grafana/dashboards/ordermesh.json",
];

async fn mesh(folder: &Path) -> AllInOne {
    let names = ["HTTP", "ORDERS_GRPC", "PAYMENTS_GRPC", "STOCK_GRPC", "KITCHEN_GRPC", "SANDBOX"];
    let free = |settings: Settings, name: &&str| settings.with(&format!("{name}_ADDR"), "127.0.0.1:0");
    let settings = names.iter().fold(Settings::defaults(), free);
    let settings = settings.with("DATA_DIR", folder.to_string_lossy());
    AllInOne::start(Options::new(settings)).await.expect("a mesh")
}

/// The metrics of ours that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !in_name(c)).filter(|word| word.starts_with(PREFIX));
    let words = words.filter(|word| !word.starts_with(ELSEWHERE));
    words.map(|word| SUFFIXES.iter().find_map(|s| word.strip_suffix(s)).unwrap_or(word).to_owned()).collect()
}

#[tokio::test]
async fn alerts_and_dashboard_ask_only_for_metrics_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let mesh = mesh(folder.path()).await;
    let metrics = mesh.platform().metrics.clone();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for path in WATCHING {
        let asked = named(&fs::read_to_string(root.join(path)).unwrap());
        assert!(asked.len() > 3, "{path} asks for {asked:?}");
        // Some parts register when they start to work, which is after the mesh is ready.
        let missing = || asked.difference(&metrics.names()).cloned().collect::<Vec<_>>();
        let registered = || std::future::ready(missing().is_empty().then_some(()));
        eventually(&format!("{path} asks only for what is registered"), registered).await;
    }
    mesh.stop().await;
}
