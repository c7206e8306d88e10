//! Ids as Stripe writes them: a prefix and a token. The token is a UUIDv7, so that ids sort by time; a session, its
//! payment intent and its charge share one token, so that there is one of each by construction.

use common::id::Id;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub const SESSION: &str = "cs_test_";
pub const INTENT: &str = "pi_";
pub const CHARGE: &str = "ch_";
pub const REFUND: &str = "re_";
pub const EVENT: &str = "evt_";
pub const PRICE: &str = "price_";
pub const PRODUCT: &str = "prod_";

/// What stands behind the prefix of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(Uuid);

impl Id for Token {
    const PREFIX: &'static str = "";

    fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    fn uuid(&self) -> Uuid {
        self.0
    }
}

impl Token {
    /// This token or, when `last` is of the same millisecond and not below it, the one behind `last`.
    #[must_use]
    pub fn behind(self, last: Self) -> Self {
        let (own, last) = (self.0.as_u128(), last.0.as_u128());
        let overtaken = own >> 80 == last >> 80 && own <= last;
        if overtaken { Self(Uuid::from_u128(last + 1)) } else { self }
    }

    /// The least token of this second: every token minted before it sorts below.
    #[must_use]
    pub fn first_of_second(secs: u64) -> Self {
        let millis = u128::from(secs.saturating_mul(1000)).min((1 << 48) - 1);
        Self(Uuid::from_u128(millis << 80))
    }

    /// When it was minted, in seconds since the epoch: `created` of everything here.
    #[must_use]
    pub fn created(self) -> u64 {
        u64::try_from(self.0.as_u128() >> 80).unwrap_or(u64::MAX) / 1000
    }

    /// The id with this prefix.
    #[must_use]
    pub fn with(self, prefix: &str) -> String {
        format!("{prefix}{}", self.0.simple())
    }

    /// The token of an id; `None` when it has another prefix or form.
    #[must_use]
    pub fn parse(id: &str, prefix: &str) -> Option<Self> {
        let digits = id.strip_prefix(prefix)?;
        let ours = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        ours.then(|| Uuid::try_parse(digits).ok().map(Self)).flatten()
    }
}

impl TryFrom<String> for Token {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text, "").ok_or("a token is 32 lower-case hexadecimal digits")
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.with("")
    }
}
