//! The composition root: the only file that names the concrete adapters of this service.

use std::{sync::Arc, time::Duration};

use common::Fault;
use contracts::{
    orders::order_service_server::OrderServiceServer,
    service::{KITCHEN, ORDERS, PAYMENTS, STOCK},
    topics::{ORDERS_AUDIT, ORDERS_KITCHEN, ORDERS_NOTIFICATIONS, ORDERS_PAYMENTS},
};
use runtime::{Platform, Service, sweep};
use store::{Document, DocumentStore, Documents};

use crate::{
    SCHEMA,
    app::{App, Parts, SweepClaims, SweepDue, SweepSagas, Timing},
    config::{Config, Notifying},
    inbound::{
        events::{AuditTrail, Notifications, PaymentEvents, TicketEvents},
        figures::OrderGauges,
        grpc::Grpc,
        hints,
    },
    outbound::{
        alerts::LoggedAlerts, audit::AuditStore, background::Supervised, kitchen_client::KitchenClient,
        log_notifier::LogNotifier, payments_client::PaymentsClient, queues::BusQueues,
        repository::Repository, smtp_notifier::SmtpNotifier, stock_client::StockClient,
        webhook_notifier::WebhookNotifier,
    },
    ports::Notifier,
};

/// Between two rounds of the sweep that forgets keys.
const CLAIMS_EVERY: Duration = Duration::from_secs(60);
/// A round with this many visits is followed by the next at once.
const FULL_ROUND: usize = 200;

/// Builds the service on a platform. `internal` when its store cannot be opened.
pub fn wire(config: Config, platform: &Platform) -> Result<Service, Fault> {
    let platform = &platform.of(ORDERS);
    let store = platform.store(&SCHEMA)?;
    let app = App::new(parts(config, platform, &store)?);
    let (watching, bus) = (Arc::clone(&app), platform.bus.clone());
    let (gauges, shown) = (OrderGauges::new(&platform.metrics), Arc::clone(&app));
    let usual = (sweep::EVERY, FULL_ROUND);
    Ok(Service::new(ORDERS)
        .grpc(OrderServiceServer::new(Grpc(Arc::clone(&app))))
        .on_store(&store, "/orders", platform)
        .consumer(ORDERS_PAYMENTS, Arc::new(PaymentEvents(Arc::clone(&app))), platform)
        .consumer(ORDERS_KITCHEN, Arc::new(TicketEvents(Arc::clone(&app))), platform)
        .consumer(ORDERS_NOTIFICATIONS, Arc::new(Notifications(Arc::clone(&app))), platform)
        .consumer(ORDERS_AUDIT, Arc::new(AuditTrail(Arc::clone(&app))), platform)
        .worker("orders.hints", |shutdown| hints::listen(watching, bus, shutdown))
        .worker("orders.figures", |shutdown| gauges.keep(shown, shutdown))
        .sweep("orders.sagas", usual, Arc::new(SweepSagas(Arc::clone(&app))), &store, platform)
        .sweep("orders.due", usual, Arc::new(SweepDue(Arc::clone(&app))), &store, platform)
        .sweep("orders.claims", (CLAIMS_EVERY, FULL_ROUND), Arc::new(SweepClaims(app)), &store, platform))
}

fn parts(config: Config, platform: &Platform, store: &Arc<dyn DocumentStore>) -> Result<Parts, Fault> {
    Ok(Parts {
        orders: Arc::new(Repository {
            store: Arc::clone(store),
            orders: documents(store, platform),
            claims: documents(store, platform),
        }),
        stock: Arc::new(StockClient::new(platform.mesh.channel(STOCK))),
        payments: Arc::new(PaymentsClient::new(platform.mesh.channel(PAYMENTS))),
        kitchen: Arc::new(KitchenClient::new(platform.mesh.channel(KITCHEN))),
        notifier: notifier(config.notifying, platform)?,
        audit: Arc::new(AuditStore(documents(store, platform))),
        alerts: Arc::new(LoggedAlerts::new(&platform.metrics)),
        queues: Arc::new(BusQueues(platform.bus.clone())),
        background: Arc::new(Supervised(platform.tasks.clone())),
        clock: Arc::clone(&platform.clock),
        random: Arc::clone(&platform.random),
        spans: platform.spans.clone(),
        timing: Timing { checkout_ttl: config.checkout_ttl, request_deadline: config.request_deadline },
    })
}

fn notifier(notifying: Notifying, platform: &Platform) -> Result<Arc<dyn Notifier>, Fault> {
    let clock = Arc::clone(&platform.clock);
    Ok(match notifying {
        Notifying::Log => Arc::new(LogNotifier),
        Notifying::Smtp(config) => Arc::new(SmtpNotifier::new(config, clock)?),
        Notifying::Webhook(config) => Arc::new(WebhookNotifier::new(config, clock)?),
    })
}

fn documents<T: Document>(store: &Arc<dyn DocumentStore>, platform: &Platform) -> Documents<T> {
    Documents::new(Arc::clone(store), platform.ids.clone(), Arc::clone(&platform.clock))
        .traced(platform.spans.clone())
}
