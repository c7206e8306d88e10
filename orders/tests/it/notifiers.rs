//! One contract over the notifiers: what each makes of a receiver that takes, refuses, fails, is away or is silent.

use std::{fmt, sync::Arc};

use common::{Clock as _, Currency, Fault, Ids, Kind, Money};
use orders::{
    config::{Config, Notifying},
    outbound::{log_notifier::LogNotifier, smtp_notifier::SmtpNotifier, webhook_notifier::WebhookNotifier},
    ports::{News, Notice, Notifier},
};
use runtime::Settings;
use testkit::{clock::ManualClock, random::SeededRandom};

use crate::receivers::{self, Desk, Mood};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// An adapter and the receiver that it talks to.
struct Pair {
    notifier: Box<dyn Notifier>,
    desk: Arc<Desk>,
    clock: Arc<ManualClock>,
    ids: Ids,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notifier.fmt(f)
    }
}

impl Pair {
    fn of(notifier: impl Notifier + 'static, desk: &Arc<Desk>, clock: &Arc<ManualClock>) -> Self {
        let ids = Ids::new(clock.clone(), Arc::new(SeededRandom::new(3)));
        Self { notifier: Box::new(notifier), desk: desk.clone(), clock: clock.clone(), ids }
    }

    fn news(&self, news: News, event_type: &str) -> Notice {
        Notice { id: self.ids.mint(), event_type: event_type.to_owned(), at: self.clock.now(), news }
    }

    fn order(&self, email: Option<&str>) -> Notice {
        let news = News::Order {
            order_id: self.ids.mint(),
            customer_id: "2".parse().unwrap(),
            status: "paid".to_owned(),
            email: email.map(str::to_owned),
            total: Some(Money::new(1250, Currency::USD)),
            payment_link: None,
        };
        self.news(news, "order.paid")
    }

    fn low_stock(&self) -> Notice {
        let news =
            News::LowStock { item_id: "1".parse().unwrap(), name: "Cheese\r\nBcc: x".into(), available: 3 };
        self.news(news, "stock.low")
    }

    async fn tell(&self, notice: &Notice) -> Result<(), Fault> {
        self.notifier.notify(notice).await
    }

    async fn kind(&self, notice: &Notice) -> Kind {
        self.tell(notice).await.unwrap_err().kind()
    }
}

fn config(pairs: &[(&str, &str)]) -> Notifying {
    let settings = pairs.iter().fold(Settings::defaults(), |s, (name, text)| s.with(name, *text));
    Config::load(&settings).unwrap().notifying
}

async fn smtp() -> Pair {
    let (desk, clock) = (Desk::new(), Arc::new(ManualClock::default()));
    let url = format!("smtp://{}", receivers::smtp::start(desk.clone()).await);
    let settings = [
        ("NOTIFIER", "smtp"),
        ("SMTP_URL", &url),
        ("SMTP_FROM", "Shop <shop@example.com>"),
        ("SMTP_TO", "{customer_id}@customers.example.com"),
    ];
    let Notifying::Smtp(config) = config(&settings) else { panic!("not smtp") };
    Pair::of(SmtpNotifier::new(config, clock.clone()).unwrap(), &desk, &clock)
}

async fn webhook() -> Pair {
    let (desk, clock) = (Desk::new(), Arc::new(ManualClock::default()));
    let url = format!("http://{}/hook", receivers::http::start(desk.clone()).await);
    let secrets = format!("{SECRET},{SECRET}");
    let settings =
        [("NOTIFIER", "webhook"), ("NOTIFY_WEBHOOK_URL", &url), ("NOTIFY_WEBHOOK_SECRET", &secrets)];
    let Notifying::Webhook(config) = config(&settings) else { panic!("not webhook") };
    Pair::of(WebhookNotifier::new(config, clock.clone()).unwrap(), &desk, &clock)
}

/// Those that reach someone; the log reaches everyone.
async fn reaching() -> [Pair; 2] {
    [smtp().await, webhook().await]
}

