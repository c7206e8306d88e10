//! The sources of the workspace as text.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The lines of code: no comments, and nothing behind the inline tests.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.text.split("#[cfg(test)]").next().unwrap_or("");
        let numbered = code.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
        numbered.filter(|(_, line)| !line.starts_with("//"))
    }

    /// The names of the crash points that it declares.
    pub(crate) fn crash_points(&self) -> Vec<String> {
        let lines = self.code().filter_map(|(_, line)| line.split("crash::point!(\"").nth(1));
        lines.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    }
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the program's crate lies in the workspace")
        .to_owned()
}

/// Every Rust file of the workspace that is not built or downloaded.
pub(crate) fn rust_files() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    assert!(files.len() > 50, "only {} files found: looking in the wrong place?", files.len());
    files
}

fn collect(folder: &Path, files: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path())
    {
        let name = entry.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if entry.is_dir() && !name.starts_with('.') && name != "target" && name != "data" {
            collect(&entry, files);
        } else if name.ends_with(".rs") {
            let path =
                entry.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
            files.push(Source { path, text: fs::read_to_string(&entry).expect("UTF-8 source") });
        }
    }
}
