//! The composition root: the only file that names stock's concrete adapters.

use std::sync::Arc;

use common::Fault;
use contracts::{
    service::{ORDERS, STOCK},
    stock::stock_service_server::StockServiceServer,
    topics::STOCK_ORDERS,
};
use runtime::{Platform, Service, sweep};
use store::DocumentStore;

use crate::{
    Config, SCHEMA,
    app::{Stock, due::DUE_PER_ROUND, post::POSTS_PER_ROUND},
    inbound::{
        figures::StockGauges,
        grpc::Grpc,
        timers::{self, DueSweep, LedgerSweep, Seeded},
    },
    outbound::{orders_client::OrdersClient, repository::Repository},
    ports::{Orders, Stockroom},
};

/// Builds the service on a platform. `internal` when its store cannot be opened.
pub fn wire(config: Config, platform: &Platform) -> Result<Service, Fault> {
    let platform = &platform.of(STOCK);
    let store = platform.store(&SCHEMA)?;
    let stock = stock(&store, Arc::new(OrdersClient::new(platform.mesh.channel(ORDERS))), platform);
    let (due, ledger) = (DueSweep(stock.clone()), LedgerSweep(stock.clone()));
    let (gauges, shown) = (StockGauges::new(&platform.metrics), stock.clone());
    let service = Service::new(STOCK)
        .grpc(StockServiceServer::new(Grpc(stock.clone())))
        .on_store(&store, "/stock", platform)
        .worker("stock.figures", |shutdown| gauges.keep(shown, shutdown))
        .consumer(STOCK_ORDERS, Arc::new(stock.clone()), platform)
        .sweep("stock.due", (sweep::EVERY, DUE_PER_ROUND), Arc::new(due), &store, platform)
        .sweep("stock.ledger", (sweep::EVERY, POSTS_PER_ROUND), Arc::new(ledger), &store, platform);
    if !config.seed {
        return Ok(service);
    }
    let seeded = Arc::new(Seeded::default());
    let check = Arc::clone(&seeded);
    let seeding = service.worker("stock.seeder", |shutdown| timers::seed(stock, seeded, shutdown));
    Ok(seeding.ready_when("menu", check))
}

/// The use cases over a store.
fn stock(store: &Arc<dyn DocumentStore>, orders: Arc<dyn Orders>, platform: &Platform) -> Stock {
    let spans = platform.spans.clone();
    let repository = Repository::new(store, &platform.ids, &platform.clock).traced(spans.clone());
    let stock = Stock::new(
        Arc::new(repository),
        orders,
        Arc::clone(&platform.clock),
        Arc::clone(&platform.random),
        &platform.metrics,
    );
    stock.traced(spans)
}

/// The records over a store; for whoever has a store and no platform.
#[must_use]
pub fn stockroom(
    store: &Arc<dyn DocumentStore>,
    ids: &common::Ids,
    clock: &Arc<dyn common::Clock>,
) -> Arc<dyn Stockroom> {
    Arc::new(Repository::new(store, ids, clock))
}
