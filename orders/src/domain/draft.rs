//! An order as the caller wants it, before anything was decided.

use common::{Code, CustomerId, Fault, OrderId};

use super::line::Line;

/// A parsed order: ids checked, lines merged, texts within their bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub order_id: OrderId,
    pub customer_id: CustomerId,
    pub lines: Vec<Line>,
    pub note: Option<String>,
    pub email: Option<String>,
}

/// Most lines of one order.
pub const LINES_MAX: usize = 50;
/// Largest quantity of one line.
pub const QUANTITY_MAX: u32 = 1000;
/// Longest note, in characters.
pub const NOTE_MAX: usize = 500;
/// Longest e-mail address, in characters.
pub const EMAIL_MAX: usize = 254;

impl Draft {
    /// `invalid_order` with a pointer per wrong line.
    pub fn check(self) -> Result<Self, Fault> {
        let mut fault = Fault::new(Code::InvalidOrder, "the order cannot be placed as it is");
        if self.lines.is_empty() || self.lines.len() > LINES_MAX {
            fault = fault.with_violation("/items", format!("an order has 1 to {LINES_MAX} lines"));
        }
        for (index, line) in self.lines.iter().enumerate() {
            let earlier = self.lines.iter().take(index);
            if line.quantity == 0 || line.quantity > QUANTITY_MAX {
                let text = format!("a quantity is a number from 1 to {QUANTITY_MAX}");
                fault = fault.with_violation(format!("/items/{index}/quantity"), text);
            } else if earlier.into_iter().any(|other| other.item_id == line.item_id) {
                fault = fault.with_violation(format!("/items/{index}"), "the item is there twice");
            }
        }
        for (text, max, pointer) in [(&self.note, NOTE_MAX, "/note"), (&self.email, EMAIL_MAX, "/email")] {
            if text.as_ref().is_some_and(|t| t.chars().count() > max) {
                fault = fault.with_violation(pointer, format!("at most {max} characters"));
            }
        }
        if fault.violations().is_empty() { Ok(self) } else { Err(fault) }
    }
}
