//! Leases by name.

use std::time::Duration;

use super::Subject;

const TTL: Duration = Duration::from_secs(10);

pub(super) async fn a_lease_has_one_owner_until_it_ends(subject: Subject) {
    let take = |name, owner| {
        let store = &subject.store;
        async move { store.lease(name, owner, TTL).await.unwrap() }
    };
    assert!(take("sweep", "one").await);
    assert!(!take("sweep", "two").await);
    assert!(take("other", "two").await, "another name is another lease");
    subject.clock.advance(TTL / 2);
    assert!(take("sweep", "one").await, "its owner renews it");
    subject.clock.advance(TTL / 2);
    assert!(!take("sweep", "two").await, "it was renewed");
    subject.clock.advance(TTL / 2);
    assert!(take("sweep", "two").await, "it has ended");
    assert!(!take("sweep", "one").await);
}
