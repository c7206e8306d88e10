//! A mesh in this process, with a switch at each service's store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use ordermesh::all_in_one::{AllInOne, Options};
use runtime::{Settings, platform::Between};
use store::DocumentStore;
use tempfile::TempDir;
use testkit::faulty::FaultyStore;

use super::People;

/// The stores of the services, each with a switch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stores(Arc<Mutex<HashMap<&'static str, Arc<FaultyStore>>>>);

impl Stores {
    pub(crate) fn of(&self, service: &'static str) -> Arc<FaultyStore> {
        Arc::clone(&self.0.lock().expect("not poisoned")[service])
    }
}

impl Between for Stores {
    fn wrap(&self, service: &'static str, store: Arc<dyn DocumentStore>) -> Arc<dyn DocumentStore> {
        let faulty = Arc::new(FaultyStore::new(store));
        self.0.lock().expect("not poisoned").insert(service, Arc::clone(&faulty));
        faulty
    }
}

/// A mesh in this process.
pub(crate) struct Mesh {
    pub(crate) folder: TempDir,
    pub(crate) running: AllInOne,
    pub(crate) stores: Stores,
}

impl Mesh {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut settings = Settings::defaults()
            .with("DATA_DIR", folder.path().to_str().expect("UTF-8"))
            .with("RECONCILE_INTERVAL_S", "1");
        for name in ["HTTP", "ORDERS_GRPC", "PAYMENTS_GRPC", "STOCK_GRPC", "KITCHEN_GRPC", "SANDBOX"] {
            settings = settings.with(&format!("{name}_ADDR"), "127.0.0.1:0");
        }
        let stores = Stores::default();
        let options = Options { between: Arc::new(stores.clone()), ..Options::new(settings) };
        let running = AllInOne::start(options).await.expect("a mesh");
        Self { folder, running, stores }
    }

    pub(crate) fn people(&self) -> People {
        let addresses = self.running.addresses;
        let sandbox = addresses.sandbox.expect("a sandbox");
        People::at(&format!("http://{}", addresses.gateway), &format!("http://{sandbox}"))
    }
}
