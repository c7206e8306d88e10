//! A server's own folder. A test that is killed leaves it behind; the next server that starts clears it away.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
};

use super::Failure;

const PREFIX: &str = "ordermesh-live-";

pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new() -> Result<Self, Failure> {
        let parent = env::temp_dir();
        clear_leftovers(&parent);
        let prefix = format!("{PREFIX}{}-", process::id());
        let path = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(&parent)
            .map_err(|cause| Failure::io("make a folder in", &parent, &cause))?
            .keep();
        Ok(Self { path })
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn make(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.join(name);
        fs::create_dir_all(&path).map_err(|cause| Failure::io("make", &path, &cause))?;
        Ok(path)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.join(name);
        fs::write(&path, text).map_err(|cause| Failure::io("write", &path, &cause))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders of processes that are no more.
fn clear_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
        if owner.is_some_and(|pid: u32| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
