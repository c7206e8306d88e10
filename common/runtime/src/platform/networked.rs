//! The connections to servers, as far as their adapters are there.

use std::sync::Arc;

use bus::Bus;
use common::{Clock, Random};
use mesh::{Registrar, Resolver};
use telemetry::Metrics;

use super::{OpenError, Stores};
use crate::settings::Settings;

/// Whether this build has the networked adapters.
pub const NETWORKED: bool = true;

/// No connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connections;

#[expect(clippy::unused_async, reason = "the shape of the networked twin")]
impl Connections {
    pub(super) async fn open(
        _: &Settings,
        _: &Arc<dyn Clock>,
        _: &Arc<dyn Random>,
        _: &Metrics,
    ) -> Result<Self, OpenError> {
        Ok(Self)
    }

    pub(super) fn stores(&self) -> Option<Arc<dyn Stores>> {
        None
    }

    pub(super) fn bus(&self) -> Option<Arc<dyn Bus>> {
        None
    }

    pub(super) fn registry(&self) -> Option<(Arc<dyn Registrar>, Arc<dyn Resolver>)> {
        None
    }

    pub(super) async fn close(self) {}
}
