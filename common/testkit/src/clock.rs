//! A clock that stands still until it is told otherwise.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use common::{Clock, Timestamp};

/// Shows the time it was set to. Share it in an `Arc`.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(AtomicU64::new(time.as_millis()))
    }

    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_millis(), Ordering::SeqCst);
    }

    pub fn advance(&self, by: Duration) {
        let later = |millis| Some((Timestamp::from_millis(millis) + by).as_millis());
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, later)
            .expect("the update always has a value");
    }
}

impl Default for ManualClock {
    /// A fixed day in the past, so that nothing in a test depends on today.
    fn default() -> Self {
        Self::at(Timestamp::from_secs(1_750_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
