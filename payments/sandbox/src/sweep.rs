//! The sweep: does what has fallen due and nobody has looked at, and forgets what is kept for a time only.

use std::time::Duration;

use async_trait::async_trait;
use common::{Fault, Timestamp};
use runtime::sweep::Sweep;
use store::{Document, Documents, IndexQuery, Loaded, Order};

use crate::{
    app::Books,
    domain::{Token, event::Delivery, token},
};

/// Documents of one kind per round.
pub const FULL_ROUND: usize = 100;
/// Time between rounds.
pub const EVERY: Duration = Duration::from_secs(1);
/// How long events can be listed.
const EVENTS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The sweep over all collections.
#[derive(Debug)]
pub struct Due(pub Books);

#[async_trait]
impl Sweep for Due {
    async fn round(&self) -> Result<usize, Fault> {
        let now = self.0.now();
        let sessions = self.sessions(now).await?;
        let refunds = self.refunds(now).await?;
        let replies = self.replies(now).await?;
        let events = self.events(now).await?;
        Ok(sessions.max(refunds).max(replies).max(events))
    }
}

impl Due {
    async fn sessions(&self, now: Timestamp) -> Result<usize, Fault> {
        let due = due(&self.0.sessions, "due", now).await?;
        let visited = due.len();
        for session in due {
            lost_races_are_fine(self.0.settled(session).await.map(drop))?;
        }
        Ok(visited)
    }

    async fn refunds(&self, now: Timestamp) -> Result<usize, Fault> {
        let due = due(&self.0.refunds, "due", now).await?;
        let visited = due.len();
        for refund in due {
            lost_races_are_fine(self.0.settle_refund(refund).await)?;
        }
        Ok(visited)
    }

    async fn replies(&self, now: Timestamp) -> Result<usize, Fault> {
        let old = due(&self.0.replies, "kept_until", now).await?;
        let visited = old.len();
        for reply in old {
            let id = reply.body.document_id();
            lost_races_are_fine(self.0.replies.remove(&id, reply.version).await)?;
        }
        Ok(visited)
    }

    /// The oldest events come first by id; one that is still to be delivered ends the round.
    async fn events(&self, now: Timestamp) -> Result<usize, Fault> {
        let oldest_kept = Token::first_of_second((now - EVENTS_KEPT).as_secs());
        let query = query(None, token::EVENT, oldest_kept.with(token::EVENT));
        let old = self.0.events.list(query).await?.entries;
        let mut visited = 0;
        for event in old {
            if matches!(event.body.delivery, Delivery::Pending { .. }) {
                break;
            }
            let id = event.body.document_id();
            lost_races_are_fine(self.0.events.remove(&id, event.version).await)?;
            visited += 1;
        }
        Ok(visited)
    }
}

async fn due<T: Document>(
    documents: &Documents<T>,
    index: &'static str,
    now: Timestamp,
) -> Result<Vec<Loaded<T>>, Fault> {
    // The bound is exclusive, and what is due now is due.
    let below = (now + Duration::from_millis(1)).sort_key();
    Ok(documents.list(query(Some(index), "", below)).await?.entries)
}

fn query(index: Option<&'static str>, prefix: &str, below: String) -> IndexQuery {
    IndexQuery {
        index,
        prefix: prefix.to_owned(),
        below: Some(below),
        order: Order::Ascending,
        limit: FULL_ROUND,
        cursor: None,
    }
}

/// Whoever won the race has done it.
fn lost_races_are_fine(result: Result<(), Fault>) -> Result<(), Fault> {
    match result {
        Err(fault) if fault.is_version_conflict() => Ok(()),
        result => result,
    }
}
