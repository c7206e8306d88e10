//! `price`: a stored one, or the one that an inline amount stands for.

use common::Currency;
use serde::Serialize;

use super::Empty;
use crate::domain::{self, Token, session, token};

#[derive(Debug, Serialize)]
pub struct Price<'a> {
    id: String,
    object: &'static str,
    active: bool,
    billing_scheme: &'static str,
    created: u64,
    currency: Currency,
    livemode: bool,
    metadata: Metadata<'a>,
    nickname: Option<&'a str>,
    product: String,
    recurring: Option<Empty>,
    tax_behavior: &'static str,
    #[serde(rename = "type")]
    price_type: &'static str,
    unit_amount: i64,
    unit_amount_decimal: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Metadata<'a> {
    None(Empty),
    Some(&'a domain::Metadata),
}

/// Where the price of a line comes from.
#[derive(Clone, Copy, Debug)]
pub enum PriceSource {
    Stored(Token),
    /// The line's number in the session with this token.
    Inline(Token, usize),
}

impl<'a> Price<'a> {
    #[must_use]
    pub fn stored(price: &'a domain::Price) -> Self {
        let mut rendered = Self::bare(PriceSource::Stored(price.token), price.currency, price.unit_minor);
        rendered.created = price.token.created();
        rendered.metadata = Metadata::Some(&price.metadata);
        rendered
    }

    #[must_use]
    pub fn of_line(session: &domain::Session, line: &session::Line, source: PriceSource) -> Self {
        let mut rendered = Self::bare(source, session.currency, line.unit_minor);
        rendered.created = session.token.created();
        rendered.active = matches!(source, PriceSource::Stored(_));
        rendered
    }

    fn bare(source: PriceSource, currency: Currency, unit_minor: i64) -> Self {
        let (id, product) = match source {
            PriceSource::Stored(token) => (token.with(token::PRICE), token.with(token::PRODUCT)),
            PriceSource::Inline(token, number) => (
                format!("{}_{number}", token.with(token::PRICE)),
                format!("{}_{number}", token.with(token::PRODUCT)),
            ),
        };
        Self {
            id,
            object: "price",
            active: true,
            billing_scheme: "per_unit",
            created: 0,
            currency,
            livemode: false,
            metadata: Metadata::None(Empty {}),
            nickname: None,
            product,
            recurring: None,
            tax_behavior: "unspecified",
            price_type: "one_time",
            unit_amount: unit_minor,
            unit_amount_decimal: unit_minor.to_string(),
        }
    }
}
