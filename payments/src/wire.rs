//! The composition root: the only file that names the concrete adapters of payments.

use std::sync::Arc;

use common::{Code, Fault};
use contracts::{
    payments::payment_service_server::PaymentServiceServer, service::PAYMENTS, topics::PAYMENTS_ORDERS,
};
use runtime::{Platform, Service, sweep};
use store::{DocumentStore, Documents};

use crate::{
    Config, SCHEMA,
    app::{Cashier, Intake, Reconciler},
    domain::Terms,
    inbound::{
        events::OrderEvents,
        grpc::Grpc,
        inbox_worker::{self, Waker},
        supervised::Supervisor,
        sweeps::{DueEntries, DuePayments, PAGES, ROUND, Reconcile},
        turns::Turns,
    },
    outbound::{
        alerts::LoggedAlerts,
        cursors::CursorDocuments,
        inbox::InboxDocuments,
        repository::PaymentDocuments,
        stripe::{StripeProcessor, StripeSettings},
    },
    ports::{Inbox, PaymentProcessor},
};

/// Builds the service on a platform. `invalid_request` for settings that contradict themselves, `internal` when the
/// store cannot be opened.
pub fn wire(config: Config, platform: &Platform) -> Result<Service, Fault> {
    config.check().map_err(|error| Fault::new(Code::InvalidRequest, error.to_string()))?;
    let platform = &platform.of(PAYMENTS);
    let store = platform.store(&SCHEMA)?;
    let inbox = Arc::new(InboxDocuments::new(documents(&store, platform)));
    let (interval, terms) = (config.reconcile_interval, terms(&config));
    let processor = stripe(config, platform)?;
    let cashier = cashier(&store, platform, Arc::clone(&inbox), Arc::clone(&processor), terms);
    let reconciler = Reconciler {
        inbox: Arc::clone(&inbox) as Arc<dyn Inbox>,
        cursors: Arc::new(CursorDocuments::new(documents(&store, platform), processor.name())),
        processor: Arc::clone(&processor),
        clock: Arc::clone(&platform.clock),
    };
    let intake = Intake { inbox, processor, clock: Arc::clone(&platform.clock) };
    Ok(assemble(&store, platform, cashier, intake, reconciler, interval))
}

fn assemble(
    store: &Arc<dyn DocumentStore>,
    platform: &Platform,
    cashier: Cashier,
    intake: Intake,
    reconciler: Reconciler,
    interval: std::time::Duration,
) -> Service {
    let supervisor = Supervisor { tasks: platform.tasks.clone(), spans: platform.spans.clone() };
    let (waker, entries) = Waker::new();
    let grpc = Grpc {
        cashier: cashier.clone(),
        intake,
        waker: waker.clone(),
        supervisor: supervisor.clone(),
        turns: Turns::default(),
    };
    let events = OrderEvents { cashier: cashier.clone(), supervisor: supervisor.clone() };
    let payments = DuePayments { cashier: cashier.clone(), supervisor: supervisor.clone() };
    let missed = DueEntries { cashier: cashier.clone(), supervisor: supervisor.clone() };
    let reconcile = Reconcile { reconciler, waker, supervisor: supervisor.clone() };
    // The sweeper adds up to a tenth at random: a payment must be known within the interval all the same.
    let interval = (interval * 9 / 10, PAGES);
    Service::new(PAYMENTS)
        .grpc(PaymentServiceServer::new(grpc))
        .on_store(store, "/payments", platform)
        .consumer(PAYMENTS_ORDERS, Arc::new(events), platform)
        .worker("payments.inbox", |shutdown| inbox_worker::run(cashier, supervisor, entries, shutdown))
        .sweep("payments.due", (sweep::EVERY, ROUND), Arc::new(payments), store, platform)
        .sweep("payments.missed", (sweep::EVERY, ROUND), Arc::new(missed), store, platform)
        .sweep("payments.reconcile", interval, Arc::new(reconcile), store, platform)
}

fn cashier(
    store: &Arc<dyn DocumentStore>,
    platform: &Platform,
    inbox: Arc<InboxDocuments>,
    processor: Arc<dyn PaymentProcessor>,
    terms: Terms,
) -> Cashier {
    let payments =
        PaymentDocuments::new(Arc::clone(store), documents(store, platform), documents(store, platform));
    Cashier {
        payments: Arc::new(payments),
        inbox,
        processor,
        alerts: Arc::new(LoggedAlerts::new(&platform.metrics)),
        clock: Arc::clone(&platform.clock),
        ids: platform.ids.clone(),
        terms,
    }
}

fn terms(config: &Config) -> Terms {
    Terms { ttl: config.checkout_ttl, public_url: config.public_url.clone() }
}

fn stripe(config: Config, platform: &Platform) -> Result<Arc<dyn PaymentProcessor>, Fault> {
    let settings = StripeSettings {
        secret_key: config.secret_key,
        api_base: config.api_base,
        webhook_secrets: config.webhook_secrets,
    };
    let (clock, random) = (Arc::clone(&platform.clock), Arc::clone(&platform.random));
    let processor = StripeProcessor::new(settings, clock, random, &platform.metrics)?;
    Ok(Arc::new(processor.traced(platform.spans.clone())))
}

fn documents<T: store::Document>(store: &Arc<dyn DocumentStore>, platform: &Platform) -> Documents<T> {
    Documents::new(Arc::clone(store), platform.ids.clone(), Arc::clone(&platform.clock))
        .traced(platform.spans.clone())
}
