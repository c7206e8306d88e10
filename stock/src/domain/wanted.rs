//! What an order wants: its lines, merged and within bounds.

use common::{Code, Fault, ItemId};

/// Lines of one order at most.
pub const LINES_MAX: usize = 50;
/// Quantity of one item in one order at most.
pub const QUANTITY_MAX: u32 = 1_000;

/// So many of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub item_id: ItemId,
    pub quantity: u32,
}

/// One entry per item, in the order in which the items first came. `invalid_request` for no line, too many lines,
/// and quantities outside 1–1000, merged or not.
pub fn merge(lines: Vec<Wanted>) -> Result<Vec<Wanted>, Fault> {
    if !(1..=LINES_MAX).contains(&lines.len()) {
        return Err(Fault::new(Code::InvalidRequest, "an order has 1 to 50 lines"));
    }
    let mut merged: Vec<Wanted> = Vec::with_capacity(lines.len());
    for line in lines {
        // Checked before the sum, so that the sum of 50 lines cannot overflow.
        check(&line)?;
        match merged.iter_mut().find(|other| other.item_id == line.item_id) {
            Some(other) => other.quantity += line.quantity,
            None => merged.push(line),
        }
    }
    merged.iter().try_for_each(check)?;
    Ok(merged)
}

fn check(line: &Wanted) -> Result<(), Fault> {
    if (1..=QUANTITY_MAX).contains(&line.quantity) {
        return Ok(());
    }
    Err(Fault::new(Code::InvalidRequest, format!("the quantity of {} is not 1 to 1000", line.item_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, quantity: u32) -> Wanted {
        Wanted { item_id: id.parse().unwrap(), quantity }
    }

    #[test]
    fn lines_of_one_item_are_merged_and_bounds_hold_before_and_after() {
        let merged = merge(vec![line("b", 2), line("a", 1), line("b", 3)]).unwrap();
        assert_eq!(merged, [line("b", 5), line("a", 1)]);
        for bad in [vec![], vec![line("a", 0)], vec![line("a", 600), line("a", 401)], vec![line("a", 1); 51]]
        {
            assert_eq!(merge(bad).unwrap_err().code(), Code::InvalidRequest);
        }
        assert!(merge(vec![line("a", u32::MAX), line("a", 1)]).is_err());
    }
}
