//! A platform made from settings, and the connections under it, which whoever opened it must close.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bus::{Bus, embedded::EmbeddedBus};
use common::{Clock, Fault, Random};
use mesh::{EmbeddedRegistry, Mesh, Peer, Registrar, Resolver};
use store::embedded::{Database, OpenError as DatabaseError};
use telemetry::Metrics;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{
    Between, Nothing, Parts, Platform, Stores, absent::Absent, between::Wrapped, embedded::EmbeddedStores,
    networked::Connections, peers::KnownPeers, topology, traces::Process,
};
use crate::{
    calls::mesh_settings,
    settings::{SettingError, Settings},
    tasks::Tasks,
};

/// What a platform is opened with.
#[derive(Debug)]
pub struct Opening {
    /// Which adapters are networked, and where their servers are.
    pub settings: Settings,
    /// Where the embedded store and bus live. `None` for a role that owns no data, or has it all on servers.
    pub folder: Option<PathBuf>,
    /// Services at fixed addresses; the others are found through the registry.
    pub peers: HashMap<&'static str, Vec<Peer>>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// What stands between the services and their stores.
    pub between: Arc<dyn Between>,
}

/// Why the platform could not be made.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A platform with what it stands on.
#[derive(Clone)]
pub struct Opened {
    pub platform: Platform,
    database: Option<Database>,
    connections: Connections,
}

impl Opened {
    /// Everything embedded, in this folder (made if it is not there).
    pub async fn embedded(
        folder: &Path,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, OpenError> {
        Self::open(Opening {
            settings: Settings::defaults(),
            folder: Some(folder.to_owned()),
            peers: HashMap::new(),
            clock,
            random,
            between: Arc::new(Nothing),
        })
        .await
    }

    /// Takes the networked adapter wherever its setting is there, the embedded one otherwise. Servers that are away
    /// are no error: the adapters connect by themselves, and say `unavailable` until then.
    pub async fn open(opening: Opening) -> Result<Self, OpenError> {
        let Opening { settings, folder, peers, clock, random, between } = opening;
        let process = if folder.is_some() { Process::AllInOne } else { Process::Role };
        let metrics = Metrics::new();
        let connections = Connections::open(&settings, &clock, &random, &metrics).await?;
        let (stores, bus) = (connections.stores(), connections.bus());
        let embedded = stores.is_none() || bus.is_none();
        let database = folder.filter(|_| embedded).map(|folder| Database::open(&folder)).transpose()?;
        let (registrar, resolver) = connections.registry().unwrap_or_else(in_process);
        let resolver = Arc::new(KnownPeers::new(peers, resolver));
        let stores = stores.unwrap_or_else(|| embedded_stores(database.as_ref(), &clock));
        let bus = bus.map_or_else(|| embedded_bus(database.as_ref(), &clock, &random), Ok)?;
        let platform = Platform::new(Parts {
            mesh: Mesh::new(resolver, Arc::clone(&random), mesh_settings(&metrics)),
            clock,
            random,
            metrics,
            registrar,
            bus,
            tasks: Tasks::new(CancellationToken::new()),
            stores: Arc::new(Wrapped { stores, between }),
        });
        let platform = platform.exporting(&settings, process)?;
        Ok(Self { platform, database, connections })
    }

    /// Resolves when an embedded database failed for good: the process must end. A server that is away comes back.
    pub async fn failed(&self) {
        match &self.database {
            Some(database) => database.failed().await,
            None => std::future::pending().await,
        }
    }

    /// Writes and sends what is under way, then closes the database and the connections.
    pub async fn close(self) {
        self.platform.flush_traces().await;
        self.connections.close().await;
        if let Some(database) = self.database {
            database.close().await;
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("platform", &self.platform).finish_non_exhaustive()
    }
}

fn in_process() -> (Arc<dyn Registrar>, Arc<dyn Resolver>) {
    let registry = Arc::new(EmbeddedRegistry::new());
    (registry.clone(), registry)
}

fn embedded_stores(database: Option<&Database>, clock: &Arc<dyn Clock>) -> Arc<dyn Stores> {
    match database {
        Some(database) => Arc::new(EmbeddedStores { database: database.clone(), clock: Arc::clone(clock) }),
        None => Arc::new(Absent),
    }
}

fn embedded_bus(
    database: Option<&Database>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Arc<dyn Bus>, Fault> {
    match database {
        Some(database) => {
            let bus = EmbeddedBus::open(database, topology(), Arc::clone(clock), Arc::clone(random))?;
            Ok(Arc::new(bus))
        }
        None => Ok(Arc::new(Absent)),
    }
}
