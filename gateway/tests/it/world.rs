//! A gateway with fake services behind the real mesh, each on a port of its own.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use bytes::Bytes;
use contracts::{
    kitchen::kitchen_service_server::KitchenServiceServer, orders::order_service_server::OrderServiceServer,
    payments::payment_service_server::PaymentServiceServer, service,
    stock::stock_service_server::StockServiceServer,
};
use gateway::Config;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use runtime::{Platform, Service, server};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::{fake::Fake, platform::platform};

/// Nothing here takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) fake: Fake,
    pub(crate) platform: Platform,
    services: Vec<server::Running>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) fn config() -> Config {
    Config {
        public_url: "http://localhost:8080".into(),
        request_deadline: Duration::from_secs(5),
        test_mode: true,
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let (platform, fake) = (platform(), Fake::new());
        let mut services = Vec::new();
        for service in [
            Service::new(service::ORDERS).grpc(OrderServiceServer::new(fake.clone())),
            Service::new(service::PAYMENTS).grpc(PaymentServiceServer::new(fake.clone())),
            Service::new(service::STOCK).grpc(StockServiceServer::new(fake.clone())),
            Service::new(service::KITCHEN).grpc(KitchenServiceServer::new(fake.clone())),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            services.push(server::start(service, listener, &platform).await.unwrap());
        }
        for service in &services {
            tokio::time::timeout(PATIENCE, service.ready()).await.unwrap();
        }
        let router = gateway::wire(config, &platform).unwrap().router;
        Self { router, fake, platform, services }
    }

    /// One service goes away for good.
    pub(crate) async fn stop(&mut self, name: &str) {
        let place = self.services.iter().position(|service| service.name == name).unwrap();
        self.services.remove(place).stop().await;
    }

    /// Sends a request as a client on loopback does.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.stream(request).await;
        let (parts, body) = response.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect()).await.unwrap().unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// The same, with the body still to come.
    pub(crate) async fn stream(&self, mut request: Request<Body>) -> http::Response<Body> {
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let answer = self.router.clone().oneshot(request);
        tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(request("GET", path, &[], "")).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        self.send(request("POST", path, &[("content-type", "application/json")], body)).await
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status and the code of a problem document.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let document = self.json();
        assert_eq!(document["status"], self.status.as_u16());
        (self.status.as_u16(), document["code"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", "localhost:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}
