//! The dead letters of a running mesh, reached through its gateway: the bus port over HTTP.

use async_trait::async_trait;
use bus::{DeadLetter, DeadLetters, QueueDepth};
use common::{Code, Fault};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::client::Client;

/// Most dead letters that the gateway gives at once.
const PAGE: usize = 100;

/// Asks the gateway.
#[derive(Clone, Debug)]
pub(super) struct GatewayLetters(pub(super) Client);

#[derive(Deserialize)]
struct Queues {
    queues: Vec<QueueDepth>,
}

#[derive(Deserialize)]
struct Letters {
    dead_letters: Vec<DeadLetter>,
}

#[derive(Deserialize)]
struct One {
    dead_letter: DeadLetter,
}

#[async_trait]
impl DeadLetters for GatewayLetters {
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        Ok(read::<Queues>(self.0.get("/api/queues").await?)?.queues)
    }

    /// The oldest, at most a hundred.
    async fn list(&self, queue: &str, limit: usize) -> Result<Vec<DeadLetter>, Fault> {
        let (queue, limit) = (segment(queue)?, limit.clamp(1, PAGE));
        let answer = self.0.get(&format!("/api/queues/{queue}/dead-letters?limit={limit}")).await?;
        Ok(read::<Letters>(answer)?.dead_letters)
    }

    async fn find(&self, queue: &str, id: &str) -> Result<Option<DeadLetter>, Fault> {
        match self.0.get(&path(queue, id)?).await {
            Ok(answer) => Ok(Some(read::<One>(answer)?.dead_letter)),
            Err(fault) if fault.code() == Code::DeadLetterNotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn replay(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        found(self.0.post_nothing(&format!("{}/replay", path(queue, id)?)).await)
    }

    async fn purge(&self, queue: &str, id: &str) -> Result<bool, Fault> {
        found(self.0.delete(&path(queue, id)?).await)
    }
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Fault> {
    serde_json::from_value(answer).map_err(|e| Fault::internal(format!("the gateway's answer: {e}")))
}

fn found(answer: Result<(), Fault>) -> Result<bool, Fault> {
    match answer {
        Ok(()) => Ok(true),
        Err(fault) if fault.code() == Code::DeadLetterNotFound => Ok(false),
        Err(fault) => Err(fault),
    }
}

fn path(queue: &str, id: &str) -> Result<String, Fault> {
    Ok(format!("/api/queues/{}/dead-letters/{}", segment(queue)?, segment(id)?))
}

/// A name that needs no escaping in a path; those of queues, dead letters and orders are all like that.
pub(super) fn segment(text: &str) -> Result<&str, Fault> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) && !text.starts_with('.') {
        return Ok(text);
    }
    Err(Fault::new(Code::InvalidParameter, format!("{text:?} is neither a queue nor an id")))
}
