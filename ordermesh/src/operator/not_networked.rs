//! What stands for the servers in a build without the networked adapters: nothing, so the gateway is asked.

use std::sync::Arc;

use bus::DeadLetters;
use runtime::Settings;

use super::ps::Instance;
use crate::failure::Failure;

/// The broker itself, where its setting is there.
#[expect(clippy::unnecessary_wraps, reason = "the shape of the networked twin")]
pub(super) fn broker(_: &Settings) -> Result<Option<Arc<dyn DeadLetters>>, Failure> {
    Ok(None)
}

/// What the registry has, where its setting is there.
#[expect(clippy::unused_async, reason = "the shape of the networked twin")]
pub(super) async fn registry(_: &Settings) -> Result<Option<Vec<Instance>>, Failure> {
    Ok(None)
}
