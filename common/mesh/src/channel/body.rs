//! Bodies of both directions: requests as a whole, so that they can be sent again; answers read to their end; streams.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::BodyExt as _;
use tonic::{Status, body::Body};

use crate::wire::{self, Ended};

/// A message of 4 MiB, tonic's own limit, and its prefix.
const MAX_MESSAGE: usize = 4 * 1024 * 1024 + 5;

/// Reads a request to its end. tonic encodes one message into one frame, which is taken as it is; `resource_exhausted`
/// above the message limit.
pub(crate) async fn whole(mut body: Body) -> Result<Bytes, Status> {
    let Some(first) = data(&mut body).await? else { return Ok(Bytes::new()) };
    let Some(second) = data(&mut body).await? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(bytes) = next {
        if all.len() + bytes.len() > MAX_MESSAGE {
            return Err(Status::resource_exhausted("the request is larger than a message may be"));
        }
        all.extend_from_slice(&bytes);
        next = data(&mut body).await?;
    }
    Ok(all.freeze())
}

async fn data(body: &mut Body) -> Result<Option<Bytes>, Status> {
    match body.frame().await.transpose()? {
        Some(frame) => Ok(frame.into_data().ok()),
        None => Ok(None),
    }
}

/// The body of a unary answer, read to its trailers before the caller sees it: so the deadline covers it, the end of
/// the call is known in one place, and a failure in the trailers can still be retried. tonic would buffer it anyway.
#[derive(Debug)]
pub(crate) struct Answer {
    first: Option<Bytes>,
    more: vec::IntoIter<Bytes>,
    /// What was not read because it is more than a message may be; tonic refuses it in its own words.
    rest: Option<Incoming>,
    trailers: Option<HeaderMap>,
}

impl Answer {
    /// Reads the body; `Ended` is missing when the server broke off without trailers.
    pub(crate) async fn read(mut incoming: Incoming) -> Result<(Self, Option<Ended>), h2::Error> {
        let (mut first, mut more, mut size) = (None, Vec::new(), 0);
        while let Some(bytes) = incoming.data().await? {
            size += bytes.len();
            match first {
                None => first = Some(bytes),
                Some(_) => more.push(bytes),
            }
            if size > MAX_MESSAGE {
                let oversize = Ended { code: tonic::Code::OutOfRange, reported: true };
                let answer = Self { first, more: more.into_iter(), rest: Some(incoming), trailers: None };
                return Ok((answer, Some(oversize)));
            }
        }
        let trailers = incoming.0.trailers().await?;
        let ended = trailers.as_ref().and_then(wire::ended);
        Ok((Self { first, more: more.into_iter(), rest: None, trailers }, ended))
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = &mut *self;
        if let Some(bytes) = this.first.take().or_else(|| this.more.next()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(rest) = &mut this.rest {
            return Pin::new(rest).poll_frame(cx);
        }
        Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }
}

/// The body of a stream, as it comes. Dropping it tells the server to stop.
#[derive(Debug)]
pub(crate) struct Incoming(RecvStream);

impl Incoming {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self(stream)
    }

    async fn data(&mut self) -> Result<Option<Bytes>, h2::Error> {
        poll_fn(|cx| self.poll_data(cx)).await.transpose()
    }

    /// The next bytes; whoever takes them makes room for as many more.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        let bytes = ready!(self.0.poll_data(cx));
        if let Some(Ok(bytes)) = &bytes {
            // Fails only for more than was received.
            let _ = self.0.flow_control().release_capacity(bytes.len());
        }
        Poll::Ready(bytes)
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        match ready!(self.poll_data(cx)) {
            Some(bytes) => Poll::Ready(Some(bytes.map(Frame::data))),
            None => {
                let trailers = ready!(self.0.poll_trailers(cx)).transpose();
                Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)))
            }
        }
    }
}
