//! The composition root: settings and a store become a router and its workers.

use std::{fmt, path::Path, sync::Arc};

use axum::Router;
use common::{Clock, Fault, Ids, Random};
use runtime::{Tasks, sweep::Sweeper};
use store::{
    CollectionSchema, DocumentStore, Schema,
    embedded::{Database, EmbeddedStore, OpenError},
};

use crate::{
    app::{
        Books,
        idempotency::{Desk, Reply},
    },
    config::Config,
    domain::{EventRecord, Price, Refund, Session},
    faults::Faults,
    http::{self, Web},
    sweep::{Due, EVERY, FULL_ROUND},
    webhooks::{Courier, Endpoint},
};

/// The database inside the sandbox's folder.
const DATABASE: &str = "store";

/// What the sandbox keeps.
static SCHEMA: Schema = Schema {
    service: "sandbox",
    collections: &[
        CollectionSchema::of::<Session>(),
        CollectionSchema::of::<Refund>(),
        CollectionSchema::of::<Price>(),
        CollectionSchema::of::<EventRecord>(),
        CollectionSchema::of::<Reply>(),
    ],
};

/// Opens the store in a sandbox's folder: for the sandbox itself, or to check it while none runs.
pub fn open_store(folder: &Path, clock: Arc<dyn Clock>) -> Result<Arc<dyn DocumentStore>, OpenError> {
    let database = Database::open(&folder.join(DATABASE))?;
    let store = EmbeddedStore::open(&database, &SCHEMA, clock)
        .map_err(|fault| OpenError::Broken { path: folder.to_owned(), detail: fault.to_string() })?;
    Ok(Arc::new(store))
}

/// A wired sandbox. Its router answers at once; webhooks and expiry need [`Sandbox::start`].
pub struct Sandbox {
    books: Books,
    faults: Faults,
    router: Router,
    endpoint: Option<Arc<Endpoint>>,
    random: Arc<dyn Random>,
}

impl Sandbox {
    /// Over a store that is at hand. Faults: `internal` for a webhook address that cannot be used.
    pub fn new(
        config: &Config,
        store: Arc<dyn DocumentStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        let endpoint = match &config.webhook_url {
            Some(url) => Some(Arc::new(Endpoint::new(url, config.webhook_secret.clone())?)),
            None => None,
        };
        let ids = Ids::new(Arc::clone(&clock), Arc::clone(&random));
        let books = Books::new(store, ids, clock, &config.public_url, endpoint.is_some());
        let faults = Faults::default();
        let web = Web {
            desk: Desk::new(books.clone(), faults.clone()),
            books: books.clone(),
            faults: faults.clone(),
            delayed_ms: u64::try_from(config.delayed_after.as_millis()).unwrap_or(u64::MAX),
        };
        Ok(Self { router: http::router(Arc::new(web)), books, faults, endpoint, random })
    }

    /// Every route: Stripe's API under `/v1`, the hosted page, `/sandbox/…`. Serve it with `runtime::http`.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The fault switches, for tests in the same process.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// The store, for [`crate::verify`].
    #[must_use]
    pub fn store(&self) -> Arc<dyn DocumentStore> {
        Arc::clone(&self.books.store)
    }

    /// Starts the workers: the sweep and, when there is an address to tell, the courier of webhooks.
    pub fn start(&self, tasks: &Tasks) {
        let sweeper = Sweeper {
            name: "sandbox.due",
            store: Arc::clone(&self.books.store),
            sweep: Arc::new(Due(self.books.clone())),
            ids: self.books.ids.clone(),
            random: Arc::clone(&self.random),
            every: EVERY,
            full_round: FULL_ROUND,
        };
        tasks.spawn("sandbox.due", sweeper.run(tasks.shutdown()));
        if let Some(endpoint) = &self.endpoint {
            let courier = Courier {
                books: self.books.clone(),
                endpoint: Arc::clone(endpoint),
                faults: self.faults.clone(),
                random: Arc::clone(&self.random),
            };
            tasks.spawn("sandbox.webhooks", courier.run(tasks.shutdown()));
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("public_url", &self.books.public_url).finish_non_exhaustive()
    }
}
