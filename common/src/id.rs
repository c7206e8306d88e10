//! Typed ids: ours are a prefix and a UUIDv7, so they sort by time; customers and items bring their own strings.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::fault::{Code, Fault};

/// An id that we mint: a prefix, `_`, and a UUID as 32 hexadecimal digits.
pub trait Id: Sized {
    const PREFIX: &'static str;

    fn from_uuid(uuid: Uuid) -> Self;
    fn uuid(&self) -> Uuid;
}

macro_rules! minted_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $not_ours:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;

            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            fn uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            /// Accepts only the form that we write: the prefix and 32 lower-case hexadecimal digits.
            fn from_str(text: &str) -> Result<Self, Fault> {
                parse_minted(text, $prefix).map(Self).ok_or_else($not_ours)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Fault;

            fn try_from(text: String) -> Result<Self, Fault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

fn parse_minted(text: &str, prefix: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    let lower = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    lower.then(|| Uuid::try_parse(digits).ok()).flatten()
}

minted_id!(
    /// An order.
    OrderId, "ord", || Fault::new(Code::OrderNotFound, "there is no such order"));
minted_id!(
    /// A refund entry of an order.
    RefundId, "rfd", || Fault::new(Code::InvalidRequest, "this is not a refund id"));
minted_id!(
    /// A stock movement that staff asked for.
    MovementId, "mov", || Fault::new(Code::InvalidRequest, "this is not a movement id"));
minted_id!(
    /// An event.
    EventId, "evt", || Fault::new(Code::InvalidRequest, "this is not an event id"));

impl OrderId {
    /// The id that is shown for the order's reservation, payment or ticket (`rsv`, `pay`, `tkt`): the same UUID
    /// behind another prefix, so that there is one per order by construction.
    #[must_use]
    pub fn shown_as(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.0.simple())
    }

    /// The order that a shown id belongs to, if it has this prefix.
    #[must_use]
    pub fn from_shown(text: &str, prefix: &str) -> Option<Self> {
        parse_minted(text, prefix).map(Self)
    }
}

/// Longest id that a caller may bring.
pub const EXTERNAL_ID_MAX: usize = 64;

macro_rules! external_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            /// Accepts 1–64 characters of `[A-Za-z0-9_.:-]`; `invalid_parameter` otherwise.
            fn from_str(text: &str) -> Result<Self, Fault> {
                let fits = (1..=EXTERNAL_ID_MAX).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b));
                if fits {
                    Ok(Self(text.into()))
                } else {
                    Err(Fault::new(Code::InvalidParameter, concat!($what, " is 1 to 64 characters of A-Z a-z 0-9 _ . : -")))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Fault;

            fn try_from(text: String) -> Result<Self, Fault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                (*id.0).to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

external_id!(
    /// A customer, as the caller names them.
    CustomerId, "a customer id");
external_id!(
    /// An item of the menu, as staff name it.
    ItemId, "an item id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_id_parses_back_and_nothing_else_does() {
        let id = OrderId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
        for bad in [
            "",
            "ord_",
            "ord_zz",
            "rfd_00000000000000000000000000000007",
            "ord_0000000000000000000000000000000G",
        ] {
            assert!(bad.parse::<OrderId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shown_id_leads_back_to_its_order() {
        let id = OrderId::from_uuid(Uuid::from_u128(7));
        assert_eq!(OrderId::from_shown(&id.shown_as("tkt"), "tkt"), Some(id));
        assert_eq!(OrderId::from_shown(&id.shown_as("tkt"), "pay"), None);
    }

    #[test]
    fn an_external_id_has_one_to_sixty_four_plain_characters() {
        assert!("a".repeat(64).parse::<ItemId>().is_ok());
        for bad in [String::new(), "a".repeat(65), "a b".into(), "a/b".into(), "ä".into(), "a\0".into()] {
            assert!(bad.parse::<CustomerId>().is_err(), "{bad:?}");
        }
    }
}
