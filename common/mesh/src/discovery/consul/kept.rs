//! The last good list of a service on disk, for a start while the registry is away: one small JSON file per service.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use common::Random;
use serde::{Deserialize, Serialize};

use crate::discovery::{Peer, names::Listed};

/// A bigger file is none of ours.
const MAX_BYTES: u64 = 1 << 20;

/// Where the list of one service is kept; nowhere without a folder.
#[derive(Clone)]
pub(super) struct Kept {
    service: &'static str,
    file: Option<PathBuf>,
    random: Arc<dyn Random>,
}

#[derive(Deserialize, Serialize)]
struct Document {
    instances: Vec<Line>,
}

#[derive(Deserialize, Serialize)]
struct Line {
    host: String,
    port: u16,
    weight: u32,
    version: String,
}

impl Kept {
    pub(super) fn new(folder: Option<&Path>, service: &'static str, random: Arc<dyn Random>) -> Self {
        Self { service, file: folder.map(|folder| folder.join(format!("{service}.json"))), random }
    }

    /// The list as it was; empty when there is none that can be read.
    pub(super) fn load(&self) -> Vec<Listed> {
        let Some(file) = &self.file else { return Vec::new() };
        match read(file) {
            Ok(document) => document.instances.into_iter().filter_map(Line::listed).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!(service = self.service, file = %file.display(), %error, "kept instances are unreadable");
                Vec::new()
            }
        }
    }

    /// Written beside and renamed: several processes may keep their lists in one folder.
    pub(super) async fn save(&self, listed: &[Listed]) {
        let Some(file) = self.file.clone() else { return };
        let document = Document { instances: listed.iter().map(Line::new).collect() };
        let beside = file.with_extension(format!("{:016x}.tmp", self.random.next_u64()));
        let written = tokio::task::spawn_blocking(move || write(&file, &beside, &document)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::warn!(service = self.service, %error, "could not keep the instances on disk");
        }
    }
}

fn read(file: &Path) -> io::Result<Document> {
    if fs::metadata(file)?.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large"));
    }
    Ok(serde_json::from_slice(&fs::read(file)?)?)
}

fn write(file: &Path, beside: &Path, document: &Document) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let written =
        fs::write(beside, serde_json::to_vec_pretty(document)?).and_then(|()| fs::rename(beside, file));
    if written.is_err() {
        // What is left over of a failed write helps nobody.
        let _ = fs::remove_file(beside);
    }
    written
}

impl Line {
    fn new(listed: &Listed) -> Self {
        Self {
            host: listed.peer.host(),
            port: listed.peer.port(),
            weight: listed.weight,
            version: listed.version.to_string(),
        }
    }

    fn listed(self) -> Option<Listed> {
        let peer = Peer::new(&self.host, self.port).ok()?;
        Some(Listed { peer, weight: self.weight.max(1), version: self.version.into() })
    }
}
