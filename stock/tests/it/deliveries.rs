//! Commands and events in any order and any number: the end is the same.

use common::{Code, OrderId};
use stock::domain::reservation::Stage;

use crate::bench::{Bench, wanted};

/// What an order's history brings to stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Reserve,
    Paid,
    Off,
    Refunding { ticket_started: bool },
}

/// The fault of late or early news, which the event handler takes as "nothing to do".
async fn deliver(bench: &Bench, order: OrderId, news: News) {
    let outcome = match news {
        News::Reserve => bench.reserve(order, &[("a", 2)]).await,
        News::Paid => bench.stock.commit(order).await.map(drop),
        News::Off => bench.stock.release(order, false).await.map(drop),
        News::Refunding { ticket_started } => bench.stock.release(order, ticket_started).await.map(drop),
    };
    if let Err(fault) = outcome {
        assert!(matches!(fault.code(), Code::AlreadyClosed | Code::InvalidTransition), "{news:?}: {fault}");
    }
}

fn permutations(news: &[News]) -> Vec<Vec<News>> {
    if news.is_empty() {
        return vec![Vec::new()];
    }
    let each = (0..news.len()).flat_map(|first| {
        let mut rest = news.to_vec();
        let first = rest.remove(first);
        permutations(&rest).into_iter().map(move |mut order| {
            order.insert(0, first);
            order
        })
    });
    each.collect()
}

/// Every order of the news after `first`, each followed by everything once more, ends with these counts of `a`.
async fn converges(first: &[News], rest: &[News], counts: (u64, u64, u64)) {
    let bench = Bench::with(&[10]).await;
    for order in permutations(rest) {
        let id = bench.order();
        for news in first.iter().chain(&order).chain(&order).chain(first) {
            deliver(&bench, id, *news).await;
        }
        assert_eq!(bench.counts("a").await, counts, "{first:?} {order:?}");
        bench.assert_sound(&format!("{order:?}")).await;
        if counts.2 > 0 {
            // Back to ten for the next permutation.
            bench.stock.release(id, false).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_paid_order_is_committed_however_the_news_come() {
    converges(&[News::Reserve], &[News::Paid, News::Paid], (8, 0, 2)).await;
}

#[tokio::test]
async fn a_refund_before_cooking_brings_the_stock_back_however_the_news_come() {
    let refunding = News::Refunding { ticket_started: false };
    converges(&[News::Reserve], &[News::Paid, refunding, News::Paid], (10, 0, 0)).await;
}

#[tokio::test]
async fn a_refund_after_cooking_keeps_the_stock_gone_however_the_news_come() {
    let refunding = News::Refunding { ticket_started: true };
    converges(&[News::Reserve], &[News::Paid, refunding, refunding], (8, 0, 2)).await;
}

#[tokio::test]
async fn a_cancelled_order_holds_nothing_however_late_its_reserve_comes() {
    converges(&[], &[News::Reserve, News::Off, News::Reserve, News::Off], (10, 0, 0)).await;
    let late = News::Refunding { ticket_started: false };
    converges(&[News::Reserve], &[News::Off, late, News::Off], (10, 0, 0)).await;
}

#[tokio::test]
async fn a_release_that_comes_first_leaves_a_tombstone_that_keeps_the_hold_out() {
    let bench = Bench::with(&[5]).await;
    let order = bench.order();
    let tombstone = bench.stock.release(order, false).await.unwrap();
    assert_eq!((tombstone.stage, tombstone.lines.len()), (Stage::Released, 0));
    let fault = bench.reserve(order, &[("a", 1)]).await.unwrap_err();
    assert_eq!((fault.code(), fault.kind()), (Code::AlreadyClosed, common::Kind::Conflict));
    assert_eq!(bench.counts("a").await, (5, 0, 0));
    bench.assert_sound("tombstone").await;
}

#[tokio::test]
async fn a_repeated_reserve_keeps_its_prices_and_refuses_other_lines() {
    let bench = Bench::with(&[9, 9]).await;
    let order = bench.order();
    let first = bench.stock.reserve(order, wanted(&[("a", 2), ("b", 1)]), bench.later()).await.unwrap();
    bench.stock.put_item(crate::bench::item("a", 999, None)).await.unwrap();
    let lines = wanted(&[("b", 1), ("a", 1), ("a", 1)]);
    let again = bench.stock.reserve(order, lines, bench.later()).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(again.lines[0].unit_price.amount_minor, 400);
    for other in [&[("a", 2)][..], &[("a", 2), ("b", 2)], &[("a", 2), ("b", 1), ("c", 1)]] {
        assert_eq!(bench.reserve(order, other).await.unwrap_err().code(), Code::InvalidRequest);
    }
    assert_eq!(bench.counts("a").await, (9, 2, 0));
}

#[tokio::test]
async fn a_commit_of_what_is_not_held_is_refused() {
    let bench = Bench::with(&[5]).await;
    let order = bench.order();
    assert_eq!(bench.stock.commit(order).await.unwrap_err().code(), Code::InvalidTransition);
    bench.reserve(order, &[("a", 1)]).await.unwrap();
    bench.stock.release(order, false).await.unwrap();
    assert_eq!(bench.stock.commit(order).await.unwrap_err().code(), Code::InvalidTransition);
}
