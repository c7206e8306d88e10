//! Create a stored price.

use common::Currency;
use store::{Expected, Save};

use super::books::{Books, Change, raw};
use crate::{
    domain::{Metadata, Price, session::MAX_TOTAL_MINOR},
    error::ApiError,
    form::Form,
    object,
};

#[derive(Debug)]
pub struct NewPrice {
    currency: Currency,
    unit_minor: i64,
    name: String,
    metadata: Metadata,
}

impl NewPrice {
    pub fn parse(mut form: Form) -> Result<Self, ApiError> {
        let currency = currency(&mut form)?;
        let unit_minor = form.required_integer("unit_amount", 0..=MAX_TOTAL_MINOR)?;
        let metadata = form.metadata()?;
        let mut product =
            form.branch("product_data")?.ok_or_else(|| ApiError::missing(form.name("product_data")))?;
        let name = product.required_text("name")?;
        product.finish()?;
        form.ignore(&["active", "nickname", "tax_behavior", "expand"]);
        form.finish()?;
        Ok(Self { currency, unit_minor, name, metadata })
    }

    pub(super) fn decide(&self, books: &Books) -> Result<Change, ApiError> {
        let price = Price {
            token: books.mint(),
            currency: self.currency,
            unit_minor: self.unit_minor,
            name: self.name.clone(),
            metadata: self.metadata.clone(),
        };
        let write = books.prices.write(&price, Expected::Absent, Save::new())?;
        Ok(Change { writes: vec![write], answer: raw(&object::price::Price::stored(&price))? })
    }
}

/// The required currency at this place of a form.
pub(super) fn currency(form: &mut Form) -> Result<Currency, ApiError> {
    let text = form.required_text("currency")?;
    text.parse().map_err(|_| {
        let message = format!("Invalid currency: {text}. A currency is three letters, such as usd.");
        ApiError::invalid(message).with_param(form.name("currency"))
    })
}
