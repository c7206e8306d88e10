//! The connections to servers, as far as their adapters are there.

use std::sync::Arc;

use bus::Bus;
use common::{Clock, Random};
use mesh::{Registrar, Resolver};
use telemetry::Metrics;

use super::Stores;
use crate::settings::{SettingError, Settings};

/// Whether this build has the networked adapters.
pub const NETWORKED: bool = true;

/// No connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connections;

#[expect(clippy::unused_async, clippy::unnecessary_wraps, reason = "the shape of its twin")]
impl Connections {
    pub(super) fn open(
        _: &Settings,
        _: &Arc<dyn Clock>,
        _: &Arc<dyn Random>,
        _: &Metrics,
    ) -> Result<Self, SettingError> {
        Ok(Self)
    }

    pub(super) fn stores(self) -> Option<Arc<dyn Stores>> {
        None
    }

    pub(super) fn bus(self) -> Option<Arc<dyn Bus>> {
        None
    }

    pub(super) fn registry(self) -> Option<(Arc<dyn Registrar>, Arc<dyn Resolver>)> {
        None
    }

    pub(super) async fn close(self) {}
}
