//! The customer's routes: place, list, show, cancel, follow.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, Path, RawQuery, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use common::{CustomerId, ItemId, OrderId};
use contracts::orders::{
    CancelOrderRequest, CreateOrderRequest, GetOrderRequest, GetTimelineRequest, LineRequest,
    ListOrdersRequest, ListOrdersResponse,
};
use http::{
    HeaderMap, StatusCode,
    header::{HeaderValue, LOCATION},
};

use super::{
    Answer, Api,
    order_body::OrderBody,
    params::{self, CustomerPath, Key, OrderFilter, OrderPath},
    replay, sse,
    staff_body::ReasonBody,
};
use crate::inbound::{
    convert,
    peers::{answer, present},
    views::{OneOrder, OrderPage, PlacedOrder, TimelineView},
};

/// Place an order.
///
/// The answer carries the payment link; 202 when the order is accepted and the link is not ready yet.
#[utoipa::path(
    post, path = "/api/customers/{customer_id}/orders", operation_id = "place_order", tag = "orders",
    params(
        CustomerPath,
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer",
            min_length = 1, max_length = 255)
    ),
    request_body(content = OrderBody, content_type = "application/json"),
    responses(
        (status = 201, description = "Placed; waiting for payment", body = PlacedOrder,
            headers(("Location" = String, description = "Path of the order"),
                    ("Idempotent-Replayed" = String, description = "true: the stored answer to an earlier call"))),
        (status = 202, description = "Accepted; the payment link is not ready yet", body = PlacedOrder,
            headers(("Location" = String, description = "Path of the order"),
                    ("Idempotent-Replayed" = String, description = "true: an earlier call placed the order"))),
    )
)]
pub(crate) async fn place(
    State(api): State<Api>,
    Path(path): Path<CustomerPath>,
    Key(key): Key,
    body: Bytes,
) -> Answer<Response> {
    let customer = path.customer()?;
    let body = OrderBody::parse(&body)?;
    let order_id: OrderId = api.ids.mint();
    let line =
        |(item, quantity): &(ItemId, u32)| LineRequest { item_id: item.to_string(), quantity: *quantity };
    let request = CreateOrderRequest {
        order_id: order_id.to_string(),
        customer_id: customer.to_string(),
        lines: body.lines.iter().map(line).collect(),
        note: body.note.clone(),
        email: body.email.clone(),
        idempotency_key: key.map(String::from),
    };
    let placed = answer(api.peers.orders().create_order(request)).await.map_err(|f| body.locate(f))?;
    let order = present(placed.order, "an order")?;
    let status = if placed.link_ready { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    let mut headers = replay::mark(placed.replayed);
    headers.insert(LOCATION, location(&customer, &order.id));
    let redirect_url = api.success_url(&customer, &order.id);
    Ok((status, headers, Json(PlacedOrder { order: order.into(), redirect_url })).into_response())
}

impl Api {
    /// The page that shows how an order goes on. Built on `PUBLIC_URL`, never on a `Host` header.
    fn success_url(&self, customer: &CustomerId, order_id: &str) -> String {
        format!("{}/success.html?customer_id={customer}&order_id={order_id}", self.config.public_url)
    }
}

fn location(customer: &CustomerId, order_id: &str) -> HeaderValue {
    HeaderValue::try_from(format!("/api/customers/{customer}/orders/{order_id}"))
        .unwrap_or(HeaderValue::from_static("/"))
}

/// The customer's orders, newest first.
#[utoipa::path(
    get, path = "/api/customers/{customer_id}/orders", operation_id = "list_customer_orders", tag = "orders",
    params(CustomerPath, OrderFilter),
    responses((status = 200, description = "A page of orders", body = OrderPage))
)]
pub(crate) async fn list(
    State(api): State<Api>,
    Path(path): Path<CustomerPath>,
    RawQuery(query): RawQuery,
) -> Answer<Json<OrderPage>> {
    let customer = path.customer()?;
    page_of_orders(api, customer.to_string(), query.as_deref()).await
}

