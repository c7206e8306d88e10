//! How many streams there may be, in this process and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::{Code, Fault};
use prometheus_client::metrics::gauge::Gauge;
use telemetry::Metrics;

const PER_PROCESS: usize = 1000;
const PER_ADDRESS: usize = 20;
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The streams that are open. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    gauge: Gauge,
}

/// One stream's place; dropping it frees it.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    address: IpAddr,
}

impl Slots {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let gauge = metrics.gauge("http_event_streams", "Server-Sent Event streams that are open");
        Self { open: Arc::default(), gauge }
    }

    /// A place for one more stream: `too_many_streams` when the address has its share, `unavailable` when the process
    /// has.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Result<Slot, Fault> {
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_canonical();
        let mut open = self.lock();
        if open.get(&address).is_some_and(|count| *count >= PER_ADDRESS) {
            let fault = Fault::new(Code::TooManyStreams, "too many event streams from this address");
            return Err(fault.with_retry_after(RETRY_AFTER));
        }
        if open.values().sum::<usize>() >= PER_PROCESS {
            return Err(Fault::unavailable("every event stream is taken").with_retry_after(RETRY_AFTER));
        }
        *open.entry(address).or_default() += 1;
        self.gauge.inc();
        Ok(Slot { slots: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
        self.slots.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_twenty_streams_and_the_process_a_thousand() {
        let slots = Slots::new(&Metrics::new());
        let enter = |n: u8| slots.enter(Some(IpAddr::from([10, 0, 0, n])));
        let mut held: Vec<_> = (0..PER_ADDRESS).map(|_| enter(1).unwrap()).collect();
        assert_eq!(enter(1).unwrap_err().code(), Code::TooManyStreams);
        held.pop();
        held.push(enter(1).unwrap());
        for n in 2..=50 {
            held.extend((0..PER_ADDRESS).map(|_| enter(n).unwrap()));
        }
        assert_eq!(held.len(), PER_PROCESS);
        assert_eq!(enter(51).unwrap_err().code(), Code::Unavailable);
        drop(held);
        assert!(slots.lock().is_empty());
    }
}