#[tokio::test]
async fn every_kind_of_news_is_taken() {
    let clock = Arc::new(ManualClock::default());
    let [smtp, webhook] = reaching().await;
    for pair in [Pair::of(LogNotifier, &Desk::new(), &clock), smtp, webhook] {
        for notice in [pair.order(None), pair.order(Some("a@example.com")), pair.low_stock()] {
            pair.tell(&notice).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_notice_that_is_given_twice_can_be_told_by_its_id() {
    for pair in reaching().await {
        let (notice, other) = (pair.order(None), pair.order(None));
        for notice in [&notice, &notice, &other] {
            pair.tell(notice).await.unwrap();
        }
        let taken = pair.desk.taken();
        let with_id = taken.iter().filter(|message| message.contains(&notice.id.to_string())).count();
        assert_eq!((taken.len(), with_id), (3, 2), "{pair:?}: {taken:#?}");
    }
}

#[tokio::test]
async fn a_refusal_is_an_outage_until_others_get_through() {
    for pair in reaching().await {
        let notice = pair.order(None);
        pair.desk.set(Mood::Refuses);
        assert_eq!(pair.kind(&notice).await, Kind::Unavailable, "{pair:?}");
        pair.desk.set(Mood::Takes);
        pair.tell(&pair.order(None)).await.unwrap();
        pair.desk.set(Mood::Refuses);
        assert_eq!(pair.kind(&notice).await, Kind::Invalid, "{pair:?}");
        pair.desk.set(Mood::Fails);
        assert_eq!(pair.kind(&notice).await, Kind::Aborted, "{pair:?}");
        pair.clock.advance(std::time::Duration::from_secs(3600));
        assert_eq!(pair.kind(&notice).await, Kind::Internal, "{pair:?}");
        pair.desk.set(Mood::Away);
        assert_eq!(pair.kind(&notice).await, Kind::Unavailable, "{pair:?}");
        pair.desk.set(Mood::Takes);
        pair.tell(&notice).await.unwrap();
    }
}

#[tokio::test]
async fn a_silent_receiver_costs_a_deadline_and_the_next_notice_gets_through() {
    for pair in reaching().await {
        pair.tell(&pair.order(None)).await.unwrap();
        pair.desk.came().await;
        pair.desk.set(Mood::Silent);
        let notice = pair.order(None);
        let telling = pair.kind(&notice);
        let patience_ends = async {
            pair.desk.came().await;
            tokio::time::pause();
        };
        let (kind, ()) = tokio::join!(telling, patience_ends);
        tokio::time::resume();
        assert!(matches!(kind, Kind::DeadlineExceeded | Kind::Unavailable), "{pair:?}: {kind:?}");
        pair.desk.set(Mood::Takes);
        pair.tell(&notice).await.unwrap();
        assert!(pair.desk.taken().last().unwrap().contains(&notice.id.to_string()), "{pair:?}");
    }
}

#[tokio::test]
async fn mail_goes_to_the_orders_own_address_or_the_customers_or_the_shop() {
    let pair = smtp().await;
    for (notice, to) in [
        (pair.order(Some("a@example.com")), "To: a@example.com"),
        (pair.order(None), "To: 2@customers.example.com"),
        (pair.low_stock(), "To: Shop <shop@example.com>"),
    ] {
        pair.tell(&notice).await.unwrap();
        let mail = pair.desk.taken().pop().unwrap();
        assert!(mail.lines().any(|line| line.replace('"', "") == to), "{to} in {mail}");
        let head = mail.split("\n\n").next().unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "an item's name adds no header: {head}");
    }
    let before = pair.desk.taken().len();
    pair.tell(&pair.order(Some("no address"))).await.unwrap();
    assert_eq!(pair.desk.taken().len(), before, "nobody can be told, and that is no fault");
}

#[tokio::test]
async fn a_webhook_is_signed_with_each_secret() {
    let pair = webhook().await;
    pair.tell(&pair.order(None)).await.unwrap();
    let request = pair.desk.taken().pop().unwrap();
    let header = |name: &str| {
        let line = request.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} is not in {request}"))
    };
    assert_eq!(header("webhook-timestamp"), pair.clock.now().as_secs().to_string());
    let signatures: Vec<_> = header("webhook-signature").split(' ').collect();
    assert_eq!(signatures.len(), 2);
    assert!(signatures.iter().all(|signature| signature.starts_with("v1,")), "{signatures:?}");
    let body: serde_json::Value = serde_json::from_str(request.rsplit('\n').next().unwrap()).unwrap();
    assert_eq!(body["type"], "order.paid");
    assert_eq!(body["data"]["customer_id"], "2");
    assert_eq!(body["data"]["subject"], "Your order is paid");
}