/// A page of one customer's orders, or of everybody's when the customer is empty.
pub(super) async fn page_of_orders(
    api: Api,
    customer_id: String,
    query: Option<&str>,
) -> Answer<Json<OrderPage>> {
    let filter = OrderFilter::parse(query)?;
    let request = ListOrdersRequest {
        customer_id,
        status: filter.status.into(),
        page_size: filter.limit,
        page_token: filter.cursor,
    };
    let listed = answer(api.peers.orders().list_orders(request)).await.map_err(params::as_parameter)?;
    let ListOrdersResponse { orders, next_page_token } = listed;
    Ok(Json(OrderPage {
        orders: orders.into_iter().map(Into::into).collect(),
        next_cursor: convert::cursor(next_page_token),
    }))
}

/// One order. Another customer's order is as little there as one that never was.
#[utoipa::path(
    get, path = "/api/customers/{customer_id}/orders/{order_id}", operation_id = "get_order", tag = "orders",
    params(OrderPath),
    responses((status = 200, description = "The order", body = OneOrder))
)]
pub(crate) async fn show(State(api): State<Api>, Path(path): Path<OrderPath>) -> Answer<Json<OneOrder>> {
    let (customer, order) = path.ids()?;
    let request = GetOrderRequest { order_id: order.to_string(), customer_id: customer.to_string() };
    let order = answer(api.peers.orders().get_order(request)).await?.order;
    Ok(Json(OneOrder { order: present(order, "an order")?.into() }))
}

/// Cancel an order.
///
/// Before it is paid at once; after that if the kitchen agrees, and then the payment goes back.
#[utoipa::path(
    post, path = "/api/customers/{customer_id}/orders/{order_id}/cancel", operation_id = "cancel_order",
    tag = "orders",
    params(OrderPath),
    request_body(content = Option<ReasonBody>, content_type = "application/json"),
    responses((status = 200, description = "The order as it is now", body = OneOrder))
)]
pub(crate) async fn cancel(
    State(api): State<Api>,
    Path(path): Path<OrderPath>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<OneOrder>> {
    let (customer, order) = path.ids()?;
    let reason = ReasonBody::parse(&headers, &body)?.reason;
    let request =
        CancelOrderRequest { order_id: order.to_string(), customer_id: customer.to_string(), reason };
    let order = answer(api.peers.orders().cancel_order(request)).await?.order;
    Ok(Json(OneOrder { order: present(order, "an order")?.into() }))
}

/// Cancel an order; the same as `POST …/cancel`.
#[utoipa::path(
    delete, path = "/api/customers/{customer_id}/orders/{order_id}", operation_id = "delete_order",
    tag = "orders",
    params(OrderPath),
    request_body(content = Option<ReasonBody>, content_type = "application/json"),
    responses((status = 200, description = "The order as it is now", body = OneOrder))
)]
pub(crate) async fn delete(
    api: State<Api>,
    path: Path<OrderPath>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<OneOrder>> {
    cancel(api, path, headers, body).await
}

/// The order's audit trail.
#[utoipa::path(
    get, path = "/api/customers/{customer_id}/orders/{order_id}/timeline", operation_id = "get_timeline",
    tag = "orders",
    params(OrderPath),
    responses((status = 200, description = "Every transition, oldest first", body = TimelineView))
)]
pub(crate) async fn timeline(
    State(api): State<Api>,
    Path(path): Path<OrderPath>,
) -> Answer<Json<TimelineView>> {
    let (customer, order) = path.ids()?;
    let request = GetTimelineRequest { order_id: order.to_string(), customer_id: customer.to_string() };
    let entries = answer(api.peers.orders().get_timeline(request)).await?.entries;
    Ok(Json(TimelineView { entries: entries.into_iter().map(Into::into).collect() }))
}

/// Follow an order.
///
/// Server-Sent Events: an `order` event with the full order on each change, starting with the present state; `id` is
/// the order's version. 204 when a stream is resumed at an end state that was seen already.
#[utoipa::path(
    get, path = "/api/customers/{customer_id}/orders/{order_id}/events", operation_id = "follow_order",
    tag = "orders",
    params(
        OrderPath,
        ("Last-Event-ID" = Option<String>, Header, description = "The version seen last", pattern = "^[0-9]*$"),
    ),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 204, description = "Nothing more will happen after the version seen last"),
    )
)]
pub(crate) async fn events(
    State(api): State<Api>,
    Path(path): Path<OrderPath>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (customer, order) = path.ids()?;
    let seen = params::last_event_id(&headers)?;
    let source = sse::order_source(api.peers.orders(), &customer, order, seen);
    Ok(api.streams.follow(source, peer.map(|axum::Extension(ConnectInfo(peer))| peer.ip())).await?)
}
