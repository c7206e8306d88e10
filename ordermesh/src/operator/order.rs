//! `ordermesh order ID`: everything that the services know of one order, as a page of text.

use std::fmt::Write as _;

use common::{Fault, OrderId};
use runtime::Settings;
use serde_json::Value;

use super::failed;
use crate::{
    failure::Failure,
    output::{amount, print, print_json},
    table::table,
};

pub(super) async fn run(id: &str, settings: &Settings, json: bool) -> Result<(), Failure> {
    let parsed: Result<OrderId, Fault> = id.parse();
    let id =
        parsed.map_err(|_| Failure::Usage(format!("{id:?} is not an order's id; one begins with ord_")))?;
    let file = super::gateway(settings)?.get(&format!("/api/orders/{id}")).await.map_err(failed)?;
    if json { print_json(&file) } else { print(&page(&file)) }
}

fn page(file: &Value) -> String {
    let mut page = head(file);
    section(&mut page, "items", &items(&file["order"]["items"]));
    section(&mut page, "timeline", &timeline(&file["timeline"]));
    section(&mut page, "payment", &payment(&file["payment"]));
    section(&mut page, "ticket", &ticket(&file["ticket"]));
    let missing = array(&file["missing"]).map(|part| {
        format!("{} is missing: {} ({})\n", text(&part["part"]), text(&part["detail"]), text(&part["code"]))
    });
    section(&mut page, "missing", &missing.collect::<String>());
    page
}

fn section(page: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        let body: String = body.lines().map(|line| format!("  {line}\n")).collect();
        // Writing to a string cannot fail.
        let _ = write!(page, "\n{title}\n{body}");
    }
}

fn head(file: &Value) -> String {
    let order = &file["order"];
    fields(&[
        ("order", text(&order["id"])),
        ("status", text(&order["status"])),
        ("cause", text(&order["cause"])),
        ("customer", text(&order["customer_id"])),
        ("total", amount(&order["total"])),
        ("refunded", amount(&order["refunded_total"])),
        ("placed", text(&order["created_at"])),
        ("changed", text(&order["updated_at"])),
        ("note", text(&order["note"])),
        ("email", text(&order["email"])),
        ("pay at", text(&order["payment_link"])),
        ("trace", text(&order["trace_id"])),
    ])
}

fn items(items: &Value) -> String {
    let row = |item: &Value| {
        let cell = |name: &str| text(&item[name]);
        [cell("id"), cell("name"), cell("quantity"), amount(&item["unit_price"]), amount(&item["subtotal"])]
    };
    rows(["ID", "NAME", "QUANTITY", "EACH", "SUBTOTAL"], items, row)
}

fn timeline(entries: &Value) -> String {
    let row = |entry: &Value| ["at", "from", "to", "cause", "actor"].map(|name| text(&entry[name]));
    rows(["AT", "FROM", "TO", "CAUSE", "ACTOR"], entries, row)
}

fn payment(payment: &Value) -> String {
    let mut lines = fields(&[
        ("id", text(&payment["id"])),
        ("state", text(&payment["state"])),
        ("session", text(&payment["session_id"])),
        ("checkouts", text(&payment["checkout_attempts"])),
        ("expires", text(&payment["expires_at"])),
        ("amount", amount(&payment["amount"])),
        ("captured", amount(&payment["captured"])),
        ("refunded", amount(&payment["refunded"])),
    ]);
    let row = |refund: &Value| {
        [text(&refund["id"]), amount(&refund["amount"]), text(&refund["state"]), text(&refund["attempt"])]
    };
    lines += &rows(["REFUND", "AMOUNT", "STATE", "ATTEMPT"], &payment["refunds"], row);
    lines
}

fn ticket(ticket: &Value) -> String {
    fields(&[
        ("id", text(&ticket["id"])),
        ("state", text(&ticket["state"])),
        ("queued", text(&ticket["queued_at"])),
        ("promised", text(&ticket["promised_at"])),
        ("started", text(&ticket["started_at"])),
        ("ready", text(&ticket["ready_at"])),
        ("picked up", text(&ticket["picked_up_at"])),
        ("reason", text(&ticket["reason"])),
    ])
}

/// A line for each field that is there.
fn fields(fields: &[(&str, String)]) -> String {
    let present = fields.iter().filter(|(_, value)| !value.is_empty());
    present.map(|(name, value)| format!("{name:9}  {value}\n")).collect()
}

/// A table of a list; nothing of an empty one.
fn rows<const N: usize>(head: [&str; N], list: &Value, row: impl Fn(&Value) -> [String; N]) -> String {
    let rows: Vec<_> = array(list).map(row).collect();
    if rows.is_empty() { String::new() } else { table(head, &rows) }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text or a number; empty when it is not there. Control characters of a note stay out of the terminal.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
