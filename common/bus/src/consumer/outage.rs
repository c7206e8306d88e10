//! Whether a dependency of the handler is away, and when to probe it.

use common::Random;
use tokio::time::Instant;

use super::BACKOFF;

/// A pause begins with a transient fault and ends with a success. In between one event at a time probes.
#[derive(Debug, Default)]
pub(super) struct Outage(Option<Pause>);

#[derive(Debug)]
struct Pause {
    /// Failed probes in a row, and the failure that began it.
    failures: u32,
    probe_at: Instant,
    probing: bool,
}

impl Outage {
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// When the next probe should go out; `None` without an outage or while a probe is in hand.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        self.0.as_ref().filter(|pause| !pause.probing).map(|pause| pause.probe_at)
    }

    /// How often an event may have failed for no other reason than this outage.
    pub(super) fn failures(&self) -> u32 {
        self.0.as_ref().map_or(0, |pause| pause.failures)
    }

    pub(super) fn probe_sent(&mut self) {
        if let Some(pause) = &mut self.0 {
            pause.probing = true;
        }
    }

    /// An attempt failed for want of a dependency; true when this began the outage.
    pub(super) fn failed(&mut self, was_probe: bool, random: &dyn Random) -> bool {
        let failures = self.failures();
        if failures > 0 && !was_probe {
            return false; // it was on its way when the outage began
        }
        let failures = failures + 1;
        let probe_at = Instant::now() + BACKOFF.delay(failures, random);
        self.0 = Some(Pause { failures, probe_at, probing: false });
        failures == 1
    }

    /// A probe ended without telling anything about the dependency: the next may go at once.
    pub(super) fn undecided(&mut self) {
        if let Some(pause) = &mut self.0 {
            pause.probing = false;
            pause.probe_at = Instant::now();
        }
    }

    /// A handler got through; the failures of the outage that this ended, if there was one.
    pub(super) fn over(&mut self) -> Option<u32> {
        self.0.take().map(|pause| pause.failures)
    }
}
