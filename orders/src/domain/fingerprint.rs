//! A short name for what an order asks for, so that a key that comes back with another body is noticed.

use super::line::Line;

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// FNV-1a over 128 bits: it tells a customer's own orders apart, it keeps no secret and stops no attacker.
struct Fnv(u128);

impl Fnv {
    /// Adds one field; the length before it keeps neighbours apart.
    fn field(&mut self, bytes: &[u8]) {
        for byte in bytes.len().to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    fn optional(&mut self, text: Option<&str>) {
        self.field(&[u8::from(text.is_some())]);
        self.field(text.unwrap_or_default().as_bytes());
    }
}

/// The fingerprint of lines (without prices), note and e-mail.
#[must_use]
pub fn of(lines: &[Line], note: Option<&str>, email: Option<&str>) -> String {
    let mut hash = Fnv(OFFSET);
    for line in lines {
        hash.field(line.item_id.as_str().as_bytes());
        hash.field(&line.quantity.to_le_bytes());
    }
    hash.optional(note);
    hash.optional(email);
    format!("{:032x}", hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[(&str, u32)]) -> Vec<Line> {
        texts.iter().map(|(id, quantity)| Line::new(id.parse().unwrap(), *quantity)).collect()
    }

    #[test]
    fn only_the_same_order_has_the_same_fingerprint() {
        let order = of(&lines(&[("1", 2), ("2", 1)]), Some("no onions"), None);
        assert_eq!(order, of(&lines(&[("1", 2), ("2", 1)]), Some("no onions"), None));
        for other in [
            of(&lines(&[("1", 2), ("2", 2)]), Some("no onions"), None),
            of(&lines(&[("1", 2), ("3", 1)]), Some("no onions"), None),
            of(&lines(&[("1", 2), ("2", 1)]), None, Some("no onions")),
            of(&lines(&[("1", 2), ("2", 1)]), Some(""), None),
            of(&lines(&[("12", 1)]), Some("no onions"), None),
        ] {
            assert_ne!(order, other);
        }
    }
}
