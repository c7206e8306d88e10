//! A deadline: an absolute moment that travels with a call, from the gateway to the last hop.

use std::time::Duration;

use tokio::time::Instant;

use crate::fault::Fault;

/// The moment after which nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    #[must_use]
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The moment `timeout` from now.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// The time that is left; zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    #[must_use]
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// The earlier one.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// Waits for the future until the deadline; `deadline_exceeded` naming `what` after that.
    pub async fn bound<T>(
        self,
        what: &'static str,
        future: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        match tokio::time::timeout_at(self.0, future).await {
            Ok(result) => result,
            Err(_) => Err(Fault::deadline_exceeded(what)),
        }
    }
}
