//! Where a server's program is: on the PATH, or in the folder that `just live-servers` fills.

use std::{env, path::PathBuf};

use super::Failure;

/// The program in one of `first`, on the PATH, or in the cache folder.
pub(super) fn find(name: &str, first: &[&str]) -> Result<PathBuf, Failure> {
    let path = env::var_os("PATH").unwrap_or_default();
    first
        .iter()
        .map(PathBuf::from)
        .chain(env::split_paths(&path))
        .chain(cache())
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| Failure::new(format!("{name} is not installed: run `just live-servers`")))
}

fn cache() -> Option<PathBuf> {
    let of_home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache/ordermesh/servers"));
    let cache = env::var_os("ORDERMESH_SERVERS").map(PathBuf::from).or_else(of_home)?;
    Some(cache.join("bin"))
}
