//! Garbage is refused: never a 5xx, never a panic.

use axum::body::Body;
use http::{Request, StatusCode, header};
use proptest::prelude::*;
use tower::ServiceExt as _;

use crate::support::Bench;

const PATHS: [&str; 6] = [
    "/v1/checkout/sessions",
    "/v1/refunds",
    "/v1/prices",
    "/v1/checkout/sessions/cs_test_00000000000000000000000000000000/expire",
    "/c/pay/cs_test_00000000000000000000000000000000",
    "/sandbox/faults",
];

/// Pieces of forms that are nearly right, and bytes that are not.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        Just("mode".to_owned()),
        Just("line_items[0][quantity]".to_owned()),
        Just("line_items[0][price_data][unit_amount]".to_owned()),
        Just("line_items[][price]".to_owned()),
        Just("metadata[a]".to_owned()),
        Just("expires_at".to_owned()),
        Just("created[gte]".to_owned()),
        "[a-z\\[\\]%0-9]{0,20}",
    ];
    let value = prop_oneof![
        Just("payment".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("18446744073709551616".to_owned()),
        ".{0,20}",
    ];
    let pairs = proptest::collection::vec((name, value), 0..12).prop_map(|pairs| {
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&").into_bytes()
    });
    prop_oneof![4 => pairs, 1 => proptest::collection::vec(any::<u8>(), 0..200)]
}

#[test]
fn garbage_is_never_a_server_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(async { Bench::new() });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(0..PATHS.len(), body(), "[ -~]{1,40}"), |(path, body, key)| {
            let query: String = form_urlencoded::byte_serialize(&body).collect();
            let requests = [
                Request::post(PATHS[path]).header("idempotency-key", &key),
                Request::get(format!("{}?{query}", PATHS[path])),
                Request::get(format!("/v1/events?created[gte]={query}&limit={query}")),
                Request::get(format!("/v1/checkout/sessions/{query}")),
                Request::get(format!("/v1/checkout/sessions?starting_after={query}")),
            ];
            for request in requests {
                let request = request.header(header::AUTHORIZATION, "Bearer sk_test_1");
                let request = request.body(Body::from(body.clone())).unwrap();
                let status = runtime.block_on(bench.sandbox.router().oneshot(request)).unwrap().status();
                prop_assert!(!status.is_server_error(), "{} {:?}", status, PATHS[path]);
            }
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused() {
    let bench = Bench::new();
    let huge = format!("a={}", "x".repeat(300 * 1024));
    assert_eq!(bench.post("/v1/refunds", &huge).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}
