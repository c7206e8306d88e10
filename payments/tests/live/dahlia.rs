//! Stands before the mock and translates what differs between our version of the API and the mock's.
//!
//! We pin `2026-09-30.endive`; the newest mock, 0.203.0, knows `2026-08-26.dahlia`. Endive removed
//! `payment_method_types` from the creation of a session and added `allowed_payment_method_types` in its place. That
//! name is the only thing that is changed in a request: all else reaches the mock as the adapter sends it.
//!
//! In answers, the mock's one session has neither an amount nor a currency, which a session in payment mode has.

use std::sync::Arc;

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use testkit::servers::StripeMock;
use tokio::net::TcpListener;

const BODY_MAX: usize = 1024 * 1024;

struct Mock {
    url: String,
    client: reqwest::Client,
}

/// The address to call in the mock's place.
pub(crate) async fn before(mock: &StripeMock) -> String {
    let mock = Arc::new(Mock { url: mock.url().to_owned(), client: reqwest::Client::new() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(forward).with_state(mock);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn forward(State(mock): State<Arc<Mock>>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX).await.unwrap();
    head.headers.remove(header::HOST);
    head.headers.remove(header::CONTENT_LENGTH);
    let asked = mock
        .client
        .request(head.method, format!("{}{}", mock.url, head.uri))
        .headers(head.headers)
        .body(as_of_dahlia(&body));
    let answer = asked.send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    (status, axum::Json(with_amounts(answer.json().await.unwrap()))).into_response()
}

fn as_of_dahlia(form: &Bytes) -> String {
    let form = std::str::from_utf8(form).unwrap();
    form.replace("allowed_payment_method_types", "payment_method_types")
}

fn with_amounts(mut answer: Value) -> Value {
    if answer["object"] == "checkout.session" {
        answer["amount_total"] = json!(2800);
        answer["currency"] = json!("usd");
    }
    if let Some(data) = answer["data"].as_array_mut() {
        data.iter_mut().for_each(|object| *object = with_amounts(object.take()));
    }
    answer
}
