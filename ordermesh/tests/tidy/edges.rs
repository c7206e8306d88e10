//! Which crate of the workspace depends on which: compared with a golden file, so that a new edge is a decision.

use std::{collections::BTreeSet, fs};

use crate::sources::root;

const GOLDEN: &str = "ordermesh/tests/tidy/edges.golden";
const SERVICES: [&str; 5] = ["gateway", "orders", "payments", "stock", "kitchen"];

/// `from -> to` for every dependency between crates of the workspace, tests' dependencies aside.
fn edges() -> BTreeSet<(String, String)> {
    let workspace = manifest("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("members by name");
    let folders: Vec<_> = members.iter().map(|m| m.as_str().expect("a path").to_owned()).collect();
    let manifests: Vec<_> = folders.iter().map(|folder| manifest(&format!("{folder}/Cargo.toml"))).collect();
    let name = |m: &toml::Table| m["package"]["name"].as_str().expect("a name").to_owned();
    let names: BTreeSet<_> = manifests.iter().map(name).collect();
    let mut edges = BTreeSet::new();
    for manifest in &manifests {
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flatten();
        edges.extend(
            dependencies.filter(|(to, _)| names.contains(*to)).map(|(to, _)| (name(manifest), to.clone())),
        );
    }
    edges
}

fn manifest(path: &str) -> toml::Table {
    fs::read_to_string(root().join(path)).expect("a manifest").parse().expect("TOML")
}

pub(crate) fn assert_golden() {
    let found: String = edges().iter().map(|(from, to)| format!("{from} -> {to}\n")).collect();
    let path = root().join(GOLDEN);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &found).expect("a writable golden file");
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, golden,
        "if the new edges are meant: UPDATE_GOLDEN=1 cargo test -p ordermesh --test tidy"
    );
}

pub(crate) fn assert_services_apart() {
    let service = |name: &String| SERVICES.contains(&name.as_str());
    let crossing: Vec<_> = edges().into_iter().filter(|(from, to)| service(from) && service(to)).collect();
    assert!(crossing.is_empty(), "{crossing:?}");
    let seeing_many = edges().into_iter().filter(|(from, to)| from != "ordermesh" && service(to)).count();
    assert_eq!(seeing_many, 0, "only the program sees services");
}
