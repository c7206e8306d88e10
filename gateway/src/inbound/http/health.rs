//! Alive and ready: whether the services that an order needs have a healthy endpoint, asked through the mesh itself.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use common::{Call, Deadline, Fault, Random, TraceContext};
use contracts::{
    orders::{GetStatsRequest, order_service_client::OrderServiceClient},
    service,
};
use futures::future::join_all;
use http::{StatusCode, header::RETRY_AFTER};
use mesh::{Mesh, MeshChannel};
use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use utoipa::ToSchema;

use super::Api;
use crate::inbound::peers::answer;

/// How long one question may take.
const CHECK: Duration = Duration::from_millis(500);
/// How long an answer is repeated before the question is asked again.
const FRESH: Duration = Duration::from_secs(1);

/// Each service and whether an order can do without it.
const SERVICES: [(&str, bool); 4] =
    [(service::ORDERS, true), (service::STOCK, true), (service::PAYMENTS, true), (service::KITCHEN, false)];

/// The gateway answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
}

/// Whether orders can be taken, with a line per dependency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReadyReport {
    ready: bool,
    /// There when payments go to a sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "TEST MODE: no real money", nullable = false)]
    mode: Option<&'static str>,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Dependency {
    #[schema(value_type = String, example = "orders")]
    name: &'static str,
    /// up, down or unknown.
    #[schema(value_type = String, example = "up")]
    status: &'static str,
    /// Whether it decides that we are ready.
    required: bool,
}

/// Asks, and remembers the answer for a moment; one question at a time however many ask.
#[derive(Debug)]
pub(crate) struct Readiness {
    services: Vec<(&'static str, bool, HealthClient<MeshChannel>)>,
    orders: OrderServiceClient<MeshChannel>,
    mesh: Mesh,
    random: Arc<dyn Random>,
    test_mode: bool,
    last: Mutex<Option<(Instant, ReadyReport)>>,
}

impl Readiness {
    pub(crate) fn new(mesh: &Mesh, random: Arc<dyn Random>, test_mode: bool) -> Self {
        let client = |(name, required)| (name, required, HealthClient::new(mesh.channel(name)));
        Self {
            services: SERVICES.map(client).into(),
            orders: OrderServiceClient::new(mesh.channel(service::ORDERS)),
            mesh: mesh.clone(),
            random,
            test_mode,
            last: Mutex::new(None),
        }
    }

    async fn report(&self) -> ReadyReport {
        let mut last = self.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let report = self.ask().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn ask(&self) -> ReadyReport {
        let services = self.services.iter().map(|(name, required, client)| async move {
            let up = self.is_serving(client.clone()).await;
            Dependency { name, status: if up { "up" } else { "down" }, required: *required }
        });
        let (mut dependencies, broker) = tokio::join!(join_all(services), self.broker());
        dependencies.push(broker);
        dependencies.push(self.registry());
        let provider = if self.test_mode { "test_mode" } else { "unknown" };
        dependencies.push(Dependency { name: "provider", status: provider, required: false });
        ReadyReport {
            ready: dependencies.iter().all(|d| d.status == "up" || !d.required),
            mode: self.test_mode.then_some("TEST MODE: payments go to a sandbox, no real money moves"),
            dependencies,
        }
    }

    async fn is_serving(&self, mut client: HealthClient<MeshChannel>) -> bool {
        let request = HealthCheckRequest { service: String::new() };
        let checked = self.within(answer(client.check(request))).await;
        checked.is_ok_and(|answer| answer.status == ServingStatus::Serving as i32)
    }

    /// The broker is behind orders, which reports its queues.
    async fn broker(&self) -> Dependency {
        let mut orders = self.orders.clone();
        let stats = self.within(answer(orders.get_stats(GetStatsRequest {}))).await;
        let up = stats.is_ok_and(|stats| !stats.queues.is_empty());
        Dependency { name: "broker", status: if up { "up" } else { "unknown" }, required: false }
    }

    /// A registry that is lost leaves what it told last, so this only says whether it ever told anything.
    fn registry(&self) -> Dependency {
        let known = self.mesh.report().services.iter().any(|service| !service.endpoints.is_empty());
        Dependency { name: "registry", status: if known { "up" } else { "unknown" }, required: false }
    }

    async fn within<T>(&self, question: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let trace = TraceContext::root(&*self.random).sampled(false);
        let call = Call::new(Deadline::after(CHECK), trace);
        call.scope(call.deadline.bound("a readiness check", question)).await
    }
}

/// Alive.
#[utoipa::path(
    get, path = "/health", operation_id = "get_health", tag = "operation",
    responses((status = 200, description = "The gateway answers", body = Alive))
)]
pub(crate) async fn health() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Ready: orders, stock and payments each have a healthy endpoint.
#[utoipa::path(
    get, path = "/ready", operation_id = "get_ready", tag = "operation",
    responses(
        (status = 200, description = "Orders can be taken", body = ReadyReport),
        (status = 503, description = "Something that an order needs is missing", body = ReadyReport,
            headers(("Retry-After" = u64, description = "Seconds"))),
    )
)]
pub(crate) async fn ready(State(api): State<Api>) -> Response {
    let report = api.readiness.report().await;
    if report.ready {
        return Json(report).into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], Json(report)).into_response()
}
