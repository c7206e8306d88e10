//! The staff's routes about orders: all of them, and refunds.

use axum::{
    Json,
    extract::{OriginalUri, Path, RawQuery, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use common::RefundId;
use contracts::orders::RefundOrderRequest;
use http::HeaderMap;

use super::{
    Answer, Api,
    orders::page_of_orders,
    params::{AnyOrderPath, Key, OrderFilter},
    replay,
    staff_body::RefundBody,
};
use crate::inbound::{
    peers::{answer, present},
    views::{OneOrder, OrderPage},
};

/// Every customer's orders, newest first.
#[utoipa::path(
    get, path = "/api/orders", operation_id = "list_orders", tag = "staff",
    params(OrderFilter),
    responses((status = 200, description = "A page of orders", body = OrderPage))
)]
pub(crate) async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Answer<Json<OrderPage>> {
    page_of_orders(api, String::new(), query.as_deref()).await
}

/// Give money back: all that is left, or a part of it.
#[utoipa::path(
    post, path = "/api/orders/{order_id}/refund", operation_id = "refund_order", tag = "staff",
    params(
        AnyOrderPath,
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key refunds once",
            min_length = 1, max_length = 255)
    ),
    request_body(content = Option<RefundBody>, content_type = "application/json"),
    responses((status = 200, description = "The order as it is now", body = OneOrder,
        headers(("Idempotent-Replayed" = String, description = "true: the refund was made by an earlier call"))))
)]
pub(crate) async fn refund(
    State(api): State<Api>,
    Path(path): Path<AnyOrderPath>,
    OriginalUri(uri): OriginalUri,
    key: Key,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let order = path.order()?;
    let refund: RefundId = replay::id_for(&api.ids, &key, uri.path());
    let body = RefundBody::parse(&headers, &body)?;
    let request = RefundOrderRequest {
        order_id: order.to_string(),
        refund_id: refund.to_string(),
        amount: body.amount.map(Into::into),
        reason: body.reason,
    };
    let refunded = answer(api.peers.orders().refund_order(request)).await?;
    let order = present(refunded.order, "an order")?.into();
    Ok((replay::mark(refunded.replayed), Json(OneOrder { order })).into_response())
}
