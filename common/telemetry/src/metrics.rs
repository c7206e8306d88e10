//! The metrics registry of one mesh: passed in, never global; rendered as Prometheus text at `/metrics`.

use std::{
    any::{Any, TypeId},
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Where parts of the program register what they count. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    names: Arc<Mutex<BTreeSet<String>>>,
    sets: Arc<Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>>>>,
}

/// What every name begins with.
const PREFIX: &str = "ordermesh";

/// Labels of a metric about one named part (a task, a queue, a sweep).
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Named {
    pub name: String,
}

impl Metrics {
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::with_prefix(PREFIX);
        Self { registry: Arc::new(Mutex::new(registry)), names: Arc::default(), sets: Arc::default() }
    }

    /// The one set of metrics of this type: made at the first call and the same at every later one, for parts of
    /// which a process runs several (a metric must not be registered twice).
    #[must_use]
    pub fn shared<T: Clone + Send + Sync + 'static>(&self, make: impl FnOnce(&Self) -> T) -> T {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let set = sets.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(make(self)));
        set.downcast_ref::<T>().expect("filed under its own type").clone()
    }

    /// Registers a counter; Prometheus shows it as `ordermesh_<name>_total`.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    /// Registers a gauge.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(name, help, Gauge::default())
    }

    /// Registers any metric, such as a family of labelled ones.
    pub fn register<M>(&self, name: &str, help: &str, metric: M) -> M
    where
        M: prometheus_client::registry::Metric + Clone,
    {
        self.lock().register(name, help, metric.clone());
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(format!("{PREFIX}_{name}"));
        metric
    }

    /// What is registered, whether it has a value yet or not, without the suffixes of counters and histograms.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A family of latency histograms in seconds, 0.5 ms to 16 s in doubling buckets.
    #[must_use]
    pub fn latencies<L>(&self, name: &str, help: &str) -> Family<L, Histogram, fn() -> Histogram>
    where
        L: EncodeLabelSet + std::hash::Hash + Eq + Clone + Send + Sync + std::fmt::Debug + 'static,
    {
        self.register(name, help, Family::new_with_constructor(latency_histogram as fn() -> Histogram))
    }

    /// Everything registered, as OpenMetrics text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.lock()).expect("writing to a string cannot fail");
        text
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn latency_histogram() -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(0.0005, 2.0, 16))
}

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_where_the_alert_on_slow_orders_looks() {
        let metrics = Metrics::new();
        let latencies = metrics.latencies::<Named>("request_seconds", "For the test");
        latencies.get_or_create(&Named { name: "a".into() }).observe(0.7);
        let text = metrics.render();
        assert!(text.contains(r#"ordermesh_request_seconds_bucket{le="1.024",name="a"} 1"#), "{text}");
        assert!(metrics.names().contains("ordermesh_request_seconds"));
    }
}
