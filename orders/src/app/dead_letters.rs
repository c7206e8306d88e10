//! What operators do with messages that no handler could take, whichever service's queue they died in.

use common::{Code, Fault, Limit};

use super::App;
use crate::ports::DeadLetter;

/// Faults of all of these: `invalid_parameter` for a queue that is not there, `unavailable` without a broker.
impl App {
    pub async fn list_dead_letters(&self, queue: &str, limit: Limit) -> Result<Vec<DeadLetter>, Fault> {
        self.parts.queues.dead_letters(queue, limit).await
    }

    /// Faults: `dead_letter_not_found`.
    pub async fn get_dead_letter(&self, queue: &str, id: &str) -> Result<DeadLetter, Fault> {
        let found = self.parts.queues.dead_letter(queue, id).await?;
        found.ok_or_else(|| Fault::new(Code::DeadLetterNotFound, "there is no such dead letter"))
    }

    /// False when there is none of this id, or not any more. Faults: `invalid_request` when it cannot be read.
    pub async fn replay_dead_letter(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        let found = self.parts.queues.replay(queue, id).await?;
        if found {
            tracing::info!(queue, id, "dead letter replayed by an operator");
        }
        Ok(found)
    }

    /// False when there is none of this id, or not any more.
    pub async fn purge_dead_letter(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        let found = self.parts.queues.purge(queue, id).await?;
        if found {
            tracing::info!(queue, id, "dead letter purged by an operator");
        }
        Ok(found)
    }
}
