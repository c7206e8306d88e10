//! One unary method over tonic, server and client, with nothing around it.

use std::{convert::Infallible, future::Future, sync::Arc};

use contracts::orders::Order;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    body::Body,
    client,
    codegen::http,
    server::{self, NamedService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

const PATH: &str = "/twin.Twin/Call";

type Handler = Arc<dyn Fn(Order) -> BoxFuture<'static, Order> + Send + Sync>;

/// Calls the method of one server.
#[derive(Clone)]
pub(crate) struct Caller(Channel);

impl Caller {
    pub(crate) async fn call(&self, order: Order) -> Order {
        let mut grpc = client::Grpc::new(self.0.clone());
        grpc.ready().await.expect("a server in this process");
        let codec = ProstCodec::<Order, Order>::default();
        let path = http::uri::PathAndQuery::from_static(PATH);
        grpc.unary(Request::new(order), path, codec).await.expect("the twin answers").into_inner()
    }
}

/// Serves the handler on a free port.
pub(crate) async fn serve<F>(handler: impl Fn(Order) -> F + Send + Sync + 'static) -> Caller
where
    F: Future<Output = Order> + Send + 'static,
{
    let handler: Handler = Arc::new(move |order| Box::pin(handler(order)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    tokio::spawn(Server::builder().add_service(Twin(handler)).serve_with_incoming(incoming));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    Caller(endpoint.tcp_nodelay(true).connect().await.expect("a server in this process"))
}

#[derive(Clone)]
struct Twin(Handler);

impl NamedService for Twin {
    const NAME: &'static str = "twin.Twin";
}

impl UnaryService<Order> for Twin {
    type Response = Order;
    type Future = BoxFuture<'static, Result<Response<Order>, Status>>;

    fn call(&mut self, request: Request<Order>) -> Self::Future {
        let answer = (self.0)(request.into_inner());
        Box::pin(async move { Ok(Response::new(answer.await)) })
    }
}

impl tower::Service<http::Request<Body>> for Twin {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            let mut grpc = server::Grpc::new(ProstCodec::<Order, Order>::default());
            Ok(grpc.unary(method, request).await)
        })
    }
}
