//! Create a checkout session: one durable write, on the path of every order.

use common::Currency;
use store::{Expected, Save};

use super::{
    books::{Books, Change, raw},
    create_price::currency,
};
use crate::{
    domain::{
        Metadata, Session, Token,
        session::{Line, MAX_LIFE_S, MAX_TOTAL_MINOR, MIN_LIFE_S, State},
        token,
    },
    error::ApiError,
    form::Form,
    object::session::Expand,
};

const MAX_LINES: usize = 100;
const MAX_QUANTITY: i64 = 999_999;
const MAX_REFERENCE: usize = 200;
const MAX_PAYMENT_METHOD_TYPES: usize = 20;

/// Parameters of Stripe's that change nothing on this page.
const WITHOUT_EFFECT: [&str; 4] =
    ["locale", "submit_type", "customer_creation", "billing_address_collection"];

/// The session that a caller asks for.
#[derive(Debug)]
pub struct NewSession {
    lines: Vec<NewLine>,
    expires_at: Option<u64>,
    client_reference_id: Option<String>,
    customer_email: Option<String>,
    success_url: String,
    cancel_url: Option<String>,
    metadata: Metadata,
    payment_metadata: Metadata,
    payment_method_types: Vec<String>,
    expand: Expand,
}

#[derive(Debug)]
struct NewLine {
    /// Where it stands in the form, for error messages.
    param: String,
    price: LinePrice,
    quantity: u32,
}

#[derive(Debug)]
enum LinePrice {
    Stored { id: String },
    Inline { currency: Currency, unit_minor: i64, name: String, description: Option<String> },
}

impl NewSession {
    pub fn parse(mut form: Form) -> Result<Self, ApiError> {
        form.one_of("mode", &["payment"])?.ok_or_else(|| ApiError::missing("mode"))?;
        form.one_of("ui_mode", &["hosted", "hosted_page"])?;
        let new = Self {
            lines: lines(&mut form)?,
            expires_at: form.integer("expires_at", 0..=i64::MAX)?.map(i64::unsigned_abs),
            client_reference_id: reference(&mut form)?,
            customer_email: form.text("customer_email")?,
            success_url: url(&mut form, "success_url")?.ok_or_else(|| ApiError::missing("success_url"))?,
            cancel_url: url(&mut form, "cancel_url")?,
            metadata: form.metadata()?,
            payment_metadata: payment_metadata(&mut form)?,
            payment_method_types: payment_method_types(&mut form)?,
            expand: expand(&mut form)?,
        };
        form.ignore(&WITHOUT_EFFECT);
        form.finish()?;
        Ok(new)
    }

    pub(super) async fn decide(&self, books: &Books) -> Result<Change, ApiError> {
        let session = self.session(books).await?;
        let write = books.sessions.write(&session, Expected::Absent, Save::new())?;
        Ok(Change { writes: vec![write], answer: raw(&books.show(&session, self.expand))? })
    }

    async fn session(&self, books: &Books) -> Result<Session, ApiError> {
        let token = books.mint();
        let (currency, lines) = self.priced(books).await?;
        let total_minor = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.total_minor));
        Ok(Session {
            token,
            expires_at: self.expiry(books.now().as_secs())?,
            currency,
            total_minor: total_minor.filter(|t| *t <= MAX_TOTAL_MINOR).ok_or_else(too_large)?,
            lines,
            state: State::Open,
            client_reference_id: self.client_reference_id.clone(),
            customer_email: self.customer_email.clone(),
            success_url: self.success_url.clone(),
            cancel_url: self.cancel_url.clone(),
            metadata: self.metadata.clone(),
            payment_metadata: self.payment_metadata.clone(),
            payment_method_types: self.payment_method_types.clone(),
        })
    }

    /// The window is measured from our clock, as Stripe does, not from the caller's.
    fn expiry(&self, now_s: u64) -> Result<u64, ApiError> {
        let expires_at = self.expires_at.unwrap_or(now_s + MAX_LIFE_S);
        if (now_s + MIN_LIFE_S..=now_s + MAX_LIFE_S).contains(&expires_at) {
            return Ok(expires_at);
        }
        let bound =
            if expires_at < now_s + MIN_LIFE_S { "at least 30 minutes" } else { "less than 24 hours" };
        let message = format!("The `expires_at` timestamp must be {bound} from Checkout Session creation.");
        Err(ApiError::invalid(message).with_param("expires_at"))
    }

    async fn priced(&self, books: &Books) -> Result<(Currency, Vec<Line>), ApiError> {
        let mut currency = None;
        let mut lines = Vec::with_capacity(self.lines.len());
        for new in &self.lines {
            let (line_currency, line) = new.priced(books).await?;
            if *currency.get_or_insert(line_currency) != line_currency {
                return Err(
                    ApiError::invalid("All line items must have the same currency.").with_param("line_items")
                );
            }
            lines.push(line);
        }
        let currency = currency.ok_or_else(|| ApiError::missing("line_items"))?;
        Ok((currency, lines))
    }
}

