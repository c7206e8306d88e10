//! The client's idempotency key, and the name that a key gives to the thing it creates.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::fault::{Code, Fault};

/// A client's `Idempotency-Key`: 1–255 printable ASCII characters, without the quotes it may be sent in.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub const MAX_LEN: usize = 255;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Fault;

    /// `invalid_parameter` for an empty, too long or unprintable key.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        let fits =
            (1..=Self::MAX_LEN).contains(&bare.len()) && bare.bytes().all(|b| (0x20..0x7f).contains(&b));
        fits.then(|| Self(bare.to_owned())).ok_or_else(|| {
            Fault::new(Code::InvalidParameter, "an Idempotency-Key is 1 to 255 printable ASCII characters")
        })
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        assert_eq!("\"k-1\"".parse::<IdempotencyKey>().unwrap(), "k-1".parse().unwrap());
        for bad in ["", "\"\"", "a\nb", "ключ"] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }
}
