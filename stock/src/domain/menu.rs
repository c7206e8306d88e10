//! The sample menu that the seeder fills in.

use common::{Currency, Fault, ItemId, Money};

use super::catalogue::{Details, Mode, PutItem};

/// Id, name, price in US cents, on hand.
const MENU: [(&str, &str, i64, u64); 20] = [
    ("1", "Cheese", 400, 20),
    ("2", "Coke", 250, 10),
    ("3", "Fries", 350, 100),
    ("4", "Onion rings", 420, 100),
    ("5", "Green salad", 650, 100),
    ("6", "Tomato soup", 580, 100),
    ("7", "Margherita pizza", 1_050, 100),
    ("8", "Pepperoni pizza", 1_250, 100),
    ("9", "Spaghetti bolognese", 1_190, 100),
    ("10", "Mushroom risotto", 1_280, 100),
    ("11", "Grilled chicken", 1_350, 100),
    ("12", "Fish and chips", 1_420, 100),
    ("13", "Chocolate cake", 600, 100),
    ("14", "Apple pie", 550, 100),
    ("15", "Vanilla ice cream", 380, 100),
    ("16", "Lemonade", 300, 100),
    ("17", "Sparkling water", 220, 100),
    ("18", "Espresso", 260, 100),
    ("19", "Cappuccino", 360, 100),
    ("123", "House burger", 900, 1_000),
];

/// Every item of the sample menu. Faults only if the table above breaks the catalogue's bounds.
pub fn menu() -> Result<Vec<PutItem>, Fault> {
    MENU.into_iter().map(|(id, name, cents, on_hand)| seed(id, name, cents, on_hand)).collect()
}

fn seed(id: &str, name: &str, cents: i64, on_hand: u64) -> Result<PutItem, Fault> {
    let item_id: ItemId = id.parse()?;
    let details = Details {
        name: name.to_owned(),
        price: Money::new(cents, Currency::USD),
        description: None,
        stripe_price_id: None,
    };
    PutItem::new(item_id, details, Some(on_hand), Mode::Seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_is_valid_and_no_id_comes_twice() {
        let menu = menu().unwrap();
        let ids: std::collections::HashSet<_> = menu.iter().map(|item| item.item_id.clone()).collect();
        assert_eq!((menu.len(), ids.len()), (20, 20));
    }
}
