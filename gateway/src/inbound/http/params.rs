//! What a path, a query and headers may say. Everything that is not fit is `invalid_parameter`, except ids of ours:
//! one that we did not mint is simply not there.

use common::{Code, CustomerId, Fault, IdempotencyKey, ItemId, Limit, OrderId};
use contracts::{kitchen::TicketState, orders::OrderStatus};
use http::{HeaderMap, HeaderName};

use crate::inbound::convert;

const CURSOR_MAX: usize = 1024;

/// The position and size of a page, as a list route was asked for it.
#[derive(Debug)]
pub(crate) struct PageQuery {
    pub(crate) limit: u32,
    pub(crate) cursor: String,
}

/// A query string, decoded.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, Fault> {
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

    pub(crate) fn page(&self) -> Result<PageQuery, Fault> {
        let limit = match self.one("limit")? {
            Some(text) => {
                Limit::new(digits(text).ok_or_else(|| invalid("limit is a number from 1 to 100"))?)?
            }
            None => Limit::DEFAULT,
        };
        let cursor = self.one("cursor")?.unwrap_or_default();
        if cursor.len() > CURSOR_MAX || !cursor.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid("this is not a cursor of ours"));
        }
        Ok(PageQuery {
            limit: u32::try_from(limit.get()).unwrap_or(u32::from(Limit::MAX)),
            cursor: cursor.to_owned(),
        })
    }

    pub(crate) fn status(&self) -> Result<OrderStatus, Fault> {
        let Some(text) = self.one("status")? else { return Ok(OrderStatus::Unspecified) };
        convert::parse_order_status(text).ok_or_else(|| invalid("there is no such order status"))
    }

    pub(crate) fn ticket_state(&self) -> Result<TicketState, Fault> {
        let Some(text) = self.one("state")? else { return Ok(TicketState::Unspecified) };
        convert::parse_ticket_state(text).ok_or_else(|| invalid("there is no such ticket state"))
    }
}

/// A number of plain digits; no sign, no spaces.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().unwrap_or(u64::MAX))
}

pub(crate) fn customer(segment: &str) -> Result<CustomerId, Fault> {
    segment.parse()
}

pub(crate) fn item(segment: &str) -> Result<ItemId, Fault> {
    segment.parse()
}

pub(crate) fn order(segment: &str) -> Result<OrderId, Fault> {
    segment.parse()
}

/// A ticket's id; `ticket_not_found` when it is not one of ours.
pub(crate) fn ticket(segment: &str) -> Result<String, Fault> {
    match OrderId::from_shown(segment, "tkt") {
        Some(order) => Ok(order.shown_as("tkt")),
        None => Err(Fault::new(Code::TicketNotFound, "there is no such ticket")),
    }
}

/// The name of a payment provider.
pub(crate) fn provider(segment: &str) -> Result<String, Fault> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if (1..=32).contains(&segment.len()) && segment.bytes().all(plain) {
        return Ok(segment.to_owned());
    }
    Err(invalid("this is not the name of a provider"))
}

pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Fault> {
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
