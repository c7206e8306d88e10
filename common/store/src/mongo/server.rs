//! One connection pool to MongoDB for the process, and the stores of its services on it.

use std::{fmt, sync::Arc, time::Duration};

use common::{Clock, Code, Fault, Random};
use mongodb::{
    Client, Database,
    bson::doc,
    options::{
        Acknowledgment, ClientOptions, DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria,
        WriteConcern,
    },
};

use super::{
    failure::{CONNECT_LIMIT, OPERATION_LIMIT, SELECTION_LIMIT, bounded},
    store::MongoStore,
};
use crate::schema::Schema;

/// Connections at most, unless the URI says otherwise; the driver's own 10 make bursts wait.
const CONNECTIONS_MAX: u32 = 64;
/// How long closing may wait for what is still under way.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// MongoDB's limit for the name of a database, in bytes.
const NAME_MAX: usize = 63;

/// A MongoDB deployment, standalone or replica set. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct MongoServer {
    client: Client,
    prefix: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl MongoServer {
    /// Reads the URI and connects when it is first needed: a server that is away shows in the first operation.
    /// Databases are called `prefix_service`. The URI's time limits may shorten ours, its concerns change nothing.
    ///
    /// `invalid_parameter` for a URI or prefix that cannot be used, without repeating it: it may hold a password.
    /// `unavailable` when a `mongodb+srv` name cannot be looked up.
    pub async fn connect(
        uri: &str,
        prefix: &str,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Fault> {
        check_prefix(prefix)?;
        let options = options(uri).await?;
        let client = Client::with_options(options).map_err(|_| unusable_uri())?;
        Ok(Self { client, prefix: prefix.to_owned(), clock, random })
    }

    /// The store of a service. Its collections and indexes are made in the background, until they are there; call it
    /// within a runtime.
    #[must_use]
    pub fn store(&self, schema: &'static Schema) -> MongoStore {
        let database = self.database(schema.service);
        MongoStore::open(database, schema, Arc::clone(&self.clock), Arc::clone(&self.random))
    }

    /// The server's version. `unavailable` when it cannot be reached.
    pub async fn version(&self) -> Result<String, Fault> {
        let asked = self.client.database("admin");
        let answer = bounded("ask for the version", asked.run_command(doc! { "buildInfo": 1 })).await?;
        let version = answer.get_str("version");
        version.map(str::to_owned).map_err(|_| Fault::unavailable("MongoDB does not say its version"))
    }

    /// The replica set of the server that takes our writes; `None` for a standalone one. `unavailable` when there is
    /// none that takes writes.
    pub async fn replica_set(&self) -> Result<Option<String>, Fault> {
        let admin = self.client.database("admin");
        let answer = bounded("ask for the replica set", admin.run_command(doc! { "hello": 1 })).await?;
        Ok(answer.get_str("setName").ok().map(str::to_owned))
    }

    /// Ends the driver's background work, of all clones and stores too: before the runtime ends.
    pub async fn close(self) {
        // What is still under way then is cut by the end of the process.
        let _ = tokio::time::timeout(CLOSE_LIMIT, self.client.shutdown()).await;
    }

    fn database(&self, service: &str) -> Database {
        let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        let options = DatabaseOptions::builder()
            .read_concern(ReadConcern::majority())
            .write_concern(concern)
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .build();
        self.client.database_with_options(&format!("{}_{service}", self.prefix), options)
    }
}

impl fmt::Debug for MongoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoServer").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

async fn options(uri: &str) -> Result<ClientOptions, Fault> {
    let read = tokio::time::timeout(OPERATION_LIMIT, ClientOptions::parse(uri)).await;
    let mut options = match read {
        Ok(Ok(options)) => options,
        Ok(Err(error)) if !is_lookup(&error) => return Err(unusable_uri()),
        Ok(Err(_)) | Err(_) => {
            return Err(Fault::unavailable("the MongoDB servers' names cannot be looked up"));
        }
    };
    let shorter =
        |theirs: Option<Duration>, ours| Some(theirs.map_or(ours, |theirs: Duration| theirs.min(ours)));
    options.server_selection_timeout = shorter(options.server_selection_timeout, SELECTION_LIMIT);
    options.connect_timeout = shorter(options.connect_timeout, CONNECT_LIMIT);
    options.max_pool_size.get_or_insert(CONNECTIONS_MAX);
    options.app_name.get_or_insert_with(|| "ordermesh".to_owned());
    Ok(options)
}

fn is_lookup(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, mongodb::error::ErrorKind::DnsResolve { .. })
}

fn unusable_uri() -> Fault {
    let expected = "expected mongodb://[user:password@]host[:port][,…]/[?options]";
    Fault::new(Code::InvalidParameter, format!("this is not the URI of a MongoDB deployment; {expected}"))
}

/// Room for the longest name of a service.
const SERVICE_NAME_MAX: usize = 16;

fn check_prefix(prefix: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let fits = (1..NAME_MAX - SERVICE_NAME_MAX).contains(&prefix.len());
    if fits && prefix.bytes().all(allowed) {
        return Ok(());
    }
    Err(Fault::new(Code::InvalidParameter, "a prefix of databases has up to 46 letters, digits, '_' and '-'"))
}
