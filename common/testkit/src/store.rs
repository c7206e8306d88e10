//! The contract of `store::DocumentStore`: every adapter runs the same cases.

mod contention;
mod documents;
mod leases;
mod lists;
mod outbox;
mod sample;

use std::{any::Any, fmt, future::Future, sync::Arc, time::Instant};

use futures::future::BoxFuture;
use store::{CollectionSchema, DocumentStore, Schema};

use crate::clock::ManualClock;

/// What a store under test must be opened with.
pub static SCHEMA: Schema = Schema {
    service: "test",
    collections: &[
        CollectionSchema {
            collection: sample::THINGS,
            indexes: &[sample::BY_KEY, "by", "other"],
            events: true,
        },
        CollectionSchema { collection: sample::THINGS_TOO, indexes: &[sample::BY_KEY], events: false },
        CollectionSchema { collection: sample::OTHERS, indexes: &[sample::BY_KEY, "other"], events: false },
    ],
};

/// A fresh, empty store under test.
pub struct Subject {
    pub store: Arc<dyn DocumentStore>,
    /// The clock that the store was given.
    pub clock: Arc<ManualClock>,
    /// What must live as long as the store, such as its folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("store", &self.store).finish_non_exhaustive()
    }
}

struct Case {
    name: &'static str,
    run: fn(Subject) -> BoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($file:ident: $($name:ident),+ $(,)?;)+) => {
        &[$($(Case {
            name: concat!(stringify!($file), "::", stringify!($name)),
            run: |subject| Box::pin($file::$name(subject)),
        }),+),+]
    };
}

const CASES: &[Case] = cases! {
    documents: a_document_is_loaded_as_it_was_saved,
        documents_are_loaded_in_the_order_asked_for,
        a_write_that_expects_another_version_changes_nothing,
        a_removed_document_takes_its_index_entries_along_and_leaves_its_events,
        the_newest_64_handled_events_are_remembered,
        saves_in_order_stop_at_the_first_that_fails_and_keep_those_before,
        saves_in_order_may_change_one_document_twice,
        names_that_start_alike_do_not_mix,
        a_body_comes_back_as_it_was_written,
        what_is_not_declared_is_refused;
    lists: an_index_is_listed_by_key_and_then_by_id_both_ways,
        pages_join_to_the_whole_list_and_the_last_has_no_cursor,
        what_is_inserted_between_pages_neither_repeats_nor_hides_an_entry,
        a_range_keeps_to_its_prefix_and_below_its_bound,
        a_document_is_listed_under_its_present_keys_only,
        a_foreign_cursor_is_refused,
        counts_follow_the_index;
    outbox: events_leave_with_their_write_oldest_first_and_whole,
        a_claimed_event_is_not_claimed_again_before_its_lease_ends,
        an_event_given_back_is_claimed_again_at_once,
        a_trimmed_event_never_comes_back_and_its_document_stays_untouched,
        an_event_can_be_trimmed_after_its_lease_has_ended,
        competing_claims_share_a_long_outbox_without_overlap,
        a_save_wakes_who_waits_for_the_outbox;
    leases: a_lease_has_one_owner_until_it_ends;
    contention: sixty_four_writers_lose_no_update;
};

/// Runs every case on a store of its own, which `make` makes with [`SCHEMA`], and prints the list as it goes.
pub async fn contract<F>(adapter: &str, make: impl Fn() -> F)
where
    F: Future<Output = Subject>,
{
    for Case { name, run } in CASES {
        say(&format!("{adapter}: {name} …"));
        let start = Instant::now();
        let subject = make().await;
        subject.store.check().await.expect("a fresh store takes writes");
        run(subject).await;
        say(&format!("{adapter}: {name} passed in {} ms", start.elapsed().as_millis()));
    }
    say(&format!("{adapter}: all {} cases passed", CASES.len()));
}

#[allow(
    clippy::print_stdout,
    reason = "a failing test shows its output: the last name is the case that failed"
)]
fn say(text: &str) {
    println!("store contract, {text}");
}
