//! Whatever comes in, nothing of it is our fault: no garbage yields a 5xx.

use std::sync::LazyLock;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use proptest::{collection::vec, prelude::*, sample::select};
use tokio::runtime::Runtime;

use crate::{
    fake::{ORDER, TICKET},
    world::World,
};

/// One world for all cases: starting it is not what is tested.
static WORLD: LazyLock<(Runtime, World)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::start());
    (runtime, world)
});

fn segment() -> impl Strategy<Value = String> {
    let known = vec![
        "api",
        "customers",
        "orders",
        "items",
        "kitchen",
        "tickets",
        "events",
        "cancel",
        "timeline",
        "refund",
        "restock",
        "start",
        "reject",
        "webhooks",
        "stripe",
        "webhook",
        "queues",
        "stock.orders",
        "dead-letters",
        "replay",
        "stats",
        "ready",
        "docs",
        "2",
        ORDER,
        TICKET,
        "",
        "%00",
        "%zz",
        "%ff",
        "%2F",
        "..",
        ".",
        "%F0%9F%8D%95",
    ];
    prop_oneof![4 => select(known).prop_map(str::to_owned), 1 => "[!-~]{0,12}"]
}

fn path() -> impl Strategy<Value = String> {
    let templates = vec![
        "/api/customers/2/orders".to_owned(),
        format!("/api/customers/2/orders/{ORDER}/cancel"),
        format!("/api/orders/{ORDER}/refund"),
        "/api/items/2".to_owned(),
        "/api/items/2/restock".to_owned(),
        format!("/api/kitchen/tickets/{TICKET}/reject"),
        "/api/orders".to_owned(),
        format!("/api/orders/{ORDER}"),
        "/api/queues/stock.orders/dead-letters".to_owned(),
        "/api/queues/stock.orders/dead-letters/7/replay".to_owned(),
        "/webhook".to_owned(),
    ];
    let free = vec(segment(), 0..7).prop_map(|segments| format!("/{}", segments.join("/")));
    prop_oneof![select(templates), free]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof!["", "\\?(limit|status|state|cursor)=[!-~]{0,20}", "\\?[!-~]{0,30}"]
}

fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = vec![
        "idempotency-key",
        "content-type",
        "x-request-id",
        "traceparent",
        "last-event-id",
        "origin",
        "sec-fetch-site",
        "host",
        "accept",
        "content-length",
        "expect",
        "x-other",
        "te",
        "range",
        "if-match",
    ];
    (select(names).prop_map(str::to_owned), vec(any::<u8>(), 0..40))
}

/// Text that is nearly an order or a staff body.
fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e999".to_owned()),
        Just("-0".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let keys = vec![
        "id",
        "ID",
        "items",
        "Items",
        "quantity",
        "note",
        "email",
        "name",
        "price",
        "amount",
        "amount_minor",
        "currency",
        "reason",
        "x/y~z",
    ];
    let json = leaf.prop_recursive(5, 40, 6, move |inner| {
        let member =
            (select(keys.clone()), inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop_oneof![
            vec(inner, 0..6).prop_map(|entries| format!("[{}]", entries.join(","))),
            vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    (json, any::<bool>(), any::<prop::sample::Index>()).prop_map(|(json, cut, at)| {
        let mut bytes = json.into_bytes();
        if cut {
            bytes.truncate(at.index(bytes.len() + 1));
        }
        bytes
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![near_json(), vec(any::<u8>(), 0..200), (0_usize..200).prop_map(|depth| b"[".repeat(depth))]
}

fn request() -> impl Strategy<Value = Option<Request<Body>>> {
    let method = select(vec!["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"]);
    (method, path(), query(), vec(header(), 0..4), any::<bool>(), body()).prop_map(build)
}

type Parts = (&'static str, String, String, Vec<(String, Vec<u8>)>, bool, Vec<u8>);

/// `None`: the HTTP parser would not have let it pass.
fn build((method, path, query, headers, is_json, body): Parts) -> Option<Request<Body>> {
    let uri: Uri = format!("{path}{query}").parse().ok()?;
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).ok()?).uri(uri);
    if is_json {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        let (name, value) = (HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(&value).ok()?);
        request = request.header(name, value);
    }
    request.body(Body::from(body)).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_garbage_is_our_fault(request in request()) {
        let Some(request) = request else { return Ok(()) };
        let what = format!("{request:?}");
        let (runtime, world) = &*WORLD;
        let response = runtime.block_on(world.stream(request));
        prop_assert!(!response.status().is_server_error(), "{} for {}", response.status(), what);
        if response.status().is_client_error() {
            prop_assert_eq!(&response.headers()["content-type"], "application/problem+json", "{}", what);
        }
    }
}
