//! The load of one endpoint: a peak-sensitive moving average of its latency times what is pending there.
//!
//! The same measure as tower's `load::PeakEwma`, written anew because that one wraps a service, takes a lock for each
//! reading and cannot be told a weight; here it is two atomics.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// After this long an observation counts for a third (1/e); also how fast an idle endpoint is forgiven.
const DECAY: Duration = Duration::from_secs(10);
/// What is assumed of an endpoint before its first answer, in microseconds.
const UNKNOWN_US: f32 = 1_000.0;
/// Differences below this say nothing about an endpoint.
const FLOOR_US: f32 = 100.0;

/// Shared by all who call the endpoint.
#[derive(Debug)]
pub(crate) struct Load {
    pending: AtomicU32,
    /// The estimate in microseconds (`f32` bits, upper half) and when it was made (milliseconds since `epoch`, lower
    /// half): one word, so that it changes in one step.
    estimate: AtomicU64,
    epoch: Instant,
}

impl Load {
    pub(crate) fn new(now: Instant) -> Self {
        Self { pending: AtomicU32::new(0), estimate: AtomicU64::new(pack(UNKNOWN_US, 0)), epoch: now }
    }

    pub(crate) fn begin(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn pending(&self) -> u32 {
        self.pending.load(Ordering::Relaxed)
    }

    /// An answer took this long. A slower one counts in full at once, a faster one brings the estimate down slowly.
    pub(crate) fn observe(&self, latency: Duration, now: Instant) {
        let sample = latency.as_secs_f32() * 1e6;
        let now = self.millis(now);
        let update = |word| {
            let (estimate, then) = unpack(word);
            let keep = kept(now.wrapping_sub(then));
            let next = if sample > estimate { sample } else { estimate * keep + sample * (1.0 - keep) };
            Some(pack(next, now))
        };
        // The closure never declines, so this cannot fail.
        let _ = self.estimate.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }

    /// No answer came within this time: counts only if it is slower than what is known.
    pub(crate) fn observe_silence(&self, waited: Duration, now: Instant) {
        if waited.as_secs_f32() * 1e6 > self.latency_us(now) {
            self.observe(waited, now);
        }
    }

    /// The present estimate in microseconds.
    pub(crate) fn latency_us(&self, now: Instant) -> f32 {
        let (estimate, then) = unpack(self.estimate.load(Ordering::Relaxed));
        estimate * kept(self.millis(now).wrapping_sub(then))
    }

    /// What one more call here would cost.
    pub(crate) fn cost(&self, weight: u32, now: Instant) -> f32 {
        #[allow(clippy::cast_precision_loss)] // pending calls are few and a cost needs no exactness
        let pending = self.pending() as f32 / weight as f32;
        self.latency_us(now).max(FLOOR_US) * (1.0 + pending)
    }

    /// Wraps after 49 days; only differences are used.
    #[allow(clippy::cast_possible_truncation)]
    fn millis(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.epoch).as_millis() as u32
    }
}

/// The part of an observation that is left after this long.
fn kept(millis: u32) -> f32 {
    #[allow(clippy::cast_precision_loss)] // exact below 2²⁴ ms, and nothing is left of it long before that
    let age = millis as f32 / 1000.0;
    (-age / DECAY.as_secs_f32()).exp()
}

fn pack(estimate: f32, millis: u32) -> u64 {
    (u64::from(estimate.to_bits()) << 32) | u64::from(millis)
}

#[allow(clippy::cast_possible_truncation)] // the halves are what is wanted
fn unpack(word: u64) -> (f32, u32) {
    (f32::from_bits((word >> 32) as u32), word as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_counts_at_once_and_is_forgiven_slowly() {
        let start = Instant::now();
        let load = Load::new(start);
        let at = |ms| start + Duration::from_millis(ms);
        load.observe(Duration::from_millis(50), at(10));
        assert!((load.latency_us(at(10)) - 50_000.0).abs() < 100.0);
        load.observe(Duration::from_millis(1), at(20));
        assert!(load.latency_us(at(20)) > 49_000.0, "one fast answer does not undo a slow one");
        assert!(load.latency_us(at(60_000)) < 200.0, "a minute does");
    }

    #[test]
    fn pending_calls_make_an_endpoint_dearer_in_proportion_to_its_weight() {
        let now = Instant::now();
        let load = Load::new(now);
        let idle = load.cost(1, now);
        (0..3).for_each(|_| load.begin());
        assert!((load.cost(1, now) / idle - 4.0).abs() < 0.01);
        assert!((load.cost(3, now) / idle - 2.0).abs() < 0.01);
    }

    #[test]
    fn silence_never_makes_an_endpoint_look_faster() {
        let now = Instant::now();
        let load = Load::new(now);
        load.observe(Duration::from_millis(50), now);
        load.observe_silence(Duration::from_millis(1), now);
        assert!((load.latency_us(now) - 50_000.0).abs() < 100.0);
        load.observe_silence(Duration::from_millis(500), now);
        assert!((load.latency_us(now) - 500_000.0).abs() < 1000.0);
    }
}
