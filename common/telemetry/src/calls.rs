//! Metrics of the calls that a process makes, and of those that it answers: how many by code, and how long they took.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};

use crate::Metrics;

/// Methods that are counted; a guard against paths that a caller makes up.
const MAX_METHODS: usize = 256;

/// The gRPC codes by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// How one attempt of a call ended.
#[derive(Clone, Copy, Debug)]
pub struct CallAttempt<'a> {
    pub service: &'static str,
    /// `/package.Service/Method`.
    pub method: &'a str,
    /// The number of the gRPC code.
    pub code: i32,
    pub latency: Duration,
    /// 1 for the first attempt of a call.
    pub number: u32,
}

/// Counts the attempts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CallMetrics {
    attempts: Family<CodeLabels, Counter>,
    /// Of calls that are made.
    retries: Option<Family<MethodLabels, Counter>>,
    latency: Family<MethodLabels, Histogram, fn() -> Histogram>,
    methods: Arc<RwLock<HashMap<Box<str>, Arc<MethodMetrics>>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    service: &'static str,
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    service: &'static str,
    method: String,
    code: &'static str,
}

/// What the families hold for one method, found by its path: a family wants owned labels at each call.
#[derive(Debug)]
struct MethodMetrics {
    labels: MethodLabels,
    retries: Option<Counter>,
    latency: Histogram,
    codes: [OnceLock<Counter>; CODES.len()],
}

impl CallMetrics {
    /// Of the calls that are made: `mesh_attempts_total`, `mesh_retries_total` and `mesh_attempt_seconds`.
    #[must_use]
    pub fn made(metrics: &Metrics) -> Self {
        let (attempts, retries) = (Family::default(), Family::default());
        Self {
            attempts: metrics.register("mesh_attempts", "Attempts of calls to other services", attempts),
            retries: Some(metrics.register("mesh_retries", "Attempts beyond the first of a call", retries)),
            latency: metrics.latencies("mesh_attempt_seconds", "Time until an attempt was answered"),
            methods: Arc::default(),
        }
    }

    /// Of the calls that the services of this process answer: `grpc_calls_total` and `grpc_call_seconds`. The same
    /// ones for each service of a process.
    #[must_use]
    pub fn answered(metrics: &Metrics) -> Self {
        metrics.shared(|metrics| Self {
            attempts: metrics.register("grpc_calls", "Calls that were answered", Family::default()),
            retries: None,
            latency: metrics.latencies("grpc_call_seconds", "Time that a call took to answer"),
            methods: Arc::default(),
        })
    }

    /// Counts an attempt.
    pub fn record(&self, attempt: &CallAttempt<'_>) {
        let Some(method) = self.known(attempt.method).or_else(|| self.learn(attempt)) else { return };
        method.latency.observe(attempt.latency.as_secs_f64());
        if let Some(retries) = method.retries.as_ref().filter(|_| attempt.number > 1) {
            retries.inc();
        }
        let code = usize::try_from(attempt.code).ok().filter(|code| *code < CODES.len());
        let code = code.unwrap_or(2 /* UNKNOWN */);
        method.codes[code].get_or_init(|| self.counter(&method.labels, CODES[code])).inc();
    }

    fn known(&self, method: &str) -> Option<Arc<MethodMetrics>> {
        self.methods.read().unwrap_or_else(PoisonError::into_inner).get(method).cloned()
    }

    fn learn(&self, attempt: &CallAttempt<'_>) -> Option<Arc<MethodMetrics>> {
        let labels = MethodLabels { service: attempt.service, method: attempt.method.to_owned() };
        let mut methods = self.methods.write().unwrap_or_else(PoisonError::into_inner);
        if methods.len() >= MAX_METHODS {
            return None;
        }
        let method = methods.entry(attempt.method.into()).or_insert_with(|| {
            Arc::new(MethodMetrics {
                retries: self.retries.as_ref().map(|retries| retries.get_or_create_owned(&labels)),
                latency: self.latency.get_or_create_owned(&labels),
                codes: [const { OnceLock::new() }; CODES.len()],
                labels,
            })
        });
        Some(method.clone())
    }

    fn counter(&self, labels: &MethodLabels, code: &'static str) -> Counter {
        let (service, method) = (labels.service, labels.method.clone());
        self.attempts.get_or_create_owned(&CodeLabels { service, method, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_shown_by_service_method_and_code() {
        let metrics = Metrics::new();
        let calls = CallMetrics::made(&metrics);
        let first = CallAttempt {
            service: "stock",
            method: "/ordermesh.stock.v1.StockService/Reserve",
            code: 14,
            latency: Duration::from_millis(3),
            number: 1,
        };
        calls.record(&first);
        calls.record(&CallAttempt { code: 0, number: 2, ..first });
        let text = metrics.render();
        let labels = r#"service="stock",method="/ordermesh.stock.v1.StockService/Reserve""#;
        for line in [
            format!(r#"ordermesh_mesh_attempts_total{{{labels},code="UNAVAILABLE"}} 1"#),
            format!(r#"ordermesh_mesh_attempts_total{{{labels},code="OK"}} 1"#),
            format!("ordermesh_mesh_retries_total{{{labels}}} 1"),
            format!("ordermesh_mesh_attempt_seconds_count{{{labels}}} 2"),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn made_up_methods_are_bounded() {
        let metrics = Metrics::new();
        let calls = CallMetrics::made(&metrics);
        for made_up in 0..2 * MAX_METHODS {
            let method = format!("/{made_up}");
            let latency = Duration::ZERO;
            calls.record(&CallAttempt { service: "stock", method: &method, code: 0, latency, number: 1 });
        }
        assert_eq!(metrics.render().matches("mesh_attempts_total{").count(), MAX_METHODS);
    }

    #[test]
    fn the_services_of_a_process_share_the_metrics_of_what_they_answer() {
        let metrics = Metrics::new();
        for (service, method) in [("stock", "/stock.S/A"), ("orders", "/orders.S/B")] {
            let answered = CallMetrics::answered(&metrics);
            let latency = Duration::from_millis(1);
            answered.record(&CallAttempt { service, method, code: 5, latency, number: 1 });
        }
        let text = metrics.render();
        assert_eq!(text.matches("# TYPE ordermesh_grpc_calls counter").count(), 1, "{text}");
        for labels in [r#"service="stock",method="/stock.S/A""#, r#"service="orders",method="/orders.S/B""#] {
            let line = format!(r#"ordermesh_grpc_calls_total{{{labels},code="NOT_FOUND"}} 1"#);
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }
}
