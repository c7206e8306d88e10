//! Randomness and new ids as ports: a seed makes a whole run repeatable.

use std::{fmt, sync::Arc};

use rand::RngCore as _;
use uuid::Uuid;

use crate::{clock::Clock, id::Id};

/// A source of random bytes.
pub trait Random: Send + Sync + fmt::Debug {
    fn fill(&self, bytes: &mut [u8]);

    /// A random number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A random number below `bound`; 0 when the bound is 0. The bias of the remainder is below 2⁻³² for the
    /// bounds used here (instances, milliseconds).
    fn below(&self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }
}

/// The operating system's randomness, through a per-thread generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Mints time-sortable ids (UUIDv7, RFC 9562) from a clock and a source of randomness.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Ids {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }

    /// A new id of the type that is asked for.
    #[must_use]
    pub fn mint<T: Id>(&self) -> T {
        T::from_uuid(self.uuid())
    }

    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(self.clock.now().as_millis(), &bytes).into_uuid()
    }
}
