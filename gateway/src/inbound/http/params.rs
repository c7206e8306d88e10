//! What a path, a query and headers may say. Everything that is not fit is `invalid_parameter`, except ids of ours:
//! one that we did not mint is simply not there.

use axum::extract::FromRequestParts;
use common::{Code, CustomerId, Fault, IdempotencyKey, ItemId, Limit, OrderId};
use contracts::{kitchen::TicketState, orders::OrderStatus};
use http::{HeaderMap, HeaderName, request::Parts};
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::inbound::{
    convert,
    views::{OrderStatusName, TicketStateName},
};

const CURSOR_MAX: usize = 1024;

/// The customer of a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CustomerPath {
    /// The customer, as the caller names them.
    #[param(example = "2", min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$")]
    customer_id: String,
}

/// The customer and the order of a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OrderPath {
    /// The customer, as the caller names them.
    #[param(example = "2", min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$")]
    customer_id: String,
    /// The order.
    #[param(example = "ord_019a5c9b3f6b7d3e8a4b1c2d3e4f5a6b")]
    order_id: String,
}

/// The order of a staff path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AnyOrderPath {
    /// The order.
    #[param(example = "ord_019a5c9b3f6b7d3e8a4b1c2d3e4f5a6b")]
    order_id: String,
}

/// The item of a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ItemPath {
    /// The item.
    #[param(example = "2", min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$")]
    item_id: String,
}

/// The ticket of a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TicketPath {
    /// The ticket.
    #[param(example = "tkt_019a5c9b3f6b7d3e8a4b1c2d3e4f5a6b")]
    ticket_id: String,
}

/// The queue of a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct QueuePath {
    /// The queue.
    #[param(example = "stock.orders")]
    pub(crate) queue: String,
}

/// The queue and the dead letter of a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DeadLetterPath {
    /// The queue.
    #[param(example = "stock.orders")]
    pub(crate) queue: String,
    /// The dead letter, as the list names it.
    #[param(example = "41")]
    pub(crate) dead_letter_id: String,
}

/// The provider of a webhook.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProviderPath {
    /// The payment provider.
    #[param(example = "stripe", min_length = 1, max_length = 32, pattern = "^[a-z0-9_-]+$")]
    provider: String,
}

impl CustomerPath {
    pub(crate) fn customer(&self) -> Result<CustomerId, Fault> {
        self.customer_id.parse()
    }
}

impl OrderPath {
    pub(crate) fn ids(&self) -> Result<(CustomerId, OrderId), Fault> {
        Ok((self.customer_id.parse()?, self.order_id.parse()?))
    }
}

impl AnyOrderPath {
    pub(crate) fn order(&self) -> Result<OrderId, Fault> {
        self.order_id.parse()
    }
}

impl ItemPath {
    pub(crate) fn item(&self) -> Result<ItemId, Fault> {
        self.item_id.parse()
    }
}

impl TicketPath {
    /// `ticket_not_found` when it is not one of ours.
    pub(crate) fn ticket(self) -> Result<String, Fault> {
        match OrderId::from_shown(&self.ticket_id, "tkt") {
            Some(_) => Ok(self.ticket_id),
            None => Err(Fault::new(Code::TicketNotFound, "there is no such ticket")),
        }
    }
}

impl ProviderPath {
    pub(crate) fn stripe() -> Self {
        Self { provider: "stripe".to_owned() }
    }

    pub(crate) fn provider(self) -> Result<String, Fault> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if (1..=32).contains(&self.provider.len()) && self.provider.bytes().all(plain) {
            return Ok(self.provider);
        }
        Err(invalid("this is not the name of a provider"))
    }
}

/// Which page of which orders.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderFilter {
    /// Only orders in this status.
    #[param(value_type = Option<OrderStatusName>, required = false)]
    pub(crate) status: OrderStatus,
    /// Orders per page; 20 unless told.
    #[param(value_type = Option<u32>, required = false, minimum = 1, maximum = 100)]
    pub(crate) limit: u32,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, required = false, max_length = 1024, pattern = "^[!-~]*$")]
    pub(crate) cursor: String,
}

/// Which page of which tickets.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TicketFilter {
    /// Only tickets in this state.
    #[param(value_type = Option<TicketStateName>, required = false)]
    pub(crate) state: TicketState,
    /// Tickets per page; 20 unless told.
    #[param(value_type = Option<u32>, required = false, minimum = 1, maximum = 100)]
    pub(crate) limit: u32,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, required = false, max_length = 1024, pattern = "^[!-~]*$")]
    pub(crate) cursor: String,
}

