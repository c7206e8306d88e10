//! The menu, and the staff's routes about items.

use axum::{
    Json,
    extract::{OriginalUri, Path, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use common::{Code, Fault, MovementId};
use contracts::stock::{GetItemsRequest, ListItemsRequest, PutItemRequest, RestockRequest};
use http::{
    HeaderMap, StatusCode,
    header::{HeaderValue, LOCATION},
};

use super::{
    Answer, Api,
    params::{ItemPath, Key},
    replay,
    staff_body::{ItemBody, RestockBody},
};
use crate::inbound::{
    peers::{answer, present},
    views::{Menu, OneItem},
};

/// The menu with price and availability.
#[utoipa::path(
    get, path = "/api/items", operation_id = "get_menu", tag = "items",
    responses((status = 200, description = "Every item", body = Menu))
)]
pub(crate) async fn menu(State(api): State<Api>) -> Answer<Json<Menu>> {
    let items = answer(api.peers.stock().list_items(ListItemsRequest {})).await?.items;
    Ok(Json(Menu { items: items.into_iter().map(Into::into).collect() }))
}

/// One item.
#[utoipa::path(
    get, path = "/api/items/{item_id}", operation_id = "get_item", tag = "items",
    params(ItemPath),
    responses((status = 200, description = "The item", body = OneItem))
)]
pub(crate) async fn show(State(api): State<Api>, Path(path): Path<ItemPath>) -> Answer<Json<OneItem>> {
    let item = path.item()?;
    let request = GetItemsRequest { item_ids: vec![item.to_string()] };
    let found = answer(api.peers.stock().get_items(request)).await?.items.pop();
    let item = found.ok_or_else(|| Fault::new(Code::ItemNotFound, "there is no such item"))?;
    Ok(Json(OneItem { item: item.into() }))
}

/// Create or change an item.
#[utoipa::path(
    put, path = "/api/items/{item_id}", operation_id = "put_item", tag = "staff",
    params(ItemPath),
    request_body(content = ItemBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Changed", body = OneItem),
        (status = 201, description = "Created", body = OneItem,
            headers(("Location" = String, description = "Path of the item"))),
    )
)]
pub(crate) async fn put(
    State(api): State<Api>,
    Path(path): Path<ItemPath>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let item = path.item()?;
    let body = ItemBody::parse(&headers, &body)?;
    let request = PutItemRequest {
        item_id: item.to_string(),
        name: body.name,
        price: Some(body.price.into()),
        on_hand: body.on_hand,
        description: body.description,
        stripe_price_id: body.stripe_price_id,
    };
    let put = answer(api.peers.stock().put_item(request)).await?;
    let json = Json(OneItem { item: present(put.item, "an item")?.into() });
    if !put.created {
        return Ok(json.into_response());
    }
    let location = HeaderValue::try_from(format!("/api/items/{item}"))
        .map_err(|_| Fault::internal("an item id that does not fit a header"))?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], json).into_response())
}

/// Add stock.
#[utoipa::path(
    post, path = "/api/items/{item_id}/restock", operation_id = "restock_item", tag = "staff",
    params(
        ItemPath,
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key adds once",
            min_length = 1, max_length = 255)
    ),
    request_body(content = RestockBody, content_type = "application/json"),
    responses((status = 200, description = "The item as it is now", body = OneItem,
        headers(("Idempotent-Replayed" = String, description = "true: the stock was added by an earlier call"))))
)]
pub(crate) async fn restock(
    State(api): State<Api>,
    Path(path): Path<ItemPath>,
    OriginalUri(uri): OriginalUri,
    key: Key,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let item = path.item()?;
    let movement: MovementId = replay::id_for(&api.ids, &key, uri.path());
    let quantity = RestockBody::parse(&headers, &body)?.quantity;
    let request = RestockRequest { item_id: item.to_string(), movement_id: movement.to_string(), quantity };
    let restocked = answer(api.peers.stock().restock(request)).await?;
    let item = present(restocked.item, "an item")?.into();
    Ok((replay::mark(restocked.replayed), Json(OneItem { item })).into_response())
}
