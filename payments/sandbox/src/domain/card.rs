//! The test cards and methods, and what each of them leads to.

/// What a payer's method leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Charged {
        last4: String,
    },
    /// A method that is decided later, such as a bank debit.
    Delayed {
        succeeds: bool,
    },
    Declined(Decline),
}

/// Why a card was refused; the text is for the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The decline code as Stripe names it.
    pub code: &'static str,
    pub text: &'static str,
}

const fn decline(code: &'static str, text: &'static str) -> Decline {
    Decline { code, text }
}

const ACCEPTED: [&str; 5] =
    ["4242424242424242", "4000056655665556", "5555555555554444", "378282246310005", "6011111111111117"];

const DECLINED: [(&str, Decline); 6] = [
    ("4000000000000002", decline("generic_decline", "Your card was declined.")),
    ("4000000000009995", decline("insufficient_funds", "Your card has insufficient funds.")),
    ("4000000000009987", decline("lost_card", "Your card was declined: it was reported lost.")),
    ("4000000000000069", decline("expired_card", "Your card has expired.")),
    ("4000000000000127", decline("incorrect_cvc", "Your card's security code is incorrect.")),
    (
        "4000000000000119",
        decline("processing_error", "An error occurred while processing your card. Try again."),
    ),
];

const MISSING: Decline = decline("incomplete_number", "Enter a card number.");
const UNKNOWN: Decline =
    decline("incorrect_number", "This is not a test card. Real cards are not accepted in test mode.");
const BAD_EXPIRY: Decline =
    decline("invalid_expiry", "The expiry date is a month and a year, such as 12 / 34.");
const BAD_CVC: Decline = decline("invalid_cvc", "The security code is 3 or 4 digits.");

/// What a payer sent; expiry and security code may be left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Instrument<'a> {
    pub method: Option<&'a str>,
    pub card_number: Option<&'a str>,
    pub expiry: Option<&'a str>,
    pub cvc: Option<&'a str>,
}

impl Instrument<'_> {
    /// What paying with it leads to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.method {
            Some("delayed_success") => return Outcome::Delayed { succeeds: true },
            Some("delayed_failure") => return Outcome::Delayed { succeeds: false },
            _ => {}
        }
        let number: String = self.card_number.unwrap_or_default().split([' ', '-']).collect();
        if number.is_empty() {
            return Outcome::Declined(MISSING);
        }
        if let Some(expiry) = self.expiry.filter(|e| !e.trim().is_empty())
            && !is_expiry(expiry)
        {
            return Outcome::Declined(BAD_EXPIRY);
        }
        if let Some(cvc) = self.cvc.map(str::trim).filter(|c| !c.is_empty())
            && !((3..=4).contains(&cvc.len()) && cvc.bytes().all(|b| b.is_ascii_digit()))
        {
            return Outcome::Declined(BAD_CVC);
        }
        by_number(&number)
    }
}

fn by_number(number: &str) -> Outcome {
    if ACCEPTED.contains(&number) {
        return Outcome::Charged { last4: number[number.len() - 4..].to_owned() };
    }
    let known = DECLINED.iter().find(|(declined, _)| *declined == number);
    Outcome::Declined(known.map_or(UNKNOWN, |(_, decline)| *decline))
}

fn is_expiry(text: &str) -> bool {
    let Some((month, year)) = text.split_once('/') else { return false };
    let month_fits = month.trim().parse().is_ok_and(|m: u8| (1..=12).contains(&m));
    let year = year.trim();
    month_fits && matches!(year.len(), 2 | 4) && year.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(card_number: &str) -> Outcome {
        Instrument { card_number: Some(card_number), ..Instrument::default() }.outcome()
    }

    #[test]
    fn a_card_number_may_be_grouped_and_only_test_cards_are_taken() {
        assert_eq!(number("4242 4242 4242 4242"), Outcome::Charged { last4: "4242".into() });
        assert_eq!(number("4111111111111111"), Outcome::Declined(UNKNOWN));
        assert_eq!(number(" "), Outcome::Declined(MISSING));
        assert!(
            matches!(number("4000 0000 0000 9995"), Outcome::Declined(d) if d.code == "insufficient_funds")
        );
    }

    #[test]
    fn expiry_and_code_are_optional_but_not_nonsense() {
        let card = Instrument { card_number: Some("4242424242424242"), ..Instrument::default() };
        let with = |expiry, cvc| Instrument { expiry: Some(expiry), cvc: Some(cvc), ..card }.outcome();
        assert!(matches!(with("12 / 34", "123"), Outcome::Charged { .. }));
        assert!(matches!(with("", ""), Outcome::Charged { .. }));
        assert_eq!(with("13/34", "123"), Outcome::Declined(BAD_EXPIRY));
        assert_eq!(with("12/2034", "12"), Outcome::Declined(BAD_CVC));
    }
}
