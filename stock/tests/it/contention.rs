//! Many buyers at once: nothing is sold twice, and a hot item costs a few durable waits.

use common::{Code, Fault, OrderId};
use futures::future::join_all;
use stock::app::Stock;

use crate::bench::{Bench, wanted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_buyers_of_the_last_ten_units_get_exactly_ten() {
    let bench = Bench::with(&[10]).await;
    let before = bench.store.calls();
    let outcomes = join_all((0..200).map(|_| bench.reserve(bench.order(), &[("a", 1)]))).await;
    let losers: Vec<&Fault> = outcomes.iter().filter_map(|o| o.as_ref().err()).collect();
    assert_eq!(losers.len(), 190);
    for loser in losers {
        assert_eq!(loser.code(), Code::InsufficientStock);
        assert_eq!(loser.metadata()["lines"], r#"[{"id":"a","wanted":1,"available":0}]"#);
    }
    assert_eq!(bench.counts("a").await, (10, 10, 0));
    let waits = bench.store.calls() - before;
    assert!(waits <= 5, "{waits} durable waits for ten sales of one item");
    bench.assert_sound("after the rush").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_store_sell_no_more_than_there_is() {
    let bench = Bench::with(&[30, 30]).await;
    let processes = [bench.another(), bench.another()];
    let buy = |stock: Stock, order: OrderId, lines: Vec<(&'static str, u32)>| {
        let until = bench.later();
        // A lost race of every round is a transient fault: the saga tries again.
        async move {
            loop {
                match stock.reserve(order, wanted(&lines), until).await {
                    Err(fault) if fault.is_version_conflict() => {}
                    outcome => return (order, outcome.is_ok()),
                }
            }
        }
    };
    let buyers = (0..80).map(|n: usize| {
        let lines = if n.is_multiple_of(3) { vec![("b", 1), ("a", 1)] } else { vec![("a", 1)] };
        tokio::spawn(buy(processes[n % 2].clone(), bench.order(), lines))
    });
    let outcomes: Vec<(OrderId, bool)> = join_all(buyers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|(_, sold)| *sold).count(), 30);
    assert_eq!(bench.counters("a").await.available(), 0);
    bench.assert_sound("two processes").await;

    let settle = outcomes.iter().filter(|(_, sold)| *sold).enumerate().map(|(n, (order, _))| {
        let (stock, order) = (processes[n % 2].clone(), *order);
        tokio::spawn(async move {
            loop {
                let settled = match n % 3 {
                    0 => stock.release(order, false).await,
                    _ => stock.commit(order).await,
                };
                match settled {
                    Err(fault) if fault.is_version_conflict() => {}
                    settled => return settled.map(drop),
                }
            }
        })
    });
    join_all(settle).await.into_iter().for_each(|settled| settled.unwrap().unwrap());
    assert_eq!(bench.counts("a").await, (10, 0, 20));
    bench.sweep().await;
    bench.assert_at_rest("two processes, settled").await;
}

#[tokio::test]
async fn an_order_is_held_all_or_not_at_all() {
    let bench = Bench::with(&[5, 1]).await;
    let fault = bench.reserve(bench.order(), &[("a", 2), ("b", 2)]).await.unwrap_err();
    assert_eq!(fault.metadata()["lines"], r#"[{"id":"b","wanted":2,"available":1}]"#);
    assert_eq!((bench.counts("a").await, bench.counts("b").await), ((5, 0, 0), (1, 0, 0)));
    let fault = bench.reserve(bench.order(), &[("a", 1), ("x", 1), ("y", 1)]).await.unwrap_err();
    assert_eq!((fault.code(), fault.metadata()["items"].as_str()), (Code::ItemNotFound, r#"["x","y"]"#));
    bench.assert_sound("nothing held").await;
}

#[tokio::test]
async fn a_reservation_costs_one_durable_wait() {
    let bench = Bench::with(&[5, 5]).await;
    let before = bench.store.calls();
    bench.reserve(bench.order(), &[("a", 1), ("b", 2)]).await.unwrap();
    assert_eq!(bench.store.calls() - before, 1);
}
