//! Webhooks of payment providers: handed on as they came, raw body and headers; payments decides what they are.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State},
};
use bytes::Bytes;
use contracts::payments::HandleWebhookRequest;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Answer, Api,
    params::{self, ProviderPath},
};
use crate::inbound::peers::answer;

/// The webhook is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Received {
    #[schema(example = true)]
    received: bool,
}

/// Take a provider's webhook.
#[utoipa::path(
    post, path = "/api/webhooks/{provider}", operation_id = "receive_webhook", tag = "webhooks",
    params(ProviderPath),
    request_body(content = Option<String>, description = "As the provider signed it; at most 64 KiB",
        content_type = "application/json"),
    responses((status = 200, description = "Stored", body = Received))
)]
pub(crate) async fn receive(
    State(api): State<Api>,
    Path(path): Path<ProviderPath>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<Received>> {
    let provider = path.provider()?;
    let request = HandleWebhookRequest { provider, headers: forwarded(&headers), body };
    answer(api.peers.payments().handle_webhook(request)).await.map_err(params::as_parameter)?;
    Ok(Json(Received { received: true }))
}

/// Take a webhook of Stripe; the same as `/api/webhooks/stripe`.
#[utoipa::path(
    post, path = "/webhook", operation_id = "receive_stripe_webhook", tag = "webhooks",
    request_body(content = Option<String>, description = "As Stripe signed it; at most 64 KiB",
        content_type = "application/json"),
    responses((status = 200, description = "Stored", body = Received))
)]
pub(crate) async fn receive_stripe(
    api: State<Api>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<Received>> {
    receive(api, Path(ProviderPath::stripe()), headers, body).await
}

/// Names are in lower case already; a field that is there several times is joined, one that is no text is left out.
fn forwarded(headers: &HeaderMap) -> HashMap<String, String> {
    let mut forwarded = HashMap::with_capacity(headers.len());
    for (name, value) in headers {
        let Ok(text) = value.to_str() else { continue };
        let joined: &mut String = forwarded.entry(name.as_str().to_owned()).or_default();
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(text);
    }
    forwarded
}
