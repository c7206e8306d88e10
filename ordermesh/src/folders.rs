//! Where a data folder keeps what.

use std::path::{Path, PathBuf};

use runtime::Settings;

use crate::failure::StartError;

/// The data folder.
#[must_use]
pub(crate) fn data_dir(settings: &Settings) -> PathBuf {
    PathBuf::from(settings.text("DATA_DIR").unwrap_or("./data"))
}

/// Where the mesh keeps its data.
#[must_use]
pub(crate) fn mesh_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("mesh")
}

/// Where the sandbox, which plays the outside, keeps its own.
#[must_use]
pub(crate) fn sandbox_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("sandbox")
}

/// Makes the folder, with those above it.
pub(crate) fn make(folder: &Path) -> Result<PathBuf, StartError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| StartError::Data { folder: folder.to_owned(), problem: error.to_string() })?;
    Ok(folder.to_owned())
}
