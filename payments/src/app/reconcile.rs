//! Pulls what webhooks push: the provider's events of late, into the same inbox, so that none is missed.

use std::{sync::Arc, time::Duration};

use common::{Call, Clock, Fault, Timestamp, crash};

use super::take_webhook::report_unreadable;
use crate::{
    domain::{InboxEntry, ProviderEvent, Source},
    ports::{Cursor, Cursors, EventPage, Inbox, Kept, Pass, PaymentProcessor},
};

/// How far each pass reads back behind the last: events may show up late, and clocks differ.
pub const OVERLAP: Duration = Duration::from_secs(5 * 60);

/// Reads the provider's list of events, a page at a time.
#[derive(Clone, Debug)]
pub struct Reconciler {
    pub inbox: Arc<dyn Inbox>,
    pub cursors: Arc<dyn Cursors>,
    pub processor: Arc<dyn PaymentProcessor>,
    pub clock: Arc<dyn Clock>,
}

/// What one page came to.
#[derive(Debug)]
pub struct Read {
    /// Entries that were new and have something to do.
    pub fresh: Vec<Kept<InboxEntry>>,
    /// Whether the pass goes on.
    pub more: bool,
}

impl Reconciler {
    /// Reads the next page: the pass under way goes on where it stopped, even in another process. Faults:
    /// `unavailable` and `deadline_exceeded` of the provider or the store; nothing is skipped then.
    pub async fn read_page(&self) -> Result<Read, Fault> {
        let kept = self.cursors.load().await?;
        let (cursor, version) = kept.map_or_else(|| (self.beginning(), 0), |kept| (kept.value, kept.version));
        let since = cursor.pass.as_ref().map_or(cursor.read_to - OVERLAP, |pass| pass.since);
        let older = cursor.pass.as_ref().map(|pass| pass.older.as_str());
        let page = self.processor.list_events(since, older).await?;
        let next = advanced(&cursor, since, &page);
        let fresh = self.take(page.events).await?;
        crash::point!("payments.reconcile.page_taken");
        let more = next.pass.is_some();
        if next != cursor {
            self.cursors.save(next, version).await?;
        }
        Ok(Read { fresh, more })
    }

    /// Reads the newest page alone while a long pass is under way, so that what happens now does not wait for its
    /// end. The cursor stays where it is. Faults: as [`Reconciler::read_page`].
    pub async fn read_newest(&self) -> Result<Vec<Kept<InboxEntry>>, Fault> {
        match self.cursors.load().await?.and_then(|kept| kept.value.pass) {
            Some(pass) => self.take(self.processor.list_events(pass.since, None).await?.events).await,
            None => Ok(Vec::new()),
        }
    }

    /// Before the first pass there were no payments that an event could be about.
    fn beginning(&self) -> Cursor {
        Cursor { read_to: self.clock.now(), pass: None }
    }

    async fn take(&self, events: Vec<ProviderEvent>) -> Result<Vec<Kept<InboxEntry>>, Fault> {
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        let known = self.inbox.known(&ids).await?;
        let mut fresh = Vec::new();
        for event in events.into_iter().zip(known).filter_map(|(event, known)| (!known).then_some(event)) {
            let trace = Call::current_trace();
            let entry = InboxEntry { trace, ..InboxEntry::new(event, Source::Pulled, self.clock.now()) };
            let entry = self.inbox.take(entry).await?;
            if let Some(entry) = entry {
                report_unreadable(&entry.value);
                fresh.extend(entry.value.is_waiting().then_some(entry));
            }
        }
        Ok(fresh)
    }
}

/// The cursor behind a page. Pages come newest first, so `read_to` moves only when the pass is through.
fn advanced(cursor: &Cursor, since: Timestamp, page: &EventPage) -> Cursor {
    let seen = page.events.iter().map(|event| event.created_at).max();
    let newest = cursor.pass.as_ref().map_or(cursor.read_to, |pass| pass.newest).max(seen.unwrap_or(since));
    match &page.older {
        Some(older) => {
            Cursor { read_to: cursor.read_to, pass: Some(Pass { since, newest, older: older.clone() }) }
        }
        None => Cursor { read_to: newest, pass: None },
    }
}
