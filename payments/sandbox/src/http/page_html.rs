//! The markup of the hosted page. Whatever a merchant or payer wrote goes through [`Escaped`].

use std::fmt;

use common::Currency;

use super::page::{closed, success_url};
use crate::domain::{Session, session::Line, token};

const STYLE: &str = include_str!("page.css");

/// A text that cannot become markup, in an element or in a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => write!(f, "{other}"),
        })
    }
}

/// An amount as people write it.
struct Amount(i64, Currency);

/// Currencies without a minor unit.
const ZERO_DECIMAL: [&str; 16] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof",
    "xpf",
];

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(minor, currency) = *self;
        let number = if ZERO_DECIMAL.contains(&currency.as_str()) {
            minor.to_string()
        } else {
            format!("{}.{:02}", minor / 100, minor % 100)
        };
        match currency.as_str() {
            "usd" => write!(f, "${number}"),
            "eur" => write!(f, "€{number}"),
            "gbp" => write!(f, "£{number}"),
            other => write!(f, "{number} {}", other.to_ascii_uppercase()),
        }
    }
}

/// The page of a session as it is, with what went wrong when there was an attempt.
pub(super) fn session(session: &Session, error: Option<&str>) -> String {
    let right = match closed(session) {
        Some((title, text)) => closed_section(session, title, text),
        None => form(session, error),
    };
    let title = format!("Pay {}", Amount(session.total_minor, session.currency));
    page(&title, "", &format!("{}{right}", summary(session)))
}

/// A page that only says something.
pub(super) fn notice(title: &str, text: &str) -> String {
    let body = format!("<section><h2>{}</h2><p>{}</p></section>", Escaped(title), Escaped(text));
    page(title, "single", &body)
}

fn page(title: &str, class: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{} – TEST MODE</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n\
         <div class=\"test\" role=\"note\">TEST MODE – no real money moves here</div>\n\
         <main class=\"{class}\">{body}</main>\n</body>\n</html>\n",
        Escaped(title)
    )
}

fn summary(session: &Session) -> String {
    let total = Amount(session.total_minor, session.currency);
    let lines: String = session.lines.iter().map(|line| row(line, session.currency)).collect();
    format!(
        "<section aria-label=\"Your order\"><h1>Your order</h1><p class=\"total\">{total}</p>\n\
         <table><tbody>{lines}</tbody>\
         <tfoot><tr><th scope=\"row\">Total</th><td>{total}</td></tr></tfoot></table></section>\n"
    )
}

fn row(line: &Line, currency: Currency) -> String {
    let description = line
        .description
        .as_deref()
        .map(|text| format!("<small>{}</small>", Escaped(text)))
        .unwrap_or_default();
    format!(
        "<tr><th scope=\"row\">{}{description}<small>{} × {}</small></th><td>{}</td></tr>",
        Escaped(&line.name),
        line.quantity,
        Amount(line.unit_minor, currency),
        Amount(line.total_minor, currency),
    )
}

fn form(session: &Session, error: Option<&str>) -> String {
    let error = error
        .map(|text| format!("<p class=\"error\" role=\"alert\">{}</p>", Escaped(text)))
        .unwrap_or_default();
    let (fields, hints) = if session.total_minor == 0 { ("", "") } else { (FIELDS, HINTS) };
    let verb = if session.total_minor == 0 {
        "Complete order".to_owned()
    } else {
        format!("Pay {}", Amount(session.total_minor, session.currency))
    };
    let cancel = session.cancel_url.as_ref().map_or("", |_| CANCEL);
    format!(
        "<section aria-label=\"Payment\"><h2>Pay by card</h2>{error}\
         <form method=\"post\" action=\"/c/pay/{}\">{fields}<button type=\"submit\">{verb}</button>{cancel}{hints}\
         </form></section>",
        session.token.with(token::SESSION)
    )
}

const FIELDS: &str = "\
<label for=\"card_number\">Card number</label>\
<input id=\"card_number\" name=\"card_number\" inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"23\" \
placeholder=\"4242 4242 4242 4242\" aria-describedby=\"test_cards\" autofocus>\
<div class=\"pair\"><div><label for=\"card_expiry\">Expiry (optional)</label>\
<input id=\"card_expiry\" name=\"card_expiry\" inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"9\" \
placeholder=\"12 / 34\"></div>\
<div><label for=\"card_cvc\">Security code (optional)</label>\
<input id=\"card_cvc\" name=\"card_cvc\" inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"4\" \
placeholder=\"123\"></div></div>";

const CANCEL: &str =
    "<button class=\"plain\" type=\"submit\" name=\"action\" value=\"cancel\">Cancel and go back</button>";

const HINTS: &str = "\
<details open id=\"test_cards\"><summary>Test cards and methods</summary><dl>\
<dt>4242 4242 4242 4242</dt><dd>succeeds</dd>\
<dt>4000 0000 0000 0002</dt><dd>is declined</dd>\
<dt>4000 0000 0000 9995</dt><dd>has insufficient funds</dd></dl>\
<p>A method that is decided some seconds later:</p>\
<div class=\"pair\">\
<button class=\"plain\" type=\"submit\" name=\"method\" value=\"delayed_success\">Pay later: succeeds</button>\
<button class=\"plain\" type=\"submit\" name=\"method\" value=\"delayed_failure\">Pay later: fails</button>\
</div></details>";

fn closed_section(session: &Session, title: &str, text: &str) -> String {
    let next =
        if session.payment().is_some() { Some(success_url(session)) } else { session.cancel_url.clone() };
    let link = next
        .map(|url| format!("<p><a class=\"button\" href=\"{}\">Back to the shop</a></p>", Escaped(&url)))
        .unwrap_or_default();
    format!("<section aria-label=\"Payment\"><h2>{title}</h2><p role=\"status\">{text}</p>{link}</section>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_never_becomes_markup() {
        assert_eq!(Escaped("<a href=\"'&'\">").to_string(), "&lt;a href=&quot;&#39;&amp;&#39;&quot;&gt;");
        assert!(!notice("<script>", "x").contains("<script>"));
    }

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        let amount = |minor, currency: &str| Amount(minor, currency.parse().unwrap()).to_string();
        assert_eq!(amount(1205, "usd"), "$12.05");
        assert_eq!(amount(1205, "jpy"), "1205 JPY");
        assert_eq!(amount(5, "sek"), "0.05 SEK");
    }
}
