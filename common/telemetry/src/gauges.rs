//! A family of gauges with one label: what the services' own figures are made of.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::{family::Family, gauge::Gauge};

use crate::Metrics;

type Labels = [(&'static str, String); 1];

/// One gauge per value of the label. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gauges {
    label: &'static str,
    gauges: Family<Labels, Gauge<f64, AtomicU64>>,
}

impl Metrics {
    /// Registers gauges that `label` tells apart.
    #[must_use]
    pub fn gauges(&self, name: &str, help: &str, label: &'static str) -> Gauges {
        Gauges { label, gauges: self.register(name, help, Family::default()) }
    }
}

impl Gauges {
    /// Sets the gauge of this value of the label. Counts below 2^53 are exact.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn count(&self, of: &str, count: u64) {
        self.set(of, count as f64);
    }

    pub fn set(&self, of: &str, value: f64) {
        self.gauges.get_or_create(&[(self.label, of.to_owned())]).set(value);
    }

    /// Forgets all of them: better no figure than one that nobody keeps up.
    pub fn clear(&self) {
        self.gauges.clear();
    }
}
