//! Bodies within bounds: refused by their announced length before reading, by their real one while reading.

use std::time::Duration;

use axum::{body::Body, extract::Request};
use bytes::{Bytes, BytesMut};
use common::{Code, Fault};
use http::header::EXPECT;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};

/// Largest body of an ordinary request.
pub(crate) const BODY_MAX: usize = 256 * 1024;
/// Largest webhook.
pub(crate) const WEBHOOK_MAX: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_READ: Duration = Duration::from_secs(10);
/// What is read and thrown away of a body that is too large, so that its sender sees the answer.
const DRAIN_MAX: usize = 4 * 1024 * 1024;

/// The same request with its whole body in memory. `body_too_large` above `limit`, `malformed_json` when the body
/// does not arrive.
pub(crate) async fn buffered(request: Request, limit: usize) -> Result<Request, Fault> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, mut body) = request.into_parts();
    let until = Instant::now() + BODY_READ;
    match read(&mut body, limit, until).await {
        Ok(bytes) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Err(fault) => {
            // A client that waits for "100 Continue" has sent nothing yet and needs no draining.
            if fault.code() == Code::BodyTooLarge && !parts.headers.contains_key(EXPECT) {
                drain(&mut body, until).await;
            }
            Err(fault)
        }
    }
}

async fn read(body: &mut Body, limit: usize, until: Instant) -> Result<Bytes, Fault> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large(limit));
    }
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(chunk) = chunk(body, until).await? {
        if whole.len() + joined.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        if whole.is_empty() && joined.is_empty() {
            whole = chunk;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&chunk);
        }
    }
    Ok(if joined.is_empty() { whole } else { joined.freeze() })
}

/// The next piece of data; empty for a frame of trailers.
async fn chunk(body: &mut Body, until: Instant) -> Result<Option<Bytes>, Fault> {
    match timeout_at(until, body.frame()).await {
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        Ok(Some(Err(_))) => Err(Fault::new(Code::MalformedJson, "the body could not be read")),
        Ok(None) => Ok(None),
        Err(_) => Err(Fault::new(Code::MalformedJson, "the body did not arrive in time")),
    }
}

async fn drain(body: &mut Body, until: Instant) {
    let mut drained = 0;
    while let Ok(Some(chunk)) = chunk(body, until).await {
        drained += chunk.len();
        if drained > DRAIN_MAX {
            return;
        }
    }
}

fn too_large(limit: usize) -> Fault {
    Fault::new(Code::BodyTooLarge, format!("a body here has at most {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt as _, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up_after_ten_seconds() {
        let begun = Instant::now();
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        let body = Body::from_stream(first.chain(stream::pending()));
        let fault = buffered(Request::new(body), BODY_MAX).await.unwrap_err();
        assert_eq!(fault.code(), Code::MalformedJson);
        assert_eq!(begun.elapsed(), BODY_READ);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_thrown_away_is_bounded_too() {
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![0; 64 * 1024])));
        let fault = buffered(Request::new(Body::from_stream(endless)), BODY_MAX).await.unwrap_err();
        assert_eq!(fault.code(), Code::BodyTooLarge);
    }
}
