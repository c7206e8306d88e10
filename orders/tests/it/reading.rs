//! Lists, timelines, figures and the check of a data folder.

use common::{Code, Limit, OrderId};
use orders::{
    domain::{RefundAsk, Status},
    ports::Filter,
    verify,
};

use crate::{
    histories::usd,
    world::{Life, World, customer},
};

async fn pages(life: &Life, filter: &Filter, size: u64) -> Vec<OrderId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = life.app.list_orders(filter, Limit::new(size).unwrap(), cursor).await.unwrap();
        assert!(page.entries.len() <= usize::try_from(size).unwrap());
        ids.extend(page.entries.iter().map(|stored| stored.body.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return ids;
        }
    }
}

#[tokio::test]
async fn lists_show_the_newest_first_page_by_page_by_customer_and_by_status() {
    let world = World::new();
    let life = world.start();
    let mut mine = Vec::new();
    for n in 0..7 {
        let mut draft = world.draft();
        if n == 3 {
            draft.customer_id = customer("22");
        } else {
            mine.insert(0, draft.order_id);
        }
        life.place(&draft).await.unwrap();
    }
    let cancelled = mine[1];
    life.app.cancel_order(cancelled, None, None).await.unwrap();
    let filter = |of: Option<&str>, status| Filter { customer: of.map(customer), status };
    assert_eq!(pages(&life, &filter(Some("2"), None), 2).await, mine);
    assert_eq!(pages(&life, &filter(None, None), 3).await.len(), 7);
    assert_eq!(pages(&life, &filter(Some("2"), Some(Status::Cancelled)), 2).await, [cancelled]);
    assert_eq!(pages(&life, &filter(None, Some(Status::WaitingPayment)), 4).await.len(), 6);
    assert!(pages(&life, &filter(Some("22"), Some(Status::Cancelled)), 4).await.is_empty());
    let foreign = life.app.list_orders(&filter(None, None), Limit::default(), Some("nonsense".into())).await;
    assert_eq!(foreign.unwrap_err().code(), Code::InvalidParameter);
}

#[tokio::test]
async fn no_customer_reads_anothers_order() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    let other = customer("3");
    assert_eq!(life.app.get_order(id, Some(&other)).await.unwrap_err().code(), Code::OrderNotFound);
    assert_eq!(life.app.get_timeline(id, Some(&other)).await.unwrap_err().code(), Code::OrderNotFound);
    let watch = life.app.watch_order(id, Some(&other), 0).await;
    assert_eq!(watch.unwrap_err().code(), Code::OrderNotFound);
}

#[tokio::test]
async fn revenue_follows_payments_and_refunds_and_is_the_same_after_a_restart() {
    let world = World::new();
    let life = world.start();
    life.paid(&world).await;
    assert_eq!(life.app.get_stats().await.unwrap().revenue, [usd(1000)]);
    let id = life.paid(&world).await;
    life.waiting(&world).await;
    let ask = RefundAsk { id: world.ids().mint(), amount: Some(usd(300)), reason: None };
    life.app.refund_order(id, ask).await.unwrap();
    life.until(id, |order| order.returned_minor() == 300).await;
    for life in [life, world.start()] {
        let stats = life.app.get_stats().await.unwrap();
        assert_eq!(stats.revenue, [usd(1700)]);
        let count = |status| stats.counts.iter().find(|(s, _)| *s == status).unwrap().1;
        assert_eq!((count(Status::Paid), count(Status::WaitingPayment), count(Status::Expired)), (2, 1, 0));
    }
}

#[tokio::test]
async fn a_healthy_store_has_no_violations_and_says_what_is_under_way() {
    let world = World::new();
    let life = world.start();
    let id = life.paid(&world).await;
    life.waiting(&world).await;
    let report = verify::check(&*world.store).await.unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    let summaries = verify::summaries(&*world.store).await.unwrap();
    let paid = summaries.iter().find(|summary| summary.id == id).unwrap();
    assert_eq!((paid.status, paid.captured, paid.refunded), (Status::Paid, Some(usd(1000)), None));
    assert_eq!(summaries.len(), 2);
}
