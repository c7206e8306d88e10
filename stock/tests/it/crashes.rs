//! Every step of every flow fails once, crashes once and is run twice; what is left is finished or undone.

use common::{Code, Fault, MovementId, OrderId};
use stock::domain::{restock::RestockItem, standing::Standing};
use testkit::faulty::Break;

use crate::bench::Bench;

/// What is done to an order that has come so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Reserve,
    Commit,
    Release,
    Return,
    Tombstone,
}

const FLOWS: [Flow; 5] = [Flow::Reserve, Flow::Commit, Flow::Release, Flow::Return, Flow::Tombstone];
const LINES: [(&str, u32); 2] = [("b", 2), ("a", 1)];

impl Flow {
    async fn prepare(self, bench: &Bench, order: OrderId) {
        if matches!(self, Self::Commit | Self::Release | Self::Return) {
            bench.reserve(order, &LINES).await.unwrap();
        }
        if self == Self::Return {
            bench.stock.commit(order).await.unwrap();
        }
    }

    async fn run(self, bench: &Bench, order: OrderId) -> Result<(), Fault> {
        match self {
            Self::Reserve => bench.reserve(order, &LINES).await,
            Self::Commit => bench.stock.commit(order).await.map(drop),
            Self::Release | Self::Return | Self::Tombstone => {
                bench.stock.release(order, false).await.map(drop)
            }
        }
    }

    /// (on hand, held, committed) of `a`, of which there were 5 and the order has 1.
    fn outcome(self) -> (u64, u64, u64) {
        match self {
            Self::Reserve => (5, 1, 0),
            Self::Commit => (4, 0, 1),
            Self::Release | Self::Return | Self::Tombstone => (5, 0, 0),
        }
    }
}

/// More writes than any flow makes.
const STEPS_MAX: usize = 20;

#[tokio::test]
async fn whatever_step_a_process_dies_at_the_repeated_command_has_its_effect_once() {
    for flow in FLOWS {
        for how in [Break::Crash, Break::LoseAnswerAndCrash, Break::Refuse, Break::LoseAnswer] {
            for step in 0..STEPS_MAX {
                let mut bench = Bench::with(&[5, 5]).await;
                let order = bench.order();
                flow.prepare(&bench, order).await;
                bench.store.break_after(step, how);
                let broke = flow.run(&bench, order).await.is_err();
                if matches!(how, Break::Crash | Break::LoseAnswerAndCrash) {
                    bench.restart();
                } else {
                    bench.store.heal();
                }
                let context = format!("{flow:?} {how:?} after {step} writes");
                bench.assert_sound(&context).await;
                flow.run(&bench, order).await.unwrap();
                flow.run(&bench, order).await.unwrap();
                assert_eq!(bench.counts("a").await, flow.outcome(), "{context}");
                bench.sweep().await;
                bench.assert_at_rest(&context).await;
                if !broke {
                    break;
                }
                assert!(step + 1 < STEPS_MAX, "{context}: the flow is longer than this test thinks");
            }
        }
    }
}

#[tokio::test]
async fn whatever_step_a_process_dies_at_the_sweep_finishes_or_undoes_it() {
    for flow in FLOWS {
        for step in 0..STEPS_MAX {
            let mut bench = Bench::with(&[5, 5]).await;
            let order = bench.order();
            flow.prepare(&bench, order).await;
            bench.store.break_after(step, Break::Crash);
            let broke = flow.run(&bench, order).await.is_err();
            bench.restart();
            bench.sweep().await;
            let context = format!("{flow:?} after {step} writes");
            bench.assert_at_rest(&context).await;
            if flow == Flow::Reserve {
                // Nobody came back for the order: once its time is over it is asked about and released.
                bench.orders.say(order, Standing::Off);
                bench.clock.set(bench.later());
                bench.sweep().await;
                assert_eq!(bench.counts("a").await, (5, 0, 0), "{context}");
                bench.assert_at_rest(&context).await;
            }
            if !broke {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_hold_that_lost_its_stock_half_way_is_undone_and_stays_refused() {
    let mut bench = Bench::with(&[5, 2]).await;
    let order = bench.order();
    // Dies with the intent written and `a` held, but not `b`.
    bench.store.break_after(2, Break::Crash);
    bench.reserve(order, &LINES).await.unwrap_err();
    bench.restart();
    assert_eq!(bench.counts("a").await, (5, 1, 0));
    bench.reserve(bench.order(), &[("b", 1)]).await.unwrap();
    for _ in 0..2 {
        let fault = bench.reserve(order, &LINES).await.unwrap_err();
        assert_eq!(fault.code(), Code::InsufficientStock);
        assert_eq!(fault.metadata()["lines"], r#"[{"id":"b","wanted":2,"available":1}]"#);
    }
    assert_eq!((bench.counts("a").await, bench.counts("b").await), ((5, 0, 0), (2, 1, 0)));
    bench.sweep().await;
    bench.assert_at_rest("given up").await;
}

#[tokio::test]
async fn a_store_that_fails_for_a_while_loses_nothing() {
    let bench = Bench::with(&[5, 5]).await;
    let (held, paid) = (bench.order(), bench.order());
    bench.reserve(held, &[("a", 1)]).await.unwrap();
    bench.reserve(paid, &[("a", 2)]).await.unwrap();
    bench.store.take_down();
    assert_eq!(bench.stock.commit(paid).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(bench.reserve(bench.order(), &[("a", 1)]).await.unwrap_err().code(), Code::Unavailable);
    assert!(bench.stock.settle_due().await.is_err());
    bench.store.heal();
    bench.stock.commit(paid).await.unwrap();
    bench.stock.release(held, false).await.unwrap();
    assert_eq!(bench.counts("a").await, (3, 0, 2));
    bench.sweep().await;
    bench.assert_at_rest("after the outage").await;
}

#[tokio::test]
async fn whatever_step_a_restock_dies_at_its_stock_comes_once() {
    for how in [Break::Crash, Break::LoseAnswerAndCrash] {
        for step in 0..STEPS_MAX {
            let mut bench = Bench::with(&[5]).await;
            let id: MovementId = bench.ids.mint();
            let request = || RestockItem::new("a".parse().unwrap(), id, 7).unwrap();
            bench.store.break_after(step, how);
            let broke = bench.stock.restock(request()).await.is_err();
            bench.restart();
            let context = format!("restock {how:?} after {step} writes");
            bench.assert_sound(&context).await;
            if step.is_multiple_of(2) {
                bench.sweep().await;
            }
            bench.stock.restock(request()).await.unwrap();
            assert!(bench.stock.restock(request()).await.unwrap().replayed);
            assert_eq!(bench.counters("a").await.on_hand, 12, "{context}");
            bench.sweep().await;
            bench.assert_at_rest(&context).await;
            if !broke {
                break;
            }
        }
    }
}
