//! async-stripe's own requests are understood, and every object parses as its own types.

use axum::body::Body;
use bytes::Bytes;
use common::Clock as _;
use http::{Request, header};
use http_body_util::BodyExt as _;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession,
    ListCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeClientErr, StripeMethod};
use stripe_core::{
    charge::RetrieveCharge,
    event::{ListEvent, RetrieveEvent},
    payment_intent::RetrievePaymentIntent,
    refund::{CreateRefund, ListRefund, RetrieveRefund},
};
use stripe_shared::{
    Charge, CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus, CheckoutSessionStatus,
    PaymentIntent, PaymentIntentStatus, Price, Refund,
};
use stripe_types::{Currency, Expandable, RangeQueryTs};
use tower::ServiceExt as _;

use crate::support::{Bench, VISA};

/// Sends async-stripe's requests to the router.
struct Client<'a>(&'a Bench);

#[derive(Debug)]
#[expect(dead_code, reason = "the text is shown when a test fails")]
struct Failure(String);

impl StripeClientErr for Failure {
    fn deserialize_err(message: impl std::fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl StripeClient for Client<'_> {
    type Err = Failure;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Failure> {
        let (pieces, _) = request.into_pieces();
        let query = pieces.query.map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("/v1/{}{query}", pieces.path.trim_start_matches('/'));
        let builder = match pieces.method {
            StripeMethod::Get => Request::get(path),
            StripeMethod::Post => Request::post(path),
            StripeMethod::Delete => Request::delete(path),
        };
        let body = Body::from(pieces.body.unwrap_or_default());
        let request = builder.header(header::AUTHORIZATION, "Bearer sk_test_1").body(body).unwrap();
        let response = self.0.sandbox.router().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        if status.is_success() {
            Ok(bytes)
        } else {
            Err(Failure(String::from_utf8_lossy(&bytes).into_owned()))
        }
    }
}

fn order(bench: &Bench) -> CreateCheckoutSession {
    let mut line = CreateCheckoutSessionLineItems::new();
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(Currency::USD);
    price.unit_amount = Some(1250);
    price.product_data = Some(ProductData::new("Cheese & onions"));
    line.price_data = Some(price);
    line.quantity = Some(2);
    let mut data = CreateCheckoutSessionPaymentIntentData::new();
    let metadata = std::collections::HashMap::from([("order".to_owned(), "ord_1".to_owned())]);
    data.metadata = Some(metadata.clone());
    CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .allowed_payment_method_types(vec![CreateCheckoutSessionAllowedPaymentMethodTypes::Card])
        .line_items(vec![line])
        .client_reference_id("ord_1")
        .customer_email("a@example.com")
        .metadata(metadata)
        .payment_intent_data(data)
        .expires_at(i64::try_from(bench.clock.now().as_secs() + 2700).unwrap())
        .success_url("http://shop.example/ok?s={CHECKOUT_SESSION_ID}")
        .cancel_url("http://shop.example/no")
}

fn object<T: miniserde::Deserialize>(event: &stripe_shared::Event) -> T {
    let json = miniserde::json::to_string(&event.data.object);
    miniserde::json::from_str(&json).unwrap_or_else(|_| panic!("{:?}: {json}", event.type_))
}

#[tokio::test]
async fn sessions_parse_in_every_state() {
    let bench = Bench::new();
    let client = Client(&bench);
    let open = order(&bench).expand(vec!["line_items".to_owned()]).send(&client).await.unwrap();
    assert_eq!(open.status, Some(CheckoutSessionStatus::Open));
    assert_eq!(open.amount_total, Some(2500));
    assert_eq!(open.currency, Some(Currency::USD));
    let line = open.line_items.unwrap().data.remove(0);
    assert_eq!((line.description.as_deref(), line.quantity), (Some("Cheese & onions"), Some(2)));
    let expired = ExpireCheckoutSession::new(open.id.clone()).send(&client).await.unwrap();
    assert_eq!(expired.status, Some(CheckoutSessionStatus::Expired));

    let paid = order(&bench).send(&client).await.unwrap();
    bench.pay(paid.id.as_str(), VISA).await;
    let paid = RetrieveCheckoutSession::new(paid.id)
        .expand(vec!["payment_intent.latest_charge".to_owned()])
        .send(&client)
        .await
        .unwrap();
    assert_eq!(paid.payment_status, CheckoutSessionPaymentStatus::Paid);
    let Some(Expandable::Object(intent)) = paid.payment_intent else { panic!("it was to be expanded") };
    assert_eq!(intent.status, PaymentIntentStatus::Succeeded);
    assert!(matches!(intent.latest_charge, Some(Expandable::Object(charge)) if charge.paid));
    let since = RangeQueryTs::gte(paid.created - 1);
    let listed = ListCheckoutSession::new().created(since).limit(50).send(&client).await.unwrap();
    assert_eq!(listed.data.len(), 2);
}

#[tokio::test]
async fn refunds_intents_charges_and_prices_parse() {
    let bench = Bench::new();
    let client = Client(&bench);
    let session = order(&bench).send(&client).await.unwrap();
    bench.pay(session.id.as_str(), VISA).await;
    let session = RetrieveCheckoutSession::new(session.id).send(&client).await.unwrap();
    let Some(Expandable::Id(intent)) = session.payment_intent else { panic!("it was not to be expanded") };
    let refund = CreateRefund::new().payment_intent(intent.as_str()).amount(700).send(&client).await.unwrap();
    assert_eq!(refund.status.as_deref(), Some("succeeded"));
    let retrieved = RetrieveRefund::new(refund.id).send(&client).await.unwrap();
    assert_eq!(retrieved.amount, 700);
    let refunds = ListRefund::new().payment_intent(intent.as_str()).send(&client).await.unwrap();
    assert_eq!(refunds.data.len(), 1);
    let intent = RetrievePaymentIntent::new(intent).send(&client).await.unwrap();
    assert_eq!(intent.amount_received, 2500);
    let charge = RetrieveCharge::new(intent.latest_charge.unwrap().id().clone()).send(&client).await.unwrap();
    assert_eq!((charge.amount_refunded, charge.refunded), (700, false));
    let price = bench.post("/v1/prices", "currency=usd&unit_amount=300&product_data[name]=Coke").await;
    let price: Price = miniserde::json::from_str(&price.text).unwrap();
    assert_eq!(price.unit_amount, Some(300));
}

#[tokio::test]
async fn every_event_parses_and_so_does_its_object() {
    let bench = Bench::new();
    let client = Client(&bench);
    for method in [VISA, "method=delayed_success", "method=delayed_failure"] {
        let session = order(&bench).send(&client).await.unwrap();
        bench.pay(session.id.as_str(), method).await;
        bench.clock.advance(std::time::Duration::from_secs(5));
        RetrieveCheckoutSession::new(session.id.clone()).send(&client).await.unwrap();
        let intent = session.id.as_str().replace("cs_test_", "pi_");
        // The one that failed cannot be refunded.
        let _ = CreateRefund::new().payment_intent(intent).send(&client).await;
    }
    let open = order(&bench).send(&client).await.unwrap();
    ExpireCheckoutSession::new(open.id).send(&client).await.unwrap();

    let events = ListEvent::new().limit(100).send(&client).await.unwrap().data;
    let mut types = std::collections::BTreeSet::new();
    for event in &events {
        let event_type = event.type_.as_str();
        types.insert(event_type.to_owned());
        match event_type.split_once('.').unwrap().0 {
            "checkout" => drop(object::<CheckoutSession>(event)),
            "payment_intent" => drop(object::<PaymentIntent>(event)),
            "charge" => drop(object::<Charge>(event)),
            "refund" => drop(object::<Refund>(event)),
            other => panic!("{other}"),
        }
    }
    assert_eq!(types.len(), 8, "{types:?}");
    let one = RetrieveEvent::new(events[0].id.clone()).send(&client).await.unwrap();
    assert_eq!(one.api_version.as_deref(), Some("2026-09-30.endive"));
    let some = ListEvent::new().types(vec!["charge.refunded".to_owned()]).send(&client).await.unwrap();
    assert_eq!(some.data.len(), 2);
}
