//! The agent as everything of ours calls it: with a time limit, without a panic, silent, and with short errors.
//! Blocking queries go through the same `exec`, and so can the key-value store and Connect.

use std::{
    error::Error, fmt, fs, future::Future, panic::AssertUnwindSafe, path::Path, sync::Arc, time::Duration,
};

use common::Fault;
use consulrs::{
    api::{ApiResponse, exec_with_result, features::FeaturedEndpoint},
    client::{ConsulClient, ConsulClientSettings},
    error::ClientError,
};
use futures::FutureExt as _;
use reqwest_consul::{Certificate, Client, ClientBuilder, Identity, Url, redirect::Policy};
use rustify::{clients::reqwest::Client as HttpClient, endpoint::Endpoint};
use tokio::time::timeout;
use tracing::{Dispatch, instrument::WithSubscriber as _};

use super::settings::{ClientCertificate, ConsulSettings, invalid};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a call may take that does not block on purpose.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle connections outlive neither this nor a quick restart of the agent.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Characters of an agent's message that our errors carry.
const MAX_MESSAGE: usize = 160;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Agent {
    client: Arc<ConsulClient>,
}

/// Why the agent did not do what was asked, in one short line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AgentFault {
    /// What it answered, if it did.
    pub(super) status: Option<u16>,
    text: String,
}

impl Agent {
    /// `invalid` for settings that cannot work.
    pub(super) fn new(settings: &ConsulSettings) -> Result<Self, Fault> {
        settings.check_datacenter()?;
        let address = settings.base()?;
        Url::parse(&address).map_err(|error| invalid(format!("Consul's address {address}: {error}")))?;
        let token = settings.checked_token()?;
        let http = HttpClient::new(&address, http_client(settings)?);
        // What was made here already is left out: consulrs reads these only in its own constructor.
        let settings = ConsulClientSettings {
            address,
            ca_certs: Vec::new(),
            client_cert: None,
            client_key: None,
            token,
            verify: true,
            version: 1,
        };
        Ok(Self { client: Arc::new(ConsulClient { http, settings }) })
    }

    /// Runs an endpoint of ours whose answer is JSON.
    pub(super) async fn exec<E>(
        &self,
        endpoint: E,
        limit: Duration,
    ) -> Result<ApiResponse<E::Response>, AgentFault>
    where
        E: Endpoint + FeaturedEndpoint,
    {
        self.run(limit, exec_with_result(self.client(), endpoint)).await
    }

    /// What consulrs' own functions want.
    pub(super) fn client(&self) -> &ConsulClient {
        &self.client
    }

    /// Bounds a call of consulrs. It logs every call at INFO and every error with its whole body, and it unwraps what
    /// the agent sends: hence no subscriber, and panics become faults.
    pub(super) async fn run<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, AgentFault> {
        let call = AssertUnwindSafe(call).catch_unwind().with_subscriber(Dispatch::none());
        match timeout(limit, Box::pin(call)).await {
            Ok(Ok(answer)) => answer.map_err(AgentFault::from),
            Ok(Err(_)) => Err(AgentFault::new("consulrs panicked at the answer")),
            Err(_) => Err(AgentFault::new(format!("no answer within {limit:?}"))),
        }
    }
}

/// OpenSSL and HTTP/1.1 only: the old rustls and h2 that come with reqwest 0.11 are never run. No proxy from the
/// environment: the agent is near.
fn http_client(settings: &ConsulSettings) -> Result<Client, Fault> {
    let mut builder = ClientBuilder::new()
        .use_native_tls()
        .http1_only()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(KEEP_ALIVE)
        .pool_idle_timeout(IDLE_CONNECTION);
    if let Some(path) = &settings.ca_cert {
        let certificates = Certificate::from_pem_bundle(&read(path)?).ok().filter(|found| !found.is_empty());
        let certificates = certificates.ok_or_else(|| bad_file(path, "holds no PEM certificate"))?;
        builder = certificates.into_iter().fold(builder, ClientBuilder::add_root_certificate);
    }
    if let Some(ClientCertificate { certificate, key }) = &settings.client_certificate {
        let identity = Identity::from_pkcs8_pem(&read(certificate)?, &read(key)?);
        builder = builder.identity(identity.map_err(|error| {
            bad_file(key, &format!("is not a PKCS #8 PEM key of {}: {}", certificate.display(), root(&error)))
        })?);
    }
    builder.build().map_err(|error| invalid(format!("Consul's TLS settings: {}", root(&error))))
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    fs::read(path).map_err(|error| bad_file(path, &error.to_string()))
}

fn bad_file(path: &Path, problem: &str) -> Fault {
    invalid(format!("Consul's certificates: {}: {problem}", path.display()))
}

impl AgentFault {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { status: None, text: clip(&text.into()) }
    }
}

impl From<ClientError> for AgentFault {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::APIError { code, message } => Self {
                status: Some(code),
                text: clip(&format!("status {code}: {}", message.unwrap_or_default())),
            },
            error => Self::new(root(&error)),
        }
    }
}

impl fmt::Display for AgentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<AgentFault> for Fault {
    fn from(fault: AgentFault) -> Self {
        Self::unavailable(format!("consul: {fault}"))
    }
}

/// The cause at the bottom: the layers above it say only that there was an error.
fn root(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// One line, not longer than [`MAX_MESSAGE`].
fn clip(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
