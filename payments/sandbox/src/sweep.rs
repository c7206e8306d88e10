//! The sweep: does what has fallen due and nobody has looked at, and forgets what is kept for a time only.

use std::time::Duration;

use async_trait::async_trait;
use common::{Fault, Timestamp};
use futures::future::join_all;
use runtime::sweep::Sweep;
use store::{Document, Documents, Expected, IndexQuery, Loaded, Order, Write};

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
    /// At once, so that they share their waits for the disk.
    async fn sessions(&self, now: Timestamp) -> Result<usize, Fault> {
        let due = due(&self.0.sessions, "due", now).await?;
        let settled = join_all(due.into_iter().map(|session| self.0.settled(session))).await;
        let visited = settled.len();
        settled.into_iter().try_for_each(|result| lost_races_are_fine(result.map(drop)))?;
        Ok(visited)
    }

    async fn refunds(&self, now: Timestamp) -> Result<usize, Fault> {
        let due = due(&self.0.refunds, "due", now).await?;
        let settled = join_all(due.into_iter().map(|refund| self.0.settle_refund(refund))).await;
        let visited = settled.len();
        settled.into_iter().try_for_each(lost_races_are_fine)?;
        Ok(visited)
    }

    async fn replies(&self, now: Timestamp) -> Result<usize, Fault> {
        self.forget(due(&self.0.replies, "kept_until", now).await?).await
    }

    /// The oldest events come first by id; one that is still to be delivered ends the round.
    async fn events(&self, now: Timestamp) -> Result<usize, Fault> {
        let oldest_kept = Token::first_of_second((now - EVENTS_KEPT).as_secs());
        let query = query(None, token::EVENT, oldest_kept.with(token::EVENT));
        let mut old = self.0.events.list(query).await?.entries;
        let told = old.iter().take_while(|e| !matches!(e.body.delivery, Delivery::Pending { .. })).count();
        old.truncate(told);
        self.forget(old).await
    }

    /// Removes documents with one wait for the disk.
    async fn forget<T: Document>(&self, old: Vec<Loaded<T>>) -> Result<usize, Fault> {
        let visited = old.len();
        if visited > 0 {
            let removals = old.iter().map(removal).collect();
            lost_races_are_fine(self.0.store.save_in_order(removals).await.map(drop))?;
        }
        Ok(visited)
    }
}

fn removal<T: Document>(document: &Loaded<T>) -> Write {
    Write {
        collection: T::COLLECTION,
        id: document.body.document_id(),
        expected: Expected::Version(document.version),
        body: None,
        index_keys: Vec::new(),
        events: Vec::new(),
        handled: None,
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
