//! What the files of a deployment say to the program: only settings that exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

use runtime::settings::SETTINGS;

use crate::sources::root;

/// Names of a deployment's own: no setting of the program, and none is meant.
const NOT_SETTINGS: [&str; 1] = ["POD_IP"];
/// In the compose file, what comes after this line are others' programs.
const OTHERS: &str = "\n  consul:\n";

/// Every name that is given to the program and is none of its settings, with the file.
pub(crate) fn unknown_settings() -> Vec<String> {
    let compose = read("docker-compose.yml");
    let ours = compose.split(OTHERS).next().unwrap_or_default();
    let mut found = names("docker-compose.yml", ours, is_key);
    for path in yaml_files(&root().join("deploy/kubernetes")) {
        found.extend(names(&path.to_string_lossy(), &read(&path), is_key));
    }
    // What only the compose file reads is named there: `${NAME`.
    let example = names(".env.example", &read(".env.example"), is_variable);
    found.extend(
        example
            .into_iter()
            .filter(|(_, name)| !name.starts_with("COMPOSE_") && !compose.contains(&format!("${{{name}"))),
    );
    assert!(found.len() > 60, "only {} names found: looking in the wrong place?", found.len());
    let known = |name: &str| SETTINGS.iter().any(|s| s.name == name) || NOT_SETTINGS.contains(&name);
    found.into_iter().filter(|(_, name)| !known(name)).map(|(path, name)| format!("{path}: {name}")).collect()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `NAME: value` or `name: NAME`.
fn is_key(before: &str, after: &str) -> bool {
    after.starts_with(": ") || before.ends_with("name: ")
}

/// `NAME=value`, commented out or not.
fn is_variable(before: &str, after: &str) -> bool {
    matches!(before, "" | "# ") && after.starts_with('=')
}

/// The words that are written as settings are and stand where one is given, with the file.
fn names(path: &str, text: &str, is_given: fn(&str, &str) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        for word in line.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')) {
            let is_name = word.contains('_') || ["INSECURE", "NOTIFIER"].contains(&word);
            if let Some((before, after)) = line.split_once(word).filter(|_| is_name)
                && is_given(before, after)
            {
                found.push((path.to_owned(), word.to_owned()));
            }
        }
    }
    found
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { yaml_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect()
}
