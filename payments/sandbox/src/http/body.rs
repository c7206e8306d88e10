//! Reads a request's body within a size and a time.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::error::ApiError;

/// Bytes of a request's body.
pub const MAX_BODY: usize = 256 * 1024;
/// From the head to the end of the body.
const READ_TIME: Duration = Duration::from_secs(10);

/// The whole body; 413 when it is too large, 408 when it does not arrive.
pub async fn read(body: Body) -> Result<Bytes, ApiError> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(ApiError::too_large());
    }
    match tokio::time::timeout(READ_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Err(_) => Err(ApiError::too_slow()),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large()),
        Ok(Err(_)) => Err(ApiError::invalid("The request body could not be read.")),
    }
}
