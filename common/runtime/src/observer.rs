//! Binds the mesh's observer to the metrics: neither knows the other.

use mesh::{Attempt, Observer};
use telemetry::{CallAttempt, CallMetrics, Metrics};

/// Hears of every attempt and counts it.
#[derive(Clone, Debug)]
pub struct CallObserver(CallMetrics);

impl CallObserver {
    /// Of the calls that are made. Registers the metrics, once per mesh.
    #[must_use]
    pub fn made(metrics: &Metrics) -> Self {
        Self(CallMetrics::made(metrics))
    }

    /// Of the calls that are answered.
    #[must_use]
    pub fn answered(metrics: &Metrics) -> Self {
        Self(CallMetrics::answered(metrics))
    }
}

impl Observer for CallObserver {
    fn attempt(&self, attempt: &Attempt<'_>) {
        self.0.record(&CallAttempt {
            service: attempt.service,
            method: attempt.method,
            code: attempt.code as i32,
            latency: attempt.latency,
            number: attempt.number,
        });
    }
}
