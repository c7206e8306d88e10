//! Compare-and-swap under contention.

use std::{sync::Arc, time::Duration};

use common::Random as _;
use store::{Expected, Write};

use super::{Subject, sample::*};
use crate::random::SeededRandom;

const WRITERS: u64 = 64;
const TURNS: usize = 10;
/// Losses in a row after which a writer gives the case up.
const TRIES_MAX: u64 = 10_000;

pub(super) async fn sixty_four_writers_lose_no_update(subject: Subject) {
    subject.saved(Write { body: Some("0".into()), ..insert("counter") }).await;
    let subject = Arc::new(subject);
    let writers = (0..WRITERS).map(|seed| {
        let subject = Arc::clone(&subject);
        tokio::spawn(async move {
            let random = SeededRandom::new(seed);
            for _ in 0..TURNS {
                increment(&subject, &random).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer does not panic");
    }
    let stored = subject.store.load(THINGS, "counter").await.unwrap().unwrap();
    assert_eq!((stored.version, &*stored.body), (641, &b"640"[..]));
}

async fn increment(subject: &Subject, random: &SeededRandom) {
    for attempt in 1..TRIES_MAX {
        let stored = subject.store.load(THINGS, "counter").await.unwrap().unwrap();
        let value: u64 = std::str::from_utf8(&stored.body).unwrap().parse().unwrap();
        let body = Some((value + 1).to_string().into());
        let write = Write { expected: Expected::Version(stored.version), body, ..insert("counter") };
        match subject.store.save(write).await {
            Ok(version) => return assert_eq!(version, stored.version + 1),
            Err(fault) => assert!(fault.is_version_conflict(), "{fault}"),
        }
        let back_off_ms = random.below(4 * attempt.min(16));
        tokio::time::sleep(Duration::from_millis(back_off_ms)).await;
    }
    panic!("a writer lost {TRIES_MAX} times in a row");
}
