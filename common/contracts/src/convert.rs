//! Kernel values to protobuf and back; every service's `convert.rs` builds on these.

use common::{Code, Fault, Money, Timestamp};

use crate::types;

impl From<Money> for types::Money {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.amount_minor, currency: money.currency.as_str().to_owned() }
    }
}

impl TryFrom<types::Money> for Money {
    type Error = Fault;

    fn try_from(money: types::Money) -> Result<Self, Fault> {
        Ok(Self::new(money.amount_minor, money.currency.parse()?))
    }
}

/// A moment as protobuf writes it.
#[must_use]
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    std::time::SystemTime::from(at).into()
}

/// A moment from protobuf; `invalid_request` outside the years 1970–9999.
pub fn moment(at: prost_types::Timestamp) -> Result<Timestamp, Fault> {
    std::time::SystemTime::try_from(at)
        .map(Timestamp::from)
        .map_err(|_| Fault::new(Code::InvalidRequest, "the time is out of range"))
}

/// The value of a message field that must be there; `invalid_request` naming it otherwise.
pub fn required<T>(value: Option<T>, field: &'static str) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::new(Code::InvalidRequest, format!("{field} is missing")))
}
