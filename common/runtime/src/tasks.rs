//! Named, supervised tasks: nothing runs that has no name, and nothing ends without someone saying how.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument as _;

/// The tasks of one mesh and the token that tells them to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Tasks {
    #[must_use]
    pub fn new(shutdown: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), shutdown }
    }

    /// The token that is cancelled when everything should stop.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Runs a task under a name. A panic in it is logged and stops the program in good order: state is on disk, and
    /// a mesh with a dead worker must not look healthy.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        let task = tokio::spawn(task.instrument(tracing::info_span!("task", name)));
        self.tracker.spawn(async move {
            match task.await {
                Ok(()) => tracing::debug!(name, "task ended"),
                Err(error) => {
                    tracing::error!(name, %error, "task died; stopping");
                    shutdown.cancel();
                }
            }
        });
    }

    /// Waits until every task has ended, at most `limit`; false when some had not.
    pub async fn drained(&self, limit: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}
