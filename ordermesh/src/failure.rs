//! Why the program ends with something other than 0, and why a mesh did not start: one line each.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use common::Fault;
use runtime::{SettingError, platform::OpenError};
use thiserror::Error;

/// Why the program ends with something other than 0.
#[derive(Debug, Error)]
pub enum Failure {
    /// Settings, usage, a used port, a locked folder: someone must change something. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It ran, and failed. Exit code 1.
    #[error("{0}")]
    Running(String),
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        if error.is_usage() { Self::Usage(error.to_string()) } else { Self::Running(error.to_string()) }
    }
}

/// Why a mesh did not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error(
        "{name}: cannot listen on {address}: {problem}; stop what uses it or set another, for example {name}=127.0.0.1:0"
    )]
    Port { name: &'static str, address: SocketAddr, problem: String },
    #[error("DATA_DIR: {folder}: {problem}", folder = folder.display())]
    Data { folder: PathBuf, problem: String },
    #[error("could not start: {0}")]
    Fault(#[from] Fault),
}

impl StartError {
    /// A platform that cannot be opened.
    pub(crate) fn opening(data_dir: &Path, error: OpenError) -> Self {
        match error {
            OpenError::Setting(error) => Self::Setting(error),
            OpenError::Database(error) => {
                Self::Data { folder: data_dir.to_owned(), problem: error.to_string() }
            }
            OpenError::Fault(fault) => Self::Fault(fault),
        }
    }

    /// Whether someone must change a setting (exit code 2) rather than look for a fault of ours.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Fault(_))
    }
}
