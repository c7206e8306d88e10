//! The hosted page: cards, delayed methods, cancelling, and that a session is paid once.

use std::time::Duration;

use futures::future::join_all;
use http::{StatusCode, header};

use crate::support::{Bench, VISA};

#[tokio::test]
async fn a_card_pays_with_a_plain_form_and_leads_back_to_the_shop() {
    let bench = Bench::new();
    let id = bench.session("ord_1").await;
    let page = bench.get(&format!("/c/pay/{id}")).await;
    for part in ["TEST MODE", "Cheese", "$25.00", "<label for=\"card_number\">", "4000 0000 0000 9995"] {
        assert!(page.text.contains(part), "{part}");
    }
    assert!(!page.text.contains("<script"));
    let paid = bench.pay(&id, "card_number=4242+4242+4242+4242&card_expiry=12/34&card_cvc=123").await;
    assert_eq!(paid.status, StatusCode::SEE_OTHER);
    assert_eq!(paid.headers[header::LOCATION], format!("http://shop.example/ok?s={id}"));
    let session = bench.get(&format!("/v1/checkout/sessions/{id}")).await.json();
    assert_eq!((&session["status"], &session["payment_status"]), (&"complete".into(), &"paid".into()));
    let intent = session["payment_intent"].as_str().unwrap();
    let intent = bench.get(&format!("/v1/payment_intents/{intent}")).await.json();
    assert_eq!((&intent["status"], &intent["amount_received"]), (&"succeeded".into(), &2500.into()));
    assert_eq!(intent["metadata"]["order"], "ord_1");
    assert_eq!(bench.event_types().await, ["checkout.session.completed", "payment_intent.succeeded"]);
    assert!(bench.get(&format!("/c/pay/{id}")).await.text.contains("Payment complete"));
}

#[tokio::test]
async fn a_declined_card_says_why_and_leaves_the_session_open() {
    let bench = Bench::new();
    let id = bench.session("ord_1").await;
    let cases = [
        ("card_number=4000000000000002", "Your card was declined."),
        ("card_number=4000 0000 0000 9995", "insufficient funds"),
        ("card_number=4111111111111111", "not a test card"),
        ("", "Enter a card number."),
    ];
    for (form, reason) in cases {
        let declined = bench.pay(&id, form).await;
        assert_eq!(declined.status, StatusCode::PAYMENT_REQUIRED, "{form}");
        assert!(declined.text.contains(reason), "{form}");
        assert!(declined.text.contains("<form"), "the form is there again");
    }
    assert!(bench.charges("ord_1").await.is_empty());
    assert_eq!(bench.pay(&id, VISA).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn fifty_payers_at_once_pay_once() {
    let bench = Bench::new();
    let id = bench.session("ord_1").await;
    let replies = join_all((0..50).map(|_| bench.pay(&id, VISA))).await;
    let count = |status| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(StatusCode::SEE_OTHER), count(StatusCode::CONFLICT)), (1, 49));
    assert_eq!(bench.charges("ord_1").await.len(), 1);
    assert_eq!(bench.event_types().await, ["checkout.session.completed", "payment_intent.succeeded"]);
}

#[tokio::test]
async fn paying_against_expiring_leaves_one_of_the_two() {
    let bench = Bench::new();
    for round in 0..20 {
        let reference = format!("ord_{round}");
        let id = bench.session(&reference).await;
        let expire_path = format!("/v1/checkout/sessions/{id}/expire");
        let (paid, expired) = tokio::join!(bench.pay(&id, VISA), bench.post(&expire_path, ""));
        let paid = paid.status == StatusCode::SEE_OTHER;
        assert_ne!(paid, expired.status == StatusCode::OK);
        assert_eq!(bench.charges(&reference).await.len(), usize::from(paid));
    }
}

#[tokio::test]
async fn a_delayed_method_completes_unpaid_and_is_decided_later() {
    for (method, status, event, charges) in [
        ("delayed_success", "paid", "checkout.session.async_payment_succeeded", 1),
        ("delayed_failure", "unpaid", "checkout.session.async_payment_failed", 0),
    ] {
        let bench = Bench::new();
        let id = bench.session("ord_1").await;
        assert_eq!(bench.pay(&id, &format!("method={method}")).await.status, StatusCode::SEE_OTHER);
        let path = format!("/v1/checkout/sessions/{id}");
        let session = bench.get(&path).await.json();
        assert_eq!((&session["status"], &session["payment_status"]), (&"complete".into(), &"unpaid".into()));
        bench.clock.advance(Duration::from_secs(5));
        assert_eq!(bench.get(&path).await.json()["payment_status"], status);
        let events = bench.event_types().await;
        assert_eq!(events[..2], ["checkout.session.completed", event]);
        assert_eq!(bench.charges("ord_1").await.len(), charges);
    }
}

#[tokio::test]
async fn cancelling_leads_back_and_leaves_the_session_payable() {
    let bench = Bench::new();
    let id = bench.session("ord_1").await;
    let cancelled = bench.pay(&id, "action=cancel&card_number=4242424242424242").await;
    assert_eq!(cancelled.status, StatusCode::SEE_OTHER);
    assert_eq!(cancelled.headers[header::LOCATION], "http://shop.example/no");
    assert_eq!(bench.pay(&id, VISA).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_a_merchant_writes_is_shown_as_text() {
    let bench = Bench::new();
    let order = bench.order("ord_1").replace("=Cheese", "=%3Cscript%3Ealert(1)%3C/script%3E");
    let id = bench.post("/v1/checkout/sessions", &order).await.id();
    let page = bench.get(&format!("/c/pay/{id}")).await.text;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
}

#[tokio::test]
async fn nothing_due_needs_no_card() {
    let bench = Bench::new();
    let order = bench.order("ord_1").replace("=1250", "=0");
    let id = bench.post("/v1/checkout/sessions", &order).await.id();
    assert_eq!(bench.pay(&id, "").await.status, StatusCode::SEE_OTHER);
    let session = bench.get(&format!("/v1/checkout/sessions/{id}")).await.json();
    assert_eq!(session["payment_status"], "no_payment_required");
    assert_eq!(session["payment_intent"], serde_json::Value::Null);
}
