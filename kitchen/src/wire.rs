//! The composition root: the only file that names the kitchen's concrete adapters.

use std::sync::Arc;

use common::Fault;
use contracts::{
    kitchen::kitchen_service_server::KitchenServiceServer, service::KITCHEN, topics::KITCHEN_ORDERS,
};
use runtime::{Platform, Service};
use store::Documents;

use crate::{
    Config, SCHEMA,
    app::{
        Kitchen, QueueLength,
        autopilot::{self, Autopilot},
        watch_tickets::Board,
    },
    inbound::{grpc::Grpc, timers},
    outbound::repository::Repository,
};

/// Builds the service on a platform. `internal` when its store cannot be opened.
pub fn wire(config: Config, platform: &Platform) -> Result<Service, Fault> {
    let platform = &platform.of(KITCHEN);
    let store = platform.store(&SCHEMA)?;
    let documents = Documents::new(Arc::clone(&store), platform.ids.clone(), Arc::clone(&platform.clock))
        .traced(platform.spans.clone());
    let kitchen = Kitchen {
        tickets: Arc::new(Repository::new(documents)),
        clock: Arc::clone(&platform.clock),
        queue: QueueLength::default(),
    };
    let board = Board::default();
    let grpc = Grpc { kitchen: kitchen.clone(), board: board.clone(), shutdown: platform.tasks.shutdown() };
    let (counting, feeding, bus) = (kitchen.clone(), kitchen.clone(), platform.bus.clone());
    let service = Service::new(KITCHEN)
        .grpc(KitchenServiceServer::new(grpc))
        .on_store(&store, "/kitchen", platform)
        .consumer(KITCHEN_ORDERS, Arc::new(kitchen.clone()), platform)
        .worker("kitchen.recount", |shutdown| timers::recount(counting, shutdown))
        .worker("kitchen.board", |shutdown| timers::feed_board(feeding, board, bus, shutdown));
    if !config.autopilot {
        return Ok(service);
    }
    let pace = (autopilot::EVERY, autopilot::ROUND);
    Ok(service.sweep("kitchen.autopilot", pace, Arc::new(Autopilot { kitchen }), &store, platform))
}
