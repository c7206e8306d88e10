//! The pages: plain, working, served from the binary. They use the same HTTP contract as everybody else.

use axum::{
    Router,
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const STYLE: &str = "text/css; charset=utf-8";

/// What every page says at its top while no real money moves.
const TEST_MODE: &str =
    r#"<p class="test-mode">TEST MODE: payments go to a sandbox, no real money moves.</p>"#;

/// The pages and their two assets. The pages read what they show from the API, so there is nothing to render but the
/// banner.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(test_mode: bool) -> Router<S> {
    let banner = if test_mode { TEST_MODE } else { "" };
    let page = |html: &str| fixed(HTML, html.replace("<!-- test mode -->", banner));
    Router::new()
        .route("/", page(include_str!("pages/index.html")))
        .route("/success.html", page(include_str!("pages/success.html")))
        .route("/cancel.html", page(include_str!("pages/cancel.html")))
        .route("/assets/parts.js", fixed(SCRIPT, include_str!("pages/parts.js").to_owned()))
        .route("/assets/shop.js", fixed(SCRIPT, include_str!("pages/shop.js").to_owned()))
        .route("/assets/order.js", fixed(SCRIPT, include_str!("pages/order.js").to_owned()))
        .route("/assets/icon.svg", fixed(IMAGE, include_str!("pages/icon.svg").to_owned()))
        .route("/assets/pages.css", fixed(STYLE, include_str!("pages/pages.css").to_owned()))
}

fn fixed<S: Clone + Send + Sync + 'static>(media: &'static str, text: String) -> MethodRouter<S> {
    let text = Bytes::from(text);
    get(async move || (headers(media), text).into_response())
}

fn headers(media: &'static str) -> [(HeaderName, HeaderValue); 3] {
    [
        (CONTENT_TYPE, HeaderValue::from_static(media)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]
}
