//! When a call is sent again. One layer only, the client of the hop, and only what is known to be safe.
//!
//! * A request that never left (its connection had closed) goes to another connection, whatever it asks for.
//! * A repeatable method is tried again when the connection or stream broke (reset, GOAWAY, refused), or when the
//!   answer is `UNAVAILABLE` without details: nobody but a broken or stopping server, or something in between, says so.
//! * A status with details is a fault that a healthy server reports (provider down, store full): its caller decides,
//!   the mesh does not add load. `ENHANCE_YOUR_CALM` is never answered with more.
//! * All of it within the deadline and a budget of a tenth of the calls, so that retries cannot feed an overload.

use std::{fmt, time::Duration};

use common::Backoff;
use tonic::Code;
use tower::retry::budget::{Budget as _, TpsBudget};

use super::flight::Outcome;

/// Attempts beyond the first.
pub(crate) const MAX_RETRIES: u32 = 2;
/// Sendings that never left, per call. Each found a dead connection, so more than a few means that something is
/// closing them as fast as they open.
pub(crate) const MAX_UNSENT: u32 = 8;
pub(crate) const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(25), cap: Duration::from_millis(250) };

const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_SHARE: f32 = 0.1;
/// Retries per second that are always allowed, so that a quiet client may retry at all.
const BUDGET_FLOOR_PER_S: u32 = 1;

/// Whether another attempt could end better and does no harm.
pub(crate) fn is_worth_repeating(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answered(_, ended) => ended.code == Code::Unavailable && !ended.reported,
        Outcome::Lost(status) => status.code() == Code::Unavailable,
        Outcome::Unsent => true,
    }
}

/// Retries that a target has left.
pub(crate) struct RetryBudget(TpsBudget);

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self(TpsBudget::new(BUDGET_WINDOW, BUDGET_FLOOR_PER_S, BUDGET_SHARE))
    }

    /// A call was made: a tenth of a retry more.
    pub(crate) fn earn(&self) {
        self.0.deposit();
    }

    /// Takes one retry, if one is left.
    pub(crate) fn spend(&self) -> bool {
        self.0.withdraw()
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget").finish_non_exhaustive()
    }
}
