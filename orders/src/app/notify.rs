//! Tell people what happened.

use common::Fault;

use super::App;
use crate::ports::Notice;

impl App {
    /// At least once. Faults: those of the notifier.
    pub async fn notify(&self, notice: &Notice) -> Result<(), Fault> {
        self.parts.notifier.notify(notice).await
    }
}
