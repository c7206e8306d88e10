//! The data folder: there, writable, with room to grow, and who uses it.

mod holder;

use std::{
    io,
    path::{Path, PathBuf},
};

use runtime::Settings;

use self::holder::holder;
use super::probe::{Finding, Probe};
use crate::folders::{data_dir, mesh_folder};

/// With less than this the store will soon refuse to write.
const ROOM_NEEDED: u64 = 256 * MIB;
const ROOM_WANTED: u64 = 2048 * MIB;
const MIB: u64 = 1024 * 1024;
/// The embedded database's own lock file.
const LOCK: &str = "lock";

/// `None` when everything is on servers and there is no folder.
pub(super) fn probe(settings: &Settings) -> Option<Probe> {
    const FIX: &str = "the disk is slow or gone: look at the kernel's log";
    let folder = data_dir(settings);
    let on_servers = settings.is_set("MONGODB_URI") && settings.is_set("RABBITMQ_URL");
    if on_servers && !folder.exists() {
        return None;
    }
    let target = folder.display().to_string();
    Some(Probe::new("data folder", target, FIX, async move {
        let examined = tokio::task::spawn_blocking(move || examine(&folder)).await;
        examined.unwrap_or_else(|error| Finding::fail(error.to_string(), FIX))
    }))
}

fn examine(folder: &Path) -> Finding {
    const OWNER: &str = "give the folder to the user that runs the mesh, or set DATA_DIR to another";
    let there = existing(folder);
    if !there.is_dir() {
        return Finding::fail(format!("{} is not a folder", there.display()), "set DATA_DIR to a folder");
    }
    // A file without a name: nothing is left behind, whatever happens.
    if let Err(error) = tempfile::tempfile_in(&there) {
        return Finding::fail(format!("nothing can be written: {error}"), OWNER);
    }
    match room(&there) {
        Ok(free) => judge(folder, there == folder, free),
        Err(error) => Finding::warn(format!("what is free is not told: {error}"), "look with `df`"),
    }
}

fn judge(folder: &Path, there: bool, free: u64) -> Finding {
    const FIX: &str = "make room, or move DATA_DIR while the mesh is stopped";
    let shown = format!("{} MiB free", free / MIB);
    if free < ROOM_NEEDED {
        return Finding::fail(shown, FIX);
    }
    if free < ROOM_WANTED {
        return Finding::warn(shown, FIX);
    }
    if !there {
        return Finding::ok(format!("not there yet, the first start makes it; {shown}"));
    }
    match holder(&mesh_folder(folder).join(LOCK)) {
        Some(process) => Finding::ok(format!("writable, {shown}, used by {process}")),
        None => Finding::ok(format!("writable, {shown}, not in use")),
    }
}

/// The folder, or the nearest one above it that exists.
fn existing(folder: &Path) -> PathBuf {
    if folder.exists() {
        return folder.to_owned();
    }
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.ancestors().find(|above| above.exists()).unwrap_or(&absolute).to_owned()
}

/// Bytes that we may still write.
fn room(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::{super::probe::Status, *};

    async fn status(finding: Finding) -> Status {
        Probe::new("", "", "", async move { finding }).run().await.status
    }

    #[tokio::test]
    async fn a_folder_to_come_is_well_and_a_file_in_its_place_or_a_full_disk_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(status(judge(&folder.path().join("a/b"), false, u64::MAX)).await, Status::Ok);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(status(examine(&file)).await, Status::Fail);
        assert_eq!(status(judge(folder.path(), true, ROOM_NEEDED - 1)).await, Status::Fail);
        assert_eq!(status(judge(folder.path(), true, ROOM_NEEDED)).await, Status::Warn);
    }
}
