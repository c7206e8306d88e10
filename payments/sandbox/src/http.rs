//! The HTTP side: Stripe's API, the hosted page, and the sandbox's own switches.

pub mod api;
pub mod body;
pub mod control;
pub mod page;
mod page_html;
pub mod reads;
pub mod reply;

use std::sync::Arc;

use axum::{
    Router,
    extract::{OriginalUri, State},
    http::Method,
    response::Response,
    routing::{get, post},
};

use crate::{
    app::{Books, idempotency::Desk},
    error::ApiError,
    faults::Faults,
};

/// What the handlers share.
#[derive(Debug)]
pub struct Web {
    pub books: Books,
    pub desk: Desk,
    pub faults: Faults,
    /// How long a delayed method takes to be decided.
    pub delayed_ms: u64,
}

pub type Shared = State<Arc<Web>>;

/// Every route of the sandbox.
pub fn router(web: Arc<Web>) -> Router {
    let api = Router::new()
        .route("/checkout/sessions", post(api::create_session).get(reads::list_sessions))
        .route("/checkout/sessions/{id}", get(reads::session))
        .route("/checkout/sessions/{id}/line_items", get(reads::line_items))
        .route("/checkout/sessions/{id}/expire", post(api::expire_session))
        .route("/refunds", post(api::create_refund).get(reads::list_refunds))
        .route("/refunds/{id}", get(reads::refund))
        .route("/payment_intents/{id}", get(reads::payment_intent))
        .route("/charges/{id}", get(reads::charge))
        .route("/prices", post(api::create_price))
        .route("/prices/{id}", get(reads::price))
        .route("/events", get(reads::list_events))
        .route("/events/{id}", get(reads::event))
        .method_not_allowed_fallback(no_such_url)
        .fallback(no_such_url)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&web), api::frame));
    Router::new()
        .nest("/v1", api)
        .route("/c/pay/{id}", get(page::show).post(page::submit))
        .route("/sandbox/faults", get(control::faults).post(control::arm).delete(control::clear))
        .route("/sandbox/charges", get(control::charges))
        .route("/health", get(|| async { "ok\n" }))
        .fallback(no_such_url)
        .with_state(web)
}

async fn no_such_url(method: Method, OriginalUri(uri): OriginalUri) -> Response {
    reply::response(ApiError::no_such_url(&method, uri.path()).into())
}
