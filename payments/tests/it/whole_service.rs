//! The wired service on the embedded platform: gRPC through the mesh, the sandbox over HTTP, events on the bus.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use bus::Subscription;
use common::{
    Call, Clock, Currency, CustomerId, Deadline, Ids, Money, OrderId, RefundId, SystemClock, SystemRandom,
    TraceContext,
};
use contracts::{
    events::{OrderEvent, PaymentEvent, RefundOrder},
    payments::{self as proto, payment_service_client::PaymentServiceClient},
    service::PAYMENTS,
    topics::{EventType, ORDERS_PAYMENTS},
};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mesh::MeshChannel;
use payments::Config;
use runtime::{
    http::{HttpLimits, serve},
    platform::Opened,
    server::{Running, start},
};
use sandbox::{Sandbox, WebhookSecret, open_store};
use tempfile::TempDir;
use tokio::net::TcpListener;

struct Whole {
    platform: Opened,
    client: PaymentServiceClient<MeshChannel>,
    running: Running,
    ids: Ids,
    sandbox_url: String,
    _folder: TempDir,
}

impl Whole {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let platform =
            Opened::embedded(&folder.path().join("mesh"), clock, Arc::new(SystemRandom)).await.unwrap();
        let sandbox_url = start_sandbox(&folder.path().join("sandbox"), &platform).await;
        let service = payments::wire(config(&sandbox_url), &platform.platform).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = start(service, listener, &platform.platform).await.unwrap();
        running.ready().await;
        let client = PaymentServiceClient::new(platform.platform.mesh.channel(PAYMENTS));
        let ids = platform.platform.ids.clone();
        Self { platform, client, running, ids, sandbox_url, _folder: folder }
    }

    async fn create(&self) -> proto::Payment {
        let request = proto::CreateCheckoutRequest {
            order_id: self.ids.mint::<OrderId>().to_string(),
            customer_id: "2".into(),
            email: None,
            lines: vec![proto::CheckoutLine {
                item_id: "1".into(),
                name: "Cheese".into(),
                quantity: 2,
                unit_price: Some(usd(1250).into()),
                stripe_price_id: None,
            }],
            total: Some(usd(2500).into()),
        };
        let mut client = self.client.clone();
        within(async move { client.create_checkout(request).await })
            .await
            .unwrap()
            .into_inner()
            .payment
            .unwrap()
    }

    async fn get(&self, order: &str) -> proto::Payment {
        let (mut client, order_id) = (self.client.clone(), order.to_owned());
        let found =
            within(async move { client.get_payment(proto::GetPaymentRequest { order_id }).await }).await;
        found.unwrap().into_inner().payment.unwrap()
    }

    async fn pay(&self, payment: &proto::Payment) {
        let request = http::Request::post(payment.link())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from("card_number=4242424242424242"))
            .unwrap();
        assert!(payment.link().starts_with(&self.sandbox_url));
        let client: Client<_, Full<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        client.request(request).await.unwrap();
    }

    async fn publish(&self, kind: EventType, order: &str, refunds: Vec<RefundOrder>) {
        let order_id: OrderId = order.parse().unwrap();
        let data = OrderEvent {
            order_id,
            customer_id: "2".parse::<CustomerId>().unwrap(),
            status: "any".into(),
            lines: Vec::new(),
            total: None,
            note: None,
            email: None,
            cause: None,
            payment_link: None,
            ticket_started: false,
            refunds,
            at: SystemClock.now(),
        };
        let event = bus::Event {
            id: self.ids.mint(),
            event_type: kind.as_str().into(),
            source: "/orders".into(),
            subject: order.to_owned(),
            time: SystemClock.now(),
            sequence: 1,
            traceparent: None,
            data: serde_json::value::to_raw_value(&data).unwrap().into(),
        };
        for outcome in self.platform.platform.bus.publish(&[event]).await {
            outcome.unwrap();
        }
    }

    async fn events(&self) -> Box<dyn Subscription> {
        self.platform.platform.bus.subscribe(ORDERS_PAYMENTS.name, 8).await.unwrap()
    }
}

async fn start_sandbox(folder: &Path, platform: &Opened) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = open_store(folder, Arc::clone(&clock)).unwrap();
    let config = sandbox::Config::new(&url, None, WebhookSecret::new("whsec_1"));
    let sandbox = Sandbox::new(&config, store, clock, Arc::new(SystemRandom)).unwrap();
    let tasks = &platform.platform.tasks;
    sandbox.start(tasks);
    tasks.spawn("sandbox", serve(listener, sandbox.router(), HttpLimits::default(), tasks.shutdown()));
    url
}

fn config(api_base: &str) -> Config {
    Config {
        secret_key: "sk_test_1".into(),
        webhook_secrets: vec!["whsec_1".into()],
        api_base: api_base.into(),
        checkout_ttl: Duration::from_secs(2700),
        reconcile_interval: Duration::from_secs(1),
        public_url: "http://shop.example".into(),
    }
}

fn usd(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::USD)
}

/// As part of a call with a deadline of its own.
async fn within<T>(work: impl Future<Output = T>) -> T {
    let call = Call::new(Deadline::after(Duration::from_secs(10)), TraceContext::root(&SystemRandom));
    call.scope(work).await
}

/// The next event and its data, acknowledged.
async fn next(events: &mut Box<dyn Subscription>) -> (String, PaymentEvent) {
    let delivery = tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap();
    let told = (delivery.event().event_type.clone(), delivery.event().decode().unwrap());
    delivery.ack().await.unwrap();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_link_to_a_refund_through_every_layer() {
    let whole = Whole::start().await;
    let mut events = whole.events().await;
    let payment = whole.create().await;
    assert_eq!(payment.state(), proto::PaymentState::Open);
    whole.pay(&payment).await;

    // No webhook leads here: the reconciler finds it.
    let (kind, told) = next(&mut events).await;
    assert_eq!((kind.as_str(), told.captured), ("payment.succeeded", Some(usd(2500))));
    assert_eq!(told.payment_id, payment.id);
    assert_eq!(whole.get(&payment.order_id).await.state(), proto::PaymentState::Succeeded);

    let refund_id: RefundId = whole.ids.mint();
    let refund = RefundOrder { refund_id, amount: None, attempt: 1, reason: None };
    whole.publish(EventType::OrderRefunding, &payment.order_id, vec![refund]).await;
    let (kind, told) = next(&mut events).await;
    let report = told.refund.unwrap();
    assert_eq!(
        (kind.as_str(), report.refund_id, report.amount),
        ("payment.refunded", Some(refund_id), usd(2500))
    );
    let payment = whole.get(&payment.order_id).await;
    assert_eq!(payment.refunded, Some(usd(2500).into()));
    whole.running.stop().await;
    whole.platform.platform.tasks.shutdown().cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_order_closes_its_checkout_and_refuses_a_late_one() {
    let whole = Whole::start().await;
    let mut events = whole.events().await;
    let payment = whole.create().await;
    whole.publish(EventType::OrderCancelled, &payment.order_id, Vec::new()).await;
    assert_eq!(next(&mut events).await.0, "payment.expired");
    assert_eq!(whole.get(&payment.order_id).await.link, None);

    let mut client = whole.client.clone();
    let request = proto::HandleWebhookRequest { provider: "stripe".into(), ..Default::default() };
    let status = within(async move { client.handle_webhook(request).await }).await.unwrap_err();
    assert_eq!(contracts::status::to_fault(&status).code(), common::Code::InvalidSignature);
    whole.running.stop().await;
    whole.platform.platform.tasks.shutdown().cancel();
}
