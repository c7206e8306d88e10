//! Money: an integer of minor units and a currency. Never a float; every operation is checked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::fault::{Code, Fault};

/// An ISO 4217 currency code in lower case, such as `usd`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    pub const USD: Self = Self(*b"usd");

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters, checked when parsed")
    }
}

impl FromStr for Currency {
    type Err = Fault;

    /// Accepts three ASCII letters in any case; `invalid_request` otherwise.
    fn from_str(text: &str) -> Result<Self, Fault> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self(letters.map(|b| b.to_ascii_lowercase())))
            }
            _ => Err(Fault::new(Code::InvalidRequest, "a currency is three letters, such as usd")),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in minor units (cents for `usd`) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub amount_minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.amount_minor == 0
    }

    /// The sum; `invalid_request` when the currencies differ or the sum overflows.
    pub fn plus(self, other: Self) -> Result<Self, Fault> {
        self.combine(other, i64::checked_add)
    }

    /// The difference; `invalid_request` when the currencies differ or it overflows. It may be negative.
    pub fn minus(self, other: Self) -> Result<Self, Fault> {
        self.combine(other, i64::checked_sub)
    }

    /// The amount `quantity` times; `invalid_request` on overflow.
    pub fn times(self, quantity: u32) -> Result<Self, Fault> {
        self.amount_minor
            .checked_mul(i64::from(quantity))
            .map(|amount_minor| Self { amount_minor, ..self })
            .ok_or_else(Self::overflow)
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, Fault> {
        if self.currency != other.currency {
            return Err(Fault::new(
                Code::InvalidRequest,
                format!("amounts in {} and {} cannot be combined", self.currency, other.currency),
            ));
        }
        operation(self.amount_minor, other.amount_minor)
            .map(|amount_minor| Self { amount_minor, ..self })
            .ok_or_else(Self::overflow)
    }

    fn overflow() -> Fault {
        Fault::new(Code::InvalidRequest, "the amount is too large")
    }
}

impl fmt::Display for Money {
    /// Minor units with two decimals, good for logs; currencies with other exponents show as hundredths too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let minor = self.amount_minor.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", minor / 100, minor % 100, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_is_an_error_and_never_wraps() {
        assert!(Money::new(i64::MAX, Currency::USD).plus(Money::new(1, Currency::USD)).is_err());
        assert!(Money::new(i64::MAX / 2, Currency::USD).times(3).is_err());
        assert!(Money::new(i64::MIN, Currency::USD).minus(Money::new(1, Currency::USD)).is_err());
    }

    #[test]
    fn two_currencies_never_mix() {
        let euro: Currency = "EUR".parse().unwrap();
        assert!(Money::new(1, Currency::USD).plus(Money::new(1, euro)).is_err());
    }

    #[test]
    fn a_currency_is_three_letters() {
        for bad in ["", "us", "usdd", "u5d", "ü1"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }
}
