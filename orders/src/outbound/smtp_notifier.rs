//! Notices as mail over SMTP: to the address that came with the order, else to the one that the settings make of the
//! customer's id; low stock goes to the shop itself.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{Clock, Deadline, Fault};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{self, PoolConfig},
};
use tokio::sync::Semaphore;

use super::{
    notice_text::{Text, text},
    receiver::{Receiver, Refusal},
};
use crate::{
    config::SmtpConfig,
    ports::{News, Notice, Notifier},
};

/// How long one mail may take, the wait for a connection included.
const MAIL_DEADLINE: Duration = Duration::from_secs(20);
/// How long the server may take for one command; bounds what an abandoned mail goes on for.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// Mails under way at once, and connections kept.
const CONNECTIONS_MAX: u32 = 4;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends mail.
pub struct SmtpNotifier {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    under_way: Arc<Semaphore>,
    config: SmtpConfig,
    receiver: Receiver,
    clock: Arc<dyn Clock>,
}

impl SmtpNotifier {
    /// `internal` when the address is none, which the settings' check has seen to.
    pub fn new(config: SmtpConfig, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let pool = PoolConfig::new().max_size(CONNECTIONS_MAX).idle_timeout(IDLE_TIMEOUT);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&config.url)
            .map_err(|error| Fault::internal(format!("the mail server's address: {error}")))?
            .timeout(Some(COMMAND_TIMEOUT))
            .pool_config(pool)
            .build();
        let under_way = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
        Ok(Self { transport, under_way, config, receiver: Receiver::default(), clock })
    }

    /// Who should read it; `None` when no address is known or the one that is cannot be used.
    fn recipient(&self, news: &News) -> Option<Mailbox> {
        match news {
            News::LowStock { .. } => Some(self.config.from.clone()),
            News::Order { email: Some(email), .. } => email.parse().ok(),
            News::Order { customer_id, .. } => self.config.to.as_ref()?.of(customer_id.as_str()).ok(),
        }
    }

    /// The same for each try at a notice, its id included, so that a mail server can tell a repeat.
    fn mail(&self, notice: &Notice, to: Mailbox, text: Text) -> Result<Message, Fault> {
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.config.from.clone())
            .to(to)
            .subject(text.subject)
            .date(notice.at.into())
            .message_id(Some(format!("<{}@{}>", notice.id, self.config.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(text.body)
            .map_err(|error| Fault::internal(format!("mail of {}: {error}", notice.id)))
    }

    /// Sends it in a task of its own: a mail that is given up half-way would leave its connection in the pool with an
    /// answer on it that the next mail would take for its own.
    async fn send(&self, mail: Message) -> Result<(), Failure> {
        let permit = Arc::clone(&self.under_way).acquire_owned().await.map_err(|_| Failure::Cut)?;
        let transport = self.transport.clone();
        let sending = tokio::spawn(async move {
            let sent = transport.send(mail).await;
            drop(permit);
            sent
        });
        match sending.await {
            Ok(sent) => sent.map(drop).map_err(Failure::Smtp),
            Err(_) => Err(Failure::Cut),
        }
    }
}

#[async_trait]
impl Notifier for SmtpNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), Fault> {
        let Some(text) = text(&notice.news) else { return Ok(()) };
        let Some(to) = self.recipient(&notice.news) else {
            tracing::info!(id = %notice.id, event_type = notice.event_type, "nobody to mail this to");
            return Ok(());
        };
        let mail = self.mail(notice, to, text)?;
        let sent = tokio::time::timeout_at(Deadline::after(MAIL_DEADLINE).instant(), self.send(mail)).await;
        match sent {
            Ok(Ok(())) => {
                self.receiver.took_one();
                Ok(())
            }
            Ok(Err(failure)) => {
                let (refusal, detail) = (failure.refusal(), failure.to_string());
                Err(self.receiver.fault(refusal, notice, self.clock.now(), detail))
            }
            Err(_) => Err(Fault::deadline_exceeded("the mail server")),
        }
    }
}

/// Why a mail was not taken.
enum Failure {
    Smtp(smtp::Error),
    /// The task that sent it ended without a word: the program stops.
    Cut,
}

impl Failure {
    /// Replies to a command or an address that would be the same for each mail are about us (RFC 5321, RFC 4954).
    fn refusal(&self) -> Refusal {
        let Self::Smtp(error) = self else { return Refusal::Us };
        let Some(code) = error.status() else { return Refusal::Us };
        match u16::from(code) {
            421 | 454 | 500..=504 | 521 | 530..=538 => Refusal::Us,
            400..=499 => Refusal::Failure,
            _ => Refusal::ThisOne,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp(error) => write!(f, "mail server: {error}"),
            Self::Cut => f.write_str("mail was cut off"),
        }
    }
}

impl fmt::Debug for SmtpNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpNotifier").field("config", &self.config).finish_non_exhaustive()
    }
}
