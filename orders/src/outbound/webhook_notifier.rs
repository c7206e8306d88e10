//! Notices as signed webhooks, by the Standard Webhooks scheme. A 2xx in time is a delivery and nothing else is;
//! redirects are not followed.

mod signature;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use common::{Clock, Deadline, Fault, ItemId, Money, OrderId, Timestamp};
use http::{Request, StatusCode, header};
use runtime::http_client::HttpClient;
use serde::Serialize;

use super::{
    notice_text::text,
    receiver::{Receiver, Refusal},
};
use crate::{
    config::WebhookConfig,
    ports::{News, Notice, Notifier},
};

/// From the connection to the end of the answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of an answer, which nobody reads.
const ANSWER_MAX: usize = 64 * 1024;

/// Posts notices.
#[derive(Debug)]
pub struct WebhookNotifier {
    http: HttpClient,
    config: WebhookConfig,
    receiver: Receiver,
    clock: Arc<dyn Clock>,
}

/// What is posted, as Standard Webhooks lays it out.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Order {
        order_id: OrderId,
        customer_id: &'a str,
        status: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<Money>,
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_link: Option<&'a str>,
        #[serde(flatten)]
        words: Words,
    },
    LowStock {
        item_id: &'a ItemId,
        name: &'a str,
        available: u64,
        #[serde(flatten)]
        words: Words,
    },
}

/// The same words as in a mail, for a receiver that only passes them on.
#[derive(Default, Serialize)]
struct Words {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl WebhookNotifier {
    /// `internal` when TLS cannot be set up.
    pub fn new(config: WebhookConfig, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self {
            http: HttpClient::new("notification receiver")?,
            config,
            receiver: Receiver::default(),
            clock,
        })
    }

    /// Signed at this moment; the body and the id are the same at each try.
    fn request(&self, notice: &Notice) -> Result<Request<Bytes>, Fault> {
        let unwritable = |what: String| Fault::internal(format!("webhook of {}: {what}", notice.id));
        let body = serde_json::to_vec(&payload(notice)).map_err(|e| unwritable(e.to_string()))?;
        let (id, at) = (notice.id.to_string(), self.clock.now().as_secs().to_string());
        Request::post(self.config.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("ordermesh/", env!("CARGO_PKG_VERSION")))
            .header("webhook-signature", signature::header(&self.config.keys, &id, &at, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .body(Bytes::from(body))
            .map_err(|e| unwritable(e.to_string()))
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), Fault> {
        let request = self.request(notice)?;
        let response = self.http.exchange(request, ANSWER_MAX, Deadline::after(DEADLINE)).await?;
        let Some(refusal) = refusal(response.status()) else {
            self.receiver.took_one();
            return Ok(());
        };
        let detail = format!("notification receiver answered {}", response.status());
        Err(self.receiver.fault(refusal, notice, self.clock.now(), detail))
    }
}

/// `None` for a delivery.
fn refusal(status: StatusCode) -> Option<Refusal> {
    Some(match status.as_u16() {
        200..=299 => return None,
        // Who we are and where we post; a receiver that moved is for an operator to follow.
        300..=399 | 401 | 403..=405 | 407 | 410 => Refusal::Us,
        408 | 421 | 425 | 429 | 502..=504 => Refusal::Us,
        400..=499 => Refusal::ThisOne,
        _ => Refusal::Failure,
    })
}

fn payload(notice: &Notice) -> Payload<'_> {
    let words = text(&notice.news)
        .map(|words| Words { subject: Some(words.subject), text: Some(words.body) })
        .unwrap_or_default();
    let data = match &notice.news {
        News::Order { order_id, customer_id, status, email, total, payment_link } => Data::Order {
            order_id: *order_id,
            customer_id: customer_id.as_str(),
            status,
            email: email.as_deref(),
            total: *total,
            payment_link: payment_link.as_deref(),
            words,
        },
        News::LowStock { item_id, name, available } => {
            Data::LowStock { item_id, name, available: *available, words }
        }
    };
    Payload { event_type: &notice.event_type, timestamp: notice.at, data }
}