/// How many dead letters.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeadLetterLimit {
    /// At most this many; 20 unless told.
    #[param(value_type = Option<u32>, required = false, minimum = 1, maximum = 100)]
    pub(crate) limit: u32,
}

impl DeadLetterLimit {
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, Fault> {
        Ok(Self { limit: Query::parse(raw)?.limit()? })
    }
}

impl OrderFilter {
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, Fault> {
        let query = Query::parse(raw)?;
        Ok(Self { status: query.status()?, limit: query.limit()?, cursor: query.cursor()? })
    }
}

impl TicketFilter {
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, Fault> {
        let query = Query::parse(raw)?;
        Ok(Self { state: query.ticket_state()?, limit: query.limit()?, cursor: query.cursor()? })
    }
}

/// A query string, decoded.
#[derive(Debug)]
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(raw: Option<&str>) -> Result<Self, Fault> {
        let pairs = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decoded = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        };
        let pairs: Option<Vec<_>> = pairs.map(decoded).collect();
        pairs.map(Self).ok_or_else(|| invalid("the query is not well-formed"))
    }

    /// The value of a parameter; `invalid_parameter` when it is there twice.
    fn one(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(invalid(format!("{name} is there twice")));
        }
        Ok(first)
    }

    fn limit(&self) -> Result<u32, Fault> {
        let limit = match self.one("limit")? {
            Some(text) => {
                Limit::new(digits(text).ok_or_else(|| invalid("limit is a number from 1 to 100"))?)?
            }
            None => Limit::DEFAULT,
        };
        Ok(u32::try_from(limit.get()).unwrap_or(u32::from(Limit::MAX)))
    }

    fn cursor(&self) -> Result<String, Fault> {
        let cursor = self.one("cursor")?.unwrap_or_default();
        if cursor.len() > CURSOR_MAX || !cursor.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid("this is not a cursor of ours"));
        }
        Ok(cursor.to_owned())
    }

    fn status(&self) -> Result<OrderStatus, Fault> {
        let Some(text) = self.one("status")? else { return Ok(OrderStatus::Unspecified) };
        convert::parse_order_status(text).ok_or_else(|| invalid("there is no such order status"))
    }

    fn ticket_state(&self) -> Result<TicketState, Fault> {
        let Some(text) = self.one("state")? else { return Ok(TicketState::Unspecified) };
        convert::parse_ticket_state(text).ok_or_else(|| invalid("there is no such ticket state"))
    }
}

/// A number of plain digits; no sign, no spaces.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The client's key, without a copy of all the other headers.
#[derive(Debug)]
pub(crate) struct Key(pub(crate) Option<IdempotencyKey>);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(idempotency_key(&parts.headers)?))
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Fault> {
    header(headers, &HeaderName::from_static("idempotency-key"))?.map(str::parse).transpose()
}

/// The version that an event stream has seen already; 0: none.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Result<u64, Fault> {
    match header(headers, &HeaderName::from_static("last-event-id"))? {
        None | Some("") => Ok(0),
        Some(text) => digits(text).ok_or_else(|| invalid("Last-Event-ID is the version of an order")),
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    let text = first.map(|value| value.to_str().ok()).unwrap_or(Some(""));
    match (first, second, text) {
        (None, ..) => Ok(None),
        (Some(_), None, Some(text)) => Ok(Some(text)),
        _ => Err(invalid(format!("the header {name} is not well-formed"))),
    }
}

/// `invalid_parameter` for bad percent-encoding, and for an empty segment below `/api/`.
pub(crate) fn check_path(path: &str) -> Result<(), Fault> {
    let below = path.strip_prefix("/api/").unwrap_or("all");
    if below.split('/').any(str::is_empty) || (path.contains('%') && decode(path).is_none()) {
        return Err(invalid("a segment of the path is empty or badly encoded"));
    }
    Ok(())
}

/// A cursor or filter that its owner refused is a bad parameter here.
pub(crate) fn as_parameter(fault: Fault) -> Fault {
    if fault.code() == Code::InvalidRequest { invalid(fault.public().to_owned()) } else { fault }
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(Code::InvalidParameter, text)
}

/// Percent-decodes; `None` when it is badly encoded or not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}
