//! Bodies of both directions: requests that can be sent again, answers that were read to their end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tonic::{Status, body::Body};

use crate::wire::{self, Ended};

/// A message of 4 MiB, tonic's own limit, and its prefix.
const MAX_MESSAGE: usize = 4 * 1024 * 1024 + 5;

/// The body of a request.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// The whole of a unary request; cloning the bytes for another attempt copies nothing.
    Whole(Bytes),
    /// Comes as it comes and can be sent once.
    Stream(Body),
}

impl Outgoing {
    /// The same body once more; `None` when it cannot be had twice.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Stream(_) => None,
        }
    }
}

/// Reads a unary request to its end. tonic encodes it into one frame, which is taken as it is; `resource_exhausted`
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

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(body) => body.size_hint(),
        }
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
    pub(crate) async fn read(mut incoming: Incoming) -> Result<(Self, Option<Ended>), hyper::Error> {
        let (mut first, mut more, mut trailers, mut size) = (None, Vec::new(), None, 0);
        while let Some(frame) = incoming.frame().await.transpose()? {
            match frame.into_data() {
                Ok(bytes) => {
                    size += bytes.len();
                    if first.is_none() { first = Some(bytes) } else { more.push(bytes) }
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
            if size > MAX_MESSAGE {
                let oversize = Ended { code: tonic::Code::OutOfRange, reported: true };
                let answer = Self { first, more: more.into_iter(), rest: Some(incoming), trailers: None };
                return Ok((answer, Some(oversize)));
            }
        }
        let ended = trailers.as_ref().and_then(wire::ended);
        Ok((Self { first, more: more.into_iter(), rest: None, trailers }, ended))
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        if let Some(bytes) = this.first.take().or_else(|| this.more.next()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(rest) = &mut this.rest {
            return Poll::Ready(ready!(Pin::new(rest).poll_frame(cx)));
        }
        Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }
}
