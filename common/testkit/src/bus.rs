//! The contract of the event bus: every adapter runs the same cases, alone and under `bus::Consumer`.

mod consuming;
mod dead_letters;
mod delivery;
mod hints;
mod retries;
pub mod sample;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bus::{Bus, QueueSpec, Topology};
use futures::future::BoxFuture;

/// Makes the bus under test, on data of its own.
#[async_trait]
pub trait Harness: Send + Sync + fmt::Debug {
    /// Opens the bus with [`topology`] and [`LADDER`]. Opening it again, once the first is dropped, is a restart.
    async fn open(&self) -> Arc<dyn Bus>;
}

/// The pauses between attempts that the cases expect, short for their sake.
pub const LADDER: [Duration; 3] =
    [Duration::from_millis(60), Duration::from_millis(120), Duration::from_millis(240)];

/// Takes `order.*`.
pub const ORDERS: &str = "suite.orders";
/// Takes `order.paid` and `stock.low`.
pub const SOME: &str = "suite.some";

/// The exchange and queues that the cases use; nothing takes `payment.*`.
#[must_use]
pub fn topology() -> Topology {
    let queues = vec![
        QueueSpec { name: ORDERS, bindings: &["order.*"] },
        QueueSpec { name: SOME, bindings: &["order.paid", "stock.low"] },
    ];
    Topology { exchange: "suite.events", queues }
}

struct Case {
    name: &'static str,
    run: fn(Arc<dyn Harness>) -> BoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($file:ident: $($name:ident),+ $(,)?;)+) => {
        &[$($(Case {
            name: concat!(stringify!($file), "::", stringify!($name)),
            run: |harness| Box::pin($file::$name(harness)),
        }),+),+]
    };
}

const CASES: &[Case] = cases! {
    delivery: an_event_reaches_the_queues_bound_to_its_type_and_no_other,
        an_event_arrives_as_it_was_published,
        an_event_without_a_queue_is_refused_and_its_neighbours_are_not,
        competing_consumers_get_each_event_once,
        no_more_than_the_prefetch_is_unsettled,
        what_an_ended_subscription_had_comes_back_and_cannot_be_acked_any_more,
        what_was_confirmed_is_there_after_a_restart_and_what_was_acked_is_not,
        a_requeued_event_comes_again_and_is_not_counted,
        a_queue_that_nobody_declared_is_refused;
    retries: a_failing_event_climbs_the_ladder_and_becomes_a_dead_letter,
        a_permanent_failure_is_a_dead_letter_at_once,
        attempts_and_times_survive_a_restart,
        a_failing_event_does_not_hold_up_the_others;
    dead_letters: a_replayed_dead_letter_starts_anew,
        a_purged_dead_letter_is_gone,
        dead_letters_survive_a_restart,
        depths_tell_what_is_ready_in_flight_and_dead;
    hints: hints_tell_of_their_pattern_from_now_on,
        a_slow_reader_of_hints_loses_the_oldest_and_is_told;
    consuming: handled_events_leave_the_queue,
        a_poison_event_becomes_a_dead_letter_and_its_neighbours_are_handled,
        a_panic_in_a_handler_is_one_failed_event,
        an_outage_longer_than_the_ladder_makes_no_dead_letter_and_loses_nothing,
        an_event_in_trouble_of_its_own_does_not_hold_up_the_others,
        a_lost_compare_and_swap_is_tried_again_at_once,
        a_consumer_that_stops_finishes_what_is_in_hand,
        a_handler_works_under_a_deadline_and_in_the_events_trace;
};

/// Runs every case on a bus of its own and prints how it went, under the name of the adapter.
pub async fn contract<F>(adapter: &str, make: impl Fn() -> F)
where
    F: Future<Output = Arc<dyn Harness>>,
{
    for Case { name, run } in CASES {
        say(&format!("bus contract, {adapter}: {name} … "));
        run(make().await).await;
        say("ok\n");
    }
}

#[allow(
    clippy::print_stdout,
    reason = "a failing test shows its output: the last name is the case that failed"
)]
fn say(text: &str) {
    print!("{text}");
}
