//! What every server has in common: a command, a folder, a process, and a way to ask whether it is ready.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Failure, Launch, Process,
    folder::Folder,
    ready::{self, Check},
};

/// How often a start is tried again, on other ports, when the program ended by itself.
const STARTS: usize = 3;

/// One server that can be stopped and started again on the same ports and data.
pub struct Server {
    // Dropped in this order: the process ends before its folder goes.
    process: Mutex<Option<Arc<Process>>>,
    launch: Launch,
    check: Check,
    folder: Folder,
}

impl Server {
    pub(super) fn new(launch: Launch, folder: Folder, check: Check) -> Self {
        Self { process: Mutex::default(), launch, check, folder }
    }

    /// `kill -9` of the server's own pid; returns when it is gone.
    pub async fn kill(&self) {
        if let Some(process) = self.take() {
            process.kill().await;
        }
    }

    /// SIGTERM; returns when it has stopped.
    pub async fn terminate(&self) {
        if let Some(process) = self.take() {
            process.terminate().await;
        }
    }

    /// Starts it again on the same ports and data, after a SIGTERM if it still runs; returns when it is ready.
    pub async fn restart(&self) -> Result<(), Failure> {
        self.terminate().await;
        let process = Arc::new(Process::start(&self.launch)?);
        *self.lock() = Some(Arc::clone(&process));
        ready::wait(&self.launch, &process, &self.check).await
    }

    /// SIGSTOP: it keeps its connections and answers nothing.
    pub fn pause(&self) {
        self.running().pause();
    }

    pub fn resume(&self) {
        self.running().resume();
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running().pid()
    }

    /// The end of what it wrote.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.launch.log_tail()
    }

    /// A file or folder of its own.
    pub(super) fn path(&self, name: &str) -> impl AsRef<Path> + use<> {
        self.folder.join(name)
    }

    fn running(&self) -> Arc<Process> {
        self.lock().clone().expect("the server runs")
    }

    fn take(&self) -> Option<Arc<Process>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Process>>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts what `make` prepares on ports of its choice; on others when it ends by itself.
pub(super) async fn start<S: AsRef<Server>>(make: impl Fn() -> Result<S, Failure>) -> Result<S, Failure> {
    let mut starts = 0;
    loop {
        starts += 1;
        let server = make()?;
        match server.as_ref().restart().await {
            Ok(()) => return Ok(server),
            Err(failure) if failure.has_ended() && starts < STARTS => {}
            Err(failure) => return Err(failure),
        }
    }
}

/// A server of its own kind: `Deref` gives it what all of them can do.
macro_rules! is_a_server {
    ($kind:ty) => {
        impl AsRef<$crate::servers::Server> for $kind {
            fn as_ref(&self) -> &$crate::servers::Server {
                &self.server
            }
        }

        impl std::ops::Deref for $kind {
            type Target = $crate::servers::Server;

            fn deref(&self) -> &$crate::servers::Server {
                &self.server
            }
        }
    };
}
pub(super) use is_a_server;
