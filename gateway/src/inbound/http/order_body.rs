//! The body of an order, in its three forms, and where each item stands in it.

use std::{borrow::Cow, collections::HashMap};

use common::{Code, Fault, ItemId};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::json::{self, Faults, Field, Fields, Json, Keys, pointer};

pub(crate) const LINES_MAX: usize = 50;
const QUANTITY_MAX: u64 = 1000;
const NOTE_MAX: usize = 500;
const EMAIL_MAX: usize = 254;

/// An order as the customer sent it: lines merged by item, in the order of their first mention.
#[derive(Debug, PartialEq)]
pub(crate) struct OrderBody {
    pub(crate) lines: Vec<(ItemId, u32)>,
    pub(crate) note: Option<String>,
    pub(crate) email: Option<String>,
    /// Every mention of an item and the pointer to its id.
    places: Vec<(ItemId, String)>,
}

/// A line as sent.
struct Line {
    item: ItemId,
    quantity: u64,
    id_at: String,
    quantity_at: String,
}

impl OrderBody {
    /// Reads any of the three forms. `malformed_json` for what is not JSON, `invalid_order` with a pointer per fault
    /// for what is not an order.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        let json = json::parse(body)?;
        let mut faults = Faults::default();
        let order = read(&json, &mut faults);
        faults.into_result(Code::InvalidOrder)?;
        Ok(order)
    }

    /// The same fault with a pointer to every mention of the items that stock does not know (metadata `items`).
    pub(crate) fn locate(&self, fault: Fault) -> Fault {
        let Some(unknown) = fault.metadata().get("items") else { return fault };
        let unknown: Vec<String> = serde_json::from_str(unknown).unwrap_or_default();
        let mentions = self.places.iter().filter(|(item, _)| unknown.iter().any(|u| u == item.as_str()));
        let plain = Fault::new(fault.code(), "the order names items that are not on the menu");
        let plain = fault.metadata().iter().fold(plain, |plain, (k, v)| plain.with_metadata(k, v));
        mentions.fold(plain, |fault, (_, at)| fault.with_violation(at, "there is no such item"))
    }
}

fn read(json: &Json, faults: &mut Faults) -> OrderBody {
    let mut order = OrderBody { lines: Vec::new(), note: None, email: None, places: Vec::new() };
    let lines = match json {
        Json::Array(entries) => read_lines(entries, "", faults),
        Json::Object(_) => read_object(json, &mut order, faults),
        _ => {
            faults.add("", "expected an object or an array of lines");
            Vec::new()
        }
    };
    merge(&mut order, lines, faults);
    order
}

/// The first form, unless only the keys of a single line are there.
fn read_object(json: &Json, order: &mut OrderBody, faults: &mut Faults) -> Vec<Line> {
    let Some(fields) = Fields::of(json, String::new(), Keys::AnyCase, faults) else { return Vec::new() };
    if !fields.has("items") && (fields.has("id") || fields.has("quantity")) {
        return read_line(&fields, faults).into_iter().collect();
    }
    fields.refuse_unknown(&["items", "note", "email"], faults);
    order.note = fields.optional("note").and_then(|f| read_note(&f, faults));
    order.email = fields.optional("email").and_then(|f| read_email(&f, faults));
    match fields.required("items", faults) {
        Some(Field { at, value: Json::Array(entries) }) => read_lines(entries, &at, faults),
        Some(Field { at, .. }) => {
            faults.add(at, "expected an array of lines");
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn read_lines(entries: &[Json], at: &str, faults: &mut Faults) -> Vec<Line> {
    if entries.is_empty() || entries.len() > LINES_MAX {
        faults.add(at, format!("an order has 1 to {LINES_MAX} lines"));
        return Vec::new();
    }
    let line = |(index, entry): (usize, &Json)| {
        let at = pointer(at, &index.to_string());
        read_line(&Fields::of(entry, at, Keys::AnyCase, faults)?, faults)
    };
    entries.iter().enumerate().filter_map(line).collect()
}

fn read_line(fields: &Fields<'_>, faults: &mut Faults) -> Option<Line> {
    let id = fields.required("id", faults);
    let quantity = fields.required("quantity", faults);
    let item = id.as_ref().and_then(|field| read_id(field, faults));
    let count = quantity.as_ref().and_then(|field| field.integer(&(1..=QUANTITY_MAX), faults));
    Some(Line { item: item?, quantity: count?, id_at: id?.at, quantity_at: quantity?.at })
}

fn read_id(field: &Field<'_>, faults: &mut Faults) -> Option<ItemId> {
    let text = match field.value {
        Json::Text(text) => Cow::Borrowed(text.as_str()),
        Json::Integer(number) => Cow::Owned(number.to_string()),
        _ => {
            faults.add(&field.at, "expected a string or an integer");
            return None;
        }
    };
    text.parse().map_err(|fault: Fault| faults.add(&field.at, fault.public())).ok()
}

fn read_note(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    field.text(&(0..=NOTE_MAX), faults).filter(|note| !note.is_empty()).map(str::to_owned)
}

/// Only the shape is checked; whether mail arrives there is not ours to know.
fn read_email(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let email = field.text(&(0..=EMAIL_MAX), faults).filter(|email| !email.is_empty())?;
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !shaped || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        faults.add(&field.at, "expected an e-mail address");
        return None;
    }
    Some(email.to_owned())
}

fn merge(order: &mut OrderBody, lines: Vec<Line>, faults: &mut Faults) {
    let mut slots: HashMap<ItemId, usize> = HashMap::with_capacity(lines.len());
    let mut merged: Vec<(ItemId, u64)> = Vec::with_capacity(lines.len());
    for line in lines {
        let slot = *slots.entry(line.item.clone()).or_insert_with(|| {
            merged.push((line.item.clone(), 0));
            merged.len() - 1
        });
        let sum = &mut merged[slot].1;
        *sum += line.quantity;
        if *sum > QUANTITY_MAX {
            faults.add(line.quantity_at, format!("more than {QUANTITY_MAX} of one item"));
        }
        order.places.push((line.item, line.id_at));
    }
    let bounded = |(item, sum)| (item, u32::try_from(sum).unwrap_or(u32::MAX));
    order.lines = merged.into_iter().map(bounded).collect();
}

impl ToSchema for OrderBody {
    fn name() -> Cow<'static, str> {
        "OrderBody".into()
    }
}

impl PartialSchema for OrderBody {
    fn schema() -> RefOr<Schema> {
        serde_json::from_str(include_str!("order_body.schema.json")).expect("our own file, read by a test")
    }
}
