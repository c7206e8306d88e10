//! The routes of the HTTP contract, what their handlers share, and the layers around them.

pub(crate) mod deadline;
pub(crate) mod edge;
pub(crate) mod health;
mod items;
mod json;
mod kitchen;
mod limits;
mod mesh_report;
mod metrics;
mod openapi;
mod order_body;
mod order_file;
mod orders;
pub(crate) mod origin;
mod pages;
mod params;
mod problem;
mod queues;
mod replay;
mod request_id;
mod span;
pub(crate) mod sse;
mod staff_body;
mod staff_orders;
mod stats;
mod webhooks;

use std::{ops::Deref, sync::Arc};

use axum::{
    Router, middleware,
    response::{IntoResponse as _, Response},
};
use common::{Code, Fault, Ids};
use http::{Method, StatusCode};
use mesh::Mesh;
use telemetry::Metrics;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{edge::Edge, health::Readiness, problem::Problem, sse::Streams};
use super::peers::Peers;
use crate::Config;

/// What handlers share, behind one pointer because every request clones it.
#[derive(Clone, Debug)]
pub(crate) struct Api(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) peers: Peers,
    pub(crate) readiness: Readiness,
    pub(crate) streams: Streams,
    pub(crate) ids: Ids,
    pub(crate) metrics: Metrics,
    pub(crate) mesh: Mesh,
}

impl From<Shared> for Api {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What a handler answers.
pub(crate) type Answer<T> = Result<T, Problem>;

/// Everything that the gateway serves.
pub(crate) fn router(api: Api, edge: Edge) -> Router {
    let (contract, document) = contract().split_for_parts();
    Router::new()
        .merge(contract)
        .merge(pages::routes(api.config.test_mode))
        .merge(openapi::routes(document))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(api)
        .layer(middleware::from_fn_with_state(edge, edge::guard))
}

/// The described routes.
fn contract() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(orders::place, orders::list))
        .routes(routes!(orders::show, orders::delete))
        .routes(routes!(orders::cancel))
        .routes(routes!(orders::timeline))
        .routes(routes!(orders::events))
        .routes(routes!(items::menu))
        .routes(routes!(items::show, items::put))
        .routes(routes!(items::restock))
        .routes(routes!(staff_orders::list))
        .routes(routes!(staff_orders::refund))
        .routes(routes!(order_file::show))
        .routes(routes!(kitchen::list))
        .routes(routes!(kitchen::start))
        .routes(routes!(kitchen::ready))
        .routes(routes!(kitchen::pickup))
        .routes(routes!(kitchen::reject))
        .routes(routes!(kitchen::events))
        .routes(routes!(webhooks::receive))
        .routes(routes!(webhooks::receive_stripe))
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(stats::stats))
        .routes(routes!(stats::metrics))
        .routes(routes!(mesh_report::mesh))
        .routes(routes!(queues::list))
        .routes(routes!(queues::dead_letters))
        .routes(routes!(queues::dead_letter, queues::purge))
        .routes(routes!(queues::replay))
}

async fn no_route() -> Problem {
    Fault::new(Code::RouteNotFound, "there is nothing at this path").into()
}

/// The router adds `Allow`; asking for just that is no mistake.
async fn no_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Problem::from(Fault::new(Code::MethodNotAllowed, "this path does not have this method")).into_response()
}
