//! What people read: a subject and a few plain lines for each thing that happens.

use crate::ports::News;

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

/// The words for it; `None` for what is no news to anybody yet.
pub(super) fn text(news: &News) -> Option<Text> {
    match news {
        News::Order { order_id, status, total, payment_link, .. } => {
            let (what, more) = order(status)?;
            let mut body = format!("{more}\n\nOrder: {order_id}\n");
            if let Some(total) = total {
                body += &format!("Total: {total}\n");
            }
            if let (Some(link), "waiting_payment") = (payment_link, status.as_str()) {
                body += &format!("Pay here: {link}\n");
            }
            Some(Text { subject: format!("Your order {what}"), body })
        }
        News::LowStock { item_id, name, available } => Some(Text {
            subject: format!("Stock is low: {name}"),
            body: format!("{available} left of {name} ({item_id}).\n"),
        }),
    }
}

fn order(status: &str) -> Option<(&'static str, &'static str)> {
    Some(match status {
        "waiting_payment" => ("waits for payment", "Thank you for your order. It is cooked once it is paid."),
        "paid" => ("is paid", "We have your payment, and the kitchen has your order."),
        "preparing" => ("is being prepared", "The kitchen has begun with your order."),
        "ready" => ("is ready", "Your order can be picked up."),
        "completed" => ("is completed", "Enjoy your meal."),
        "cancelled" => ("is cancelled", "Your order is cancelled. Nothing will be charged."),
        "expired" => ("has expired", "Your order was not paid in time. Nothing will be charged."),
        "refunding" => ("is being refunded", "Your order ended and your money is on its way back."),
        "refunded" => ("is refunded", "Your money was sent back."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use common::{Currency, Money};

    use super::*;

    fn news(status: &str) -> News {
        News::Order {
            order_id: "ord_0190a0a0a0a07000a0a0a0a0a0a0a0a0".parse().unwrap(),
            customer_id: "2".parse().unwrap(),
            status: status.to_owned(),
            email: None,
            total: Some(Money::new(1250, Currency::USD)),
            payment_link: Some("https://pay.example.com/1".to_owned()),
        }
    }

    #[test]
    fn the_payment_link_is_told_only_while_it_can_be_paid() {
        assert!(text(&news("waiting_payment")).unwrap().body.contains("https://pay.example.com/1"));
        assert!(!text(&news("cancelled")).unwrap().body.contains("https://"));
        assert_eq!(text(&news("pending")), None);
    }
}
