//! The outbox: claims, leases, trims, wake-ups.

use std::{collections::HashSet, time::Duration};

use common::EventId;
use store::{Expected, OutboxEntry, Write};

use super::{Subject, sample::*};

const LEASE: Duration = Duration::from_secs(10);
/// How long a wake-up may take before the case fails.
const WAKE_LIMIT: Duration = Duration::from_secs(10);

impl Subject {
    async fn claimed(&self, limit: usize) -> Vec<OutboxEntry> {
        self.store.claim_outbox(limit, LEASE).await.unwrap()
    }
}

fn event_ids(entries: &[OutboxEntry]) -> Vec<EventId> {
    entries.iter().map(|entry| entry.event.id).collect()
}

pub(super) async fn events_leave_with_their_write_oldest_first_and_whole(subject: Subject) {
    let writes = [with_events("a", 2), insert("b"), with_events("c", 1)];
    let sent: Vec<_> = writes.iter().flat_map(|write| write.events.clone()).collect();
    for write in writes {
        subject.saved(write).await;
    }
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 3);
    let mut claimed = subject.claimed(2).await;
    claimed.extend(subject.claimed(10).await);
    assert_eq!(claimed.iter().map(|e| e.document_id.as_str()).collect::<Vec<_>>(), ["a", "a", "c"]);
    for (sent, entry) in sent.iter().zip(&claimed) {
        assert_eq!(entry.collection, THINGS.0);
        let json = |event| serde_json::to_string(event).unwrap();
        assert_eq!(json(&entry.event), json(sent));
    }
}

pub(super) async fn a_claimed_event_is_not_claimed_again_before_its_lease_ends(subject: Subject) {
    subject.saved(with_events("a", 2)).await;
    let first = subject.claimed(10).await;
    subject.clock.advance(LEASE / 2);
    assert!(subject.claimed(10).await.is_empty());
    subject.saved(with_events("b", 1)).await;
    assert_eq!(subject.claimed(10).await[0].document_id, "b");
    subject.clock.advance(LEASE / 2);
    assert_eq!(event_ids(&subject.claimed(10).await), event_ids(&first));
    assert!(subject.claimed(10).await.is_empty());
}

pub(super) async fn an_event_given_back_is_claimed_again_at_once(subject: Subject) {
    subject.saved(with_events("a", 3)).await;
    let claimed = subject.claimed(3).await;
    subject.saved(with_events("b", 1)).await;
    subject.store.unclaim_outbox(&claimed[1..]).await.unwrap();
    let again = subject.claimed(10).await;
    assert_eq!(event_ids(&again)[..2], event_ids(&claimed)[1..], "what is older comes first");
    assert_eq!(again[2].document_id, "b");
    assert_eq!(again.len(), 3);
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 4);
}

pub(super) async fn a_trimmed_event_never_comes_back_and_its_document_stays_untouched(subject: Subject) {
    subject.saved(with_events("a", 3)).await;
    let claimed = subject.claimed(3).await;
    subject.store.trim_outbox(&claimed[..2]).await.unwrap();
    subject.store.trim_outbox(&claimed[..2]).await.unwrap();
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 1);
    subject.store.unclaim_outbox(&claimed).await.unwrap();
    subject.clock.advance(LEASE);
    assert_eq!(event_ids(&subject.claimed(10).await), event_ids(&claimed[2..]));
    let stored = subject.store.load(THINGS, "a").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.body), (1, body("a")));
    assert_eq!(subject.saved(update("a", 1)).await, 2);
}

pub(super) async fn an_event_can_be_trimmed_after_its_lease_has_ended(subject: Subject) {
    subject.saved(with_events("a", 2)).await;
    let claimed = subject.claimed(2).await;
    subject.clock.advance(LEASE);
    let again = subject.claimed(1).await;
    assert_eq!(event_ids(&again), event_ids(&claimed[..1]));
    subject.store.trim_outbox(&claimed).await.unwrap();
    subject.clock.advance(LEASE);
    assert!(subject.claimed(10).await.is_empty());
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 0);
}

pub(super) async fn competing_claims_share_a_long_outbox_without_overlap(subject: Subject) {
    const BATCH: usize = 50;
    const BATCHES: usize = 60;
    let mut version = subject.saved(insert("a")).await;
    for _ in 0..BATCHES {
        let write = Write { expected: Expected::Version(version), ..with_events("a", BATCH) };
        version = subject.saved(write).await;
    }
    let claimers = (0..8).map(|_| async {
        let mut mine = Vec::new();
        loop {
            let claimed = subject.claimed(64).await;
            if claimed.is_empty() {
                return mine;
            }
            subject.store.trim_outbox(&claimed).await.unwrap();
            mine.extend(event_ids(&claimed));
            tokio::task::yield_now().await;
        }
    });
    let claimed: Vec<_> = futures::future::join_all(claimers).await.concat();
    assert_eq!(claimed.len(), BATCH * BATCHES);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), BATCH * BATCHES);
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 0);
}

pub(super) async fn a_save_wakes_who_waits_for_the_outbox(subject: Subject) {
    let waiter = async {
        loop {
            subject.store.outbox_changed().await;
            if let [entry] = &subject.claimed(10).await[..] {
                return entry.document_id.clone();
            }
        }
    };
    let (woken, _) =
        tokio::join!(tokio::time::timeout(WAKE_LIMIT, waiter), subject.saved(with_events("a", 1)));
    assert_eq!(woken.expect("woken in time"), "a");
    let waiting = subject.saved(with_events("b", 1)).await;
    assert_eq!(waiting, 1);
    let changed = tokio::time::timeout(WAKE_LIMIT, subject.store.outbox_changed());
    changed.await.expect("something waits already");
}
