//! The bodies of the staff routes and of cancel: read field by field, with a pointer per fault.

use bytes::Bytes;
use common::{Code, Currency, Fault, Money};
use http::{HeaderMap, header::CONTENT_TYPE};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::json::{self, Faults, Field, Fields, Json, Keys};

const NAME_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 2000;
const PRICE_ID_MAX: usize = 255;
const REASON_MAX: usize = 500;
const PRICE_MAX: u64 = 99_999_999;
const STOCK_MAX: u64 = 1_000_000_000;
/// More than any order can cost; what is left to refund is checked by its owner.
const REFUND_MAX: u64 = 1 << 53;

/// An item to create or change.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"name": "Cheese", "price": {"amount_minor": 550, "currency": "usd"}, "on_hand": 100}))]
pub(crate) struct ItemBody {
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    #[schema(value_type = Price)]
    pub(crate) price: Money,
    /// Unchanged when absent; 0 for a new item.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub(crate) on_hand: Option<u64>,
    #[schema(max_length = 2000)]
    pub(crate) description: Option<String>,
    /// A price kept at the provider, used in place of name and price.
    #[schema(max_length = 255, pattern = "^[A-Za-z0-9_]+$")]
    pub(crate) stripe_price_id: Option<String>,
}

/// How much comes in.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"quantity": 50}))]
pub(crate) struct RestockBody {
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub(crate) quantity: u64,
}

/// How much goes back; all that is left when `amount` is absent.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"amount": {"amount_minor": 250, "currency": "usd"}, "reason": "cold"}))]
pub(crate) struct RefundBody {
    #[schema(value_type = Option<RefundAmount>)]
    pub(crate) amount: Option<Money>,
    #[schema(max_length = 500)]
    pub(crate) reason: Option<String>,
}

/// Why.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"reason": "changed my mind"}))]
pub(crate) struct ReasonBody {
    #[schema(max_length = 500)]
    pub(crate) reason: Option<String>,
}

/// The document's word for what an item may cost.
pub(crate) struct Price;

/// The document's word for what a refund may name.
pub(crate) struct RefundAmount;

impl ToSchema for Price {}

impl PartialSchema for Price {
    fn schema() -> RefOr<Schema> {
        money_up_to(PRICE_MAX)
    }
}

impl ToSchema for RefundAmount {}

impl PartialSchema for RefundAmount {
    fn schema() -> RefOr<Schema> {
        money_up_to(REFUND_MAX)
    }
}

fn money_up_to(max: u64) -> RefOr<Schema> {
    let amount = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(max));
    let currency = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z]{3}$"));
    let money = ObjectBuilder::new().property("amount_minor", amount).required("amount_minor");
    money.property("currency", currency).required("currency").into()
}

/// Reads one object.
trait Body: Sized {
    fn read(fields: &Fields<'_>, faults: &mut Faults) -> Option<Self>;
}

macro_rules! parse {
    (required $body:ty) => {
        impl $body {
            /// `unsupported_media_type`, `malformed_json`, or `invalid_request` with a pointer per fault.
            pub(crate) fn parse(headers: &HeaderMap, body: &Bytes) -> Result<Self, Fault> {
                read(&json_of(headers, body)?)
            }
        }
    };
    (optional $body:ty) => {
        impl $body {
            /// As the others; nothing at all and `null` stand for an empty object.
            pub(crate) fn parse(headers: &HeaderMap, body: &Bytes) -> Result<Self, Fault> {
                if body.is_empty() {
                    return Ok(Self::default());
                }
                match json_of(headers, body)? {
                    Json::Null => Ok(Self::default()),
                    json => read(&json),
                }
            }
        }
    };
}

parse!(required ItemBody);
parse!(required RestockBody);
parse!(optional RefundBody);
parse!(optional ReasonBody);

fn read<B: Body>(json: &Json) -> Result<B, Fault> {
    let mut faults = Faults::default();
    let body = Fields::of(json, String::new(), Keys::AsWritten, &mut faults)
        .and_then(|fields| B::read(&fields, &mut faults));
    faults.into_result(Code::InvalidRequest)?;
    body.ok_or_else(|| Fault::internal("a body was refused without a fault"))
}

fn json_of(headers: &HeaderMap, body: &Bytes) -> Result<Json, Fault> {
    let media = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !body.is_empty() && !essence.eq_ignore_ascii_case("application/json") {
        return Err(Fault::new(Code::UnsupportedMediaType, "the body should be application/json"));
    }
    json::parse(body)
}

impl Body for ItemBody {
    fn read(fields: &Fields<'_>, faults: &mut Faults) -> Option<Self> {
        let name = fields.required("name", faults).and_then(|f| text(&f, 1, NAME_MAX, faults));
        let price = fields.required("price", faults).and_then(|f| money(&f, PRICE_MAX, faults));
        let on_hand = fields.optional("on_hand").map(|f| f.integer(&(0..=STOCK_MAX), faults));
        let description = fields.optional("description").map(|f| text(&f, 0, DESCRIPTION_MAX, faults));
        let stripe_price_id = fields.optional("stripe_price_id").map(|f| price_id(&f, faults));
        Some(Self {
            name: name?,
            price: price?,
            on_hand: on_hand.flatten(),
            description: description.flatten(),
            stripe_price_id: stripe_price_id.flatten(),
        })
    }
}

impl Body for RestockBody {
    fn read(fields: &Fields<'_>, faults: &mut Faults) -> Option<Self> {
        let quantity = fields.required("quantity", faults)?.integer(&(1..=STOCK_MAX), faults)?;
        Some(Self { quantity })
    }
}

impl Body for RefundBody {
    fn read(fields: &Fields<'_>, faults: &mut Faults) -> Option<Self> {
        let amount = fields.optional("amount").and_then(|f| money(&f, REFUND_MAX, faults));
        Some(Self { amount, reason: reason(fields, faults) })
    }
}

impl Body for ReasonBody {
    fn read(fields: &Fields<'_>, faults: &mut Faults) -> Option<Self> {
        Some(Self { reason: reason(fields, faults) })
    }
}

fn reason(fields: &Fields<'_>, faults: &mut Faults) -> Option<String> {
    fields
        .optional("reason")
        .and_then(|f| text(&f, 0, REASON_MAX, faults))
        .filter(|reason| !reason.is_empty())
}

fn text(field: &Field<'_>, min: usize, max: usize, faults: &mut Faults) -> Option<String> {
    field.text(&(min..=max), faults).map(str::to_owned)
}

fn price_id(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let id = field.text(&(1..=PRICE_ID_MAX), faults)?;
    if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        faults.add(&field.at, "expected letters, digits and underscores");
        return None;
    }
    Some(id.to_owned())
}

fn money(field: &Field<'_>, max: u64, faults: &mut Faults) -> Option<Money> {
    let fields = Fields::of(field.value, field.at.clone(), Keys::AsWritten, faults)?;
    let amount = fields.required("amount_minor", faults).and_then(|f| f.integer(&(1..=max), faults));
    let currency = fields.required("currency", faults).and_then(|f| currency(&f, faults));
    Some(Money::new(i64::try_from(amount?).ok()?, currency?))
}

fn currency(field: &Field<'_>, faults: &mut Faults) -> Option<Currency> {
    field.text(&(3..=3), faults)?.parse().map_err(|f: Fault| faults.add(&field.at, f.public())).ok()
}
