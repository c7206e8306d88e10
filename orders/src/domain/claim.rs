//! The claim that a client's idempotency key lays on an order: who holds the key, for what, and for how long.

use std::{fmt, time::Duration};

use common::{CustomerId, IdempotencyKey, OrderId, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a key is remembered.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// Names a claim: the customer and the key they sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimKey(String);

impl ClaimKey {
    /// A customer id holds no slash, so no two customers share a key.
    #[must_use]
    pub fn new(customer: &CustomerId, key: &IdempotencyKey) -> Self {
        Self(format!("{customer}/{}", key.as_str()))
    }
}

impl fmt::Display for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub key: ClaimKey,
    pub order_id: OrderId,
    /// Of the parsed order that came with the key.
    pub fingerprint: String,
    /// Until then the first try may still be under way.
    pub lease_until: Timestamp,
    pub expires_at: Timestamp,
}

/// What a claim that is already there means for a new call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A retry of the same hop: it waits for the order like the first try.
    SameHop,
    /// The key came with another order before.
    Reused,
    /// Older than a key is kept: as if it were not there.
    Forgotten,
    /// An earlier call with the key made this order.
    Earlier(OrderId),
}

impl Claim {
    /// A claim that starts now.
    #[must_use]
    pub fn new(
        key: ClaimKey,
        order_id: OrderId,
        fingerprint: String,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self { key, order_id, fingerprint, lease_until, expires_at: now + KEPT_FOR }
    }

    /// Judges the call that wants to lay `wanted` where this claim is.
    #[must_use]
    pub fn judge(&self, wanted: &Self, now: Timestamp) -> Verdict {
        if self.order_id == wanted.order_id {
            Verdict::SameHop
        } else if now >= self.expires_at {
            Verdict::Forgotten
        } else if self.fingerprint != wanted.fingerprint {
            Verdict::Reused
        } else {
            Verdict::Earlier(self.order_id)
        }
    }

    /// How long the first try may still be under way; `None` when its lease is over.
    #[must_use]
    pub fn in_flight_for(&self, now: Timestamp) -> Option<Duration> {
        Some(self.lease_until.since(now)).filter(|left| !left.is_zero())
    }
}
