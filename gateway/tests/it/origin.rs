//! Who may do what from where.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use gateway::Config;

use crate::world::{World, config, request};

const LINE: &str = r#"{"ID": 123, "Quantity": 2}"#;
const PLACE: &str = "/api/customers/2/orders";

async fn shop() -> World {
    World::with(Config { public_url: "https://shop.example".into(), ..config() }).await
}

#[tokio::test]
async fn a_page_of_another_site_may_read_and_never_write() {
    let world = shop().await;
    for (headers, status) in [
        (vec![], 201),
        (vec![("origin", "http://localhost:8080")], 201),
        (vec![("origin", "HTTP://LOCALHOST:8080")], 201),
        (vec![("origin", "https://shop.example")], 201),
        (vec![("origin", "https://shop.example:443")], 201),
        (vec![("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8080")], 201),
        (vec![("sec-fetch-site", "none")], 201),
        (vec![("origin", "http://shop.example")], 403),
        (vec![("origin", "https://shop.example.evil")], 403),
        (vec![("origin", "http://localhost:8081")], 403),
        (vec![("origin", "https://localhost:8080@evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", "")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")], 403),
        (vec![("origin", "https://shop.example"), ("origin", "https://evil.example")], 403),
    ] {
        let reply = world.send(request("POST", PLACE, &headers, LINE)).await;
        assert_eq!(reply.status, status, "{headers:?}");
        if status == 403 {
            assert_eq!(reply.problem().1, "foreign_origin");
        }
        let read = world.send(request("GET", "/api/items", &headers, "")).await;
        assert_eq!(read.status, 200, "reading is safe: {headers:?}");
    }
}

#[tokio::test]
async fn on_loopback_only_our_own_names_are_hosts() {
    let world = shop().await;
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("shop.localhost", 200),
        ("127.0.0.1:8080", 200),
        ("127.8.9.10", 200),
        ("[::1]:8080", 200),
        ("shop.example", 200),
        ("Shop.Example:443", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("10.0.0.1", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ] {
        let reply = world.send(request("GET", "/api/items", &[("host", host)], "")).await;
        assert_eq!(reply.status, status, "{host}");
        let webhook = world.send(request("POST", "/webhook", &[("host", host)], "{}")).await;
        assert_eq!(webhook.status, 200, "webhooks are excepted: {host}");
    }
    let mut from_outside = request("GET", "/api/items", &[("host", "lb.internal")], "");
    from_outside.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 9], 1))));
    assert_eq!(world.send(from_outside).await.status, 200, "only loopback can be rebound");
}

#[tokio::test]
async fn links_never_come_from_the_host_header() {
    let world = shop().await;
    let reply = world.send(request("POST", PLACE, &[("host", "127.0.0.1:9999")], LINE)).await;
    let redirect = reply.json()["redirect_url"].as_str().unwrap().to_owned();
    assert!(redirect.starts_with("https://shop.example/success.html?"), "{redirect}");
}