impl NewLine {
    fn parse(mut form: Form) -> Result<Self, ApiError> {
        let param = form.name("price");
        let price = match (form.text("price")?, form.branch("price_data")?) {
            (Some(id), None) => LinePrice::Stored { id },
            (None, Some(data)) => inline_price(data)?,
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid(
                    "You may only specify one of these parameters: price, price_data.",
                )
                .with_param(param));
            }
            (None, None) => return Err(ApiError::missing(form.name("price_data"))),
        };
        let quantity = form.required_integer("quantity", 1..=MAX_QUANTITY)?;
        form.finish()?;
        Ok(Self { param, price, quantity: u32::try_from(quantity).expect("bounded when it was parsed") })
    }

    async fn priced(&self, books: &Books) -> Result<(Currency, Line), ApiError> {
        let (currency, unit_minor, name, description, price) = match &self.price {
            LinePrice::Inline { currency, unit_minor, name, description } => {
                (*currency, *unit_minor, name.clone(), description.clone(), None)
            }
            LinePrice::Stored { id } => {
                let known = Token::parse(id, token::PRICE).is_some();
                let stored = if known { books.prices.load(id).await? } else { None };
                let price = stored.ok_or_else(|| ApiError::no_such_param("price", id, &*self.param))?.body;
                (price.currency, price.unit_minor, price.name, None, Some(price.token))
            }
        };
        let total_minor = unit_minor.checked_mul(i64::from(self.quantity)).ok_or_else(too_large)?;
        Ok((currency, Line { name, description, unit_minor, quantity: self.quantity, total_minor, price }))
    }
}

fn lines(form: &mut Form) -> Result<Vec<NewLine>, ApiError> {
    let lines = form.branches("line_items")?;
    if lines.is_empty() {
        return Err(ApiError::missing("line_items"));
    }
    if lines.len() > MAX_LINES {
        let message = format!("A Checkout Session can have up to {MAX_LINES} line items.");
        return Err(ApiError::invalid(message).with_param("line_items"));
    }
    lines.into_iter().map(NewLine::parse).collect()
}

fn inline_price(mut data: Form) -> Result<LinePrice, ApiError> {
    let currency = currency(&mut data)?;
    let unit_minor = data.required_integer("unit_amount", 0..=MAX_TOTAL_MINOR)?;
    let mut product =
        data.branch("product_data")?.ok_or_else(|| ApiError::missing(data.name("product_data")))?;
    let name = product.required_text("name")?;
    let description = product.text("description")?;
    product.ignore(&["images", "metadata", "tax_code"]);
    product.finish()?;
    data.ignore(&["tax_behavior"]);
    data.finish()?;
    Ok(LinePrice::Inline { currency, unit_minor, name, description })
}

fn reference(form: &mut Form) -> Result<Option<String>, ApiError> {
    let reference = form.text("client_reference_id")?;
    let fits = |r: &String| r.len() <= MAX_REFERENCE && !r.contains(char::is_control);
    if reference.as_ref().is_none_or(fits) {
        return Ok(reference);
    }
    let message = format!("Invalid client_reference_id: at most {MAX_REFERENCE} printable characters.");
    Err(ApiError::invalid(message).with_param("client_reference_id"))
}

fn payment_metadata(form: &mut Form) -> Result<Metadata, ApiError> {
    let Some(mut data) = form.branch("payment_intent_data")? else { return Ok(Metadata::new()) };
    let metadata = data.metadata()?;
    data.ignore(&["description", "receipt_email", "statement_descriptor_suffix"]);
    data.finish()?;
    Ok(metadata)
}

fn payment_method_types(form: &mut Form) -> Result<Vec<String>, ApiError> {
    let mut types = form.texts("payment_method_types")?;
    // What newer versions of the API take in its place.
    types.extend(form.texts("allowed_payment_method_types")?);
    let word = |t: &String| !t.is_empty() && t.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if types.len() > MAX_PAYMENT_METHOD_TYPES || !types.iter().all(word) {
        return Err(ApiError::invalid("Invalid payment_method_types.").with_param("payment_method_types"));
    }
    Ok(if types.is_empty() { vec!["card".to_owned()] } else { types })
}

/// `expand[]` of a session.
pub(crate) fn expand(form: &mut Form) -> Result<Expand, ApiError> {
    let mut expand = Expand::default();
    for path in form.texts("expand")? {
        match path.as_str() {
            "line_items" => expand.line_items = true,
            "payment_intent" => expand.payment_intent = true,
            "payment_intent.latest_charge" => {
                expand.payment_intent = true;
                expand.latest_charge = true;
            }
            other => {
                return Err(ApiError::invalid(format!("This property cannot be expanded ({other})."))
                    .with_param("expand"));
            }
        }
    }
    Ok(expand)
}

/// An absolute web address; it may hold Stripe's placeholder for the session's id.
fn url(form: &mut Form, field: &str) -> Result<Option<String>, ApiError> {
    let Some(text) = form.text(field)? else { return Ok(None) };
    let filled = fill_placeholder(&text, "cs_test_0");
    let absolute = filled.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty())
    });
    if absolute {
        return Ok(Some(text));
    }
    Err(ApiError::parameter("url_invalid", form.name(field), "Not a valid URL"))
}

/// The address with the session's id in its place.
#[must_use]
pub fn fill_placeholder(url: &str, session_id: &str) -> String {
    url.replace("{CHECKOUT_SESSION_ID}", session_id)
}

fn too_large() -> ApiError {
    let message = "The Checkout Session's total amount due must add up to at most 999,999.99.";
    ApiError::parameter("amount_too_large", "line_items", message)
}
