//! Idempotency keys as Stripe keeps them: the first result is written down together with the change, 500s too, and
//! replayed for 24 hours; other parameters are an error, and so is a key whose first request is still running.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use common::{Fault, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Collection, Document, Expected, IndexKey, Save, Write};

use super::{
    books::{Books, MAX_RACES},
    command::Command,
};
use crate::{
    domain::event::Cause,
    error::ApiError,
    faults::{Faults, Strike},
};

/// How long a key is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The result that a key replays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    key: String,
    /// The endpoint and the parameters of the first request.
    fingerprint: String,
    status: u16,
    body: Box<RawValue>,
    request_id: String,
    kept_until_ms: u64,
}

impl Document for Reply {
    const COLLECTION: Collection = Collection("replies");
    const INDEXES: &'static [&'static str] = &["kept_until"];

    fn document_id(&self) -> String {
        self.key.clone()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::new("kept_until", Timestamp::from_millis(self.kept_until_ms).sort_key())]
    }
}

/// A request that changes something.
#[derive(Debug)]
pub struct Request {
    pub command: Command,
    pub key: Option<String>,
    pub fingerprint: String,
    pub request_id: String,
}

/// What is answered to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    Sent {
        status: StatusCode,
        body: Bytes,
        /// The first request's id, when this is its result again.
        replayed_from: Option<String>,
    },
    /// The connection closes without an answer.
    Dropped,
}

impl Answer {
    #[must_use]
    pub fn sent(status: StatusCode, body: &RawValue) -> Self {
        Self::Sent { status, body: Bytes::copy_from_slice(body.get().as_bytes()), replayed_from: None }
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self::sent(error.status(), &error.json())
    }
}

/// Runs commands, each at most once per key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk {
    books: Books,
    faults: Faults,
    in_flight: Arc<Mutex<HashSet<String>>>,
}

/// A key in use; given back when dropped.
struct InUse {
    key: String,
    in_flight: Arc<Mutex<HashSet<String>>>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Desk {
    #[must_use]
    pub fn new(books: Books, faults: Faults) -> Self {
        Self { books, faults, in_flight: Arc::default() }
    }

    /// Carries a request out. To be run in a task of its own: a caller that hangs up must not stop it half-way, nor
    /// free its key before it is written.
    pub async fn carry_out(self, request: Request) -> Answer {
        self.answer(&request).await.unwrap_or_else(Answer::from)
    }

    async fn answer(&self, request: &Request) -> Result<Answer, ApiError> {
        let _in_use = request.key.as_deref().map(|key| self.enter(key)).transpose()?;
        let expected = match self.replay(request).await? {
            Earlier::Result(answer) => return Ok(answer),
            Earlier::None(expected) => expected,
        };
        let strike = self.faults.take(request.command.operation());
        if let Some(Strike::Delay { delay_ms }) = strike {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        }
        match strike {
            Some(Strike::DropReplyBeforeCommit) => Ok(Answer::Dropped),
            Some(Strike::TooManyRequests) => Err(ApiError::too_many_requests()),
            Some(Strike::ErrorBeforeCommit) => self.refuse(request, expected, &injected()).await,
            _ => self.execute(request, expected, strike).await,
        }
    }

    fn enter(&self, key: &str) -> Result<InUse, ApiError> {
        let entered = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
        if !entered {
            return Err(ApiError::key_in_use());
        }
        Ok(InUse { key: key.to_owned(), in_flight: Arc::clone(&self.in_flight) })
    }

    async fn replay(&self, request: &Request) -> Result<Earlier, ApiError> {
        let Some(key) = &request.key else { return Ok(Earlier::None(Expected::Absent)) };
        let Some(reply) = self.books.replies.load(key).await? else {
            return Ok(Earlier::None(Expected::Absent));
        };
        if reply.body.kept_until_ms <= self.books.now().as_millis() {
            return Ok(Earlier::None(Expected::Version(reply.version)));
        }
        if reply.body.fingerprint != request.fingerprint {
            return Err(ApiError::key_reused(key));
        }
        let Reply { status, body, request_id, .. } = reply.body;
        Ok(Earlier::Result(Answer::Sent {
            status: StatusCode::from_u16(status)
                .map_err(|e| Fault::internal(format!("stored status: {e}")))?,
            body: Bytes::from(Box::<str>::from(body).into_boxed_bytes().into_vec()),
            replayed_from: Some(request_id),
        }))
    }

    /// Decides and commits, again when it loses a race.
    async fn execute(
        &self,
        request: &Request,
        expected: Expected,
        strike: Option<Strike>,
    ) -> Result<Answer, ApiError> {
        let cause =
            Cause { request_id: Some(request.request_id.clone()), idempotency_key: request.key.clone() };
        for _ in 0..MAX_RACES {
            let change = match request.command.decide(&self.books, &cause, strike).await {
                Ok(change) => change,
                Err(error) if error.is_kept() => return self.refuse(request, expected, &error).await,
                Err(error) => return Err(error),
            };
            let mut writes = change.writes;
            let (status, body) = match strike {
                Some(Strike::ErrorAfterCommit) => (injected().status(), injected().json()),
                _ => (StatusCode::OK, change.answer),
            };
            writes.extend(self.reply(request, expected, status, &body)?);
            match self.books.commit(writes).await {
                Err(fault) if fault.is_version_conflict() => {}
                result => {
                    result?;
                    common::crash::point!("sandbox.request.committed");
                    let dropped = strike == Some(Strike::DropReplyAfterCommit);
                    return Ok(if dropped { Answer::Dropped } else { Answer::sent(status, &body) });
                }
            }
        }
        Err(Fault::unavailable("the object changed too often").into())
    }

    /// Answers with an error that changed nothing, and keeps it under the key.
    async fn refuse(
        &self,
        request: &Request,
        expected: Expected,
        error: &ApiError,
    ) -> Result<Answer, ApiError> {
        let (status, body) = (error.status(), error.json());
        if let Some(reply) = self.reply(request, expected, status, &body)? {
            self.books.commit(vec![reply]).await?;
        }
        Ok(Answer::sent(status, &body))
    }

    fn reply(
        &self,
        request: &Request,
        expected: Expected,
        status: StatusCode,
        body: &RawValue,
    ) -> Result<Option<Write>, Fault> {
        let Some(key) = &request.key else { return Ok(None) };
        let reply = Reply {
            key: key.clone(),
            fingerprint: request.fingerprint.clone(),
            status: status.as_u16(),
            body: body.to_owned(),
            request_id: request.request_id.clone(),
            kept_until_ms: (self.books.now() + KEPT).as_millis(),
        };
        self.books.replies.write(&reply, expected, Save::new()).map(Some)
    }
}

/// What a key has seen before.
enum Earlier {
    Result(Answer),
    /// Nothing that counts: the version that the reply's document is written at.
    None(Expected),
}

/// The 500 that a fault asks for.
fn injected() -> ApiError {
    ApiError::internal()
}
