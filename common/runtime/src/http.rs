//! An HTTP/1.1 server with the limits that `axum::serve` lacks: header time, size and count, connections, drain.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderValue, Request, Response, StatusCode, header::CONNECTION};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Bounds of one server.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections open at once; further ones wait in the listener's backlog.
    pub connections: usize,
    /// From the first byte (or the last answer) to the end of a request's head.
    pub header_read: Duration,
    /// Header fields per request; more is `431` and a closed connection.
    pub headers: usize,
    /// Bytes of a request's head; more is `431` and a closed connection.
    pub head_bytes: usize,
    /// How long answers under way may take once the server is told to stop.
    pub drain: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            header_read: Duration::from_secs(10),
            headers: 100,
            head_bytes: 64 * 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// Pause after a failed accept (out of file descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown`, then finishes the answers under way within the drain limit.
pub async fn serve(listener: TcpListener, router: Router, limits: HttpLimits, shutdown: CancellationToken) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let builder = builder(limits);
    loop {
        let next = tokio::select! {
            () = shutdown.cancelled() => break,
            next = accept(&listener, &connections) => next,
        };
        match next {
            Ok((stream, peer, permit)) => {
                let app = App { router: router.clone(), peer, head_bytes: limits.head_bytes };
                connect(&builder, &graceful, app, stream, permit);
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut: they outlived the drain limit");
    }
}

fn builder(limits: HttpLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes);
    builder
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.expect("the semaphore is never closed");
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}

/// What answers the requests of one connection.
#[derive(Clone)]
struct App {
    router: Router,
    peer: SocketAddr,
    head_bytes: usize,
}

fn connect(
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    app: App,
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
) {
    let peer = app.peer;
    let service = service_fn(move |request| app.clone().answer(request));
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, %peer, "connection ended early");
        }
        drop(permit);
    });
}

impl App {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        if head_bytes(&request) > self.head_bytes {
            return Ok(head_too_large());
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        self.router.oneshot(request).await
    }
}

/// hyper's own bound is on its buffer, which grows in steps and may hold twice the limit before it looks.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + fields.sum::<usize>()
}

/// As hyper answers what it finds itself: no body, and the connection ends.
fn head_too_large() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
