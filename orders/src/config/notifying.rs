//! Who is told of what happens, and how: the settings of the notifiers.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::Uri;
use lettre::{AsyncSmtpTransport, Tokio1Executor, message::Mailbox};
use runtime::{SettingError, Settings};

/// Stands for the customer's id in `SMTP_TO`.
const CUSTOMER: &str = "{customer_id}";
/// What Standard Webhooks asks of a secret, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// `NOTIFIER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notifying {
    Log,
    Smtp(SmtpConfig),
    Webhook(WebhookConfig),
}

/// The mail server and the addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpConfig {
    /// As lettre reads it.
    pub url: String,
    /// The sender, who also hears of low stock.
    pub from: Mailbox,
    pub to: Option<Recipient>,
}

/// Where the mail of a customer goes who gave no address with the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient(String);

/// Where webhooks go and how they are signed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    pub url: Uri,
    /// At least one; each signs.
    pub keys: Vec<Vec<u8>>,
}

impl Notifying {
    /// Reads `NOTIFIER` and what belongs to it.
    pub fn load(settings: &Settings) -> Result<Self, SettingError> {
        match settings.text("NOTIFIER") {
            Some("smtp") => SmtpConfig::load(settings).map(Self::Smtp),
            Some("webhook") => WebhookConfig::load(settings).map(Self::Webhook),
            _ => Ok(Self::Log),
        }
    }
}

impl SmtpConfig {
    fn load(settings: &Settings) -> Result<Self, SettingError> {
        let url = required(settings, "SMTP_URL", "NOTIFIER=smtp")?;
        check_smtp_url(url).map_err(|problem| SettingError::new("SMTP_URL", problem))?;
        let from = required(settings, "SMTP_FROM", "NOTIFIER=smtp")?;
        let from =
            from.parse().map_err(|error| SettingError::new("SMTP_FROM", format!("{from:?}: {error}")))?;
        let to = settings.text("SMTP_TO").map(|text| Recipient(text.to_owned()));
        if let Some(error) = to.as_ref().and_then(|to| to.of("1").err()) {
            return Err(SettingError::new("SMTP_TO", error.to_string()));
        }
        Ok(Self { url: url.to_owned(), from, to })
    }
}

impl Recipient {
    /// The address of this customer. An error when the id cannot be part of an address.
    pub fn of(&self, customer: &str) -> Result<Mailbox, lettre::address::AddressError> {
        self.0.replace(CUSTOMER, customer).parse()
    }
}

/// A password leaves this machine under TLS or not at all.
fn check_smtp_url(url: &str) -> Result<(), String> {
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| "is no smtp:// or smtps:// address")?;
    let uri: Uri = url.parse().map_err(|_| "is no address")?;
    let has_password = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    let in_the_clear =
        uri.scheme_str() == Some("smtp") && !uri.query().unwrap_or("").contains("tls=required");
    let here = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if has_password && in_the_clear && !here {
        return Err("would send its password in the clear; add ?tls=required or use smtps://".to_owned());
    }
    Ok(())
}

impl WebhookConfig {
    fn load(settings: &Settings) -> Result<Self, SettingError> {
        let url = required(settings, "NOTIFY_WEBHOOK_URL", "NOTIFIER=webhook")?;
        let url = url.parse().map_err(|_| SettingError::new("NOTIFY_WEBHOOK_URL", "is no address"))?;
        required(settings, "NOTIFY_WEBHOOK_SECRET", "NOTIFIER=webhook")?;
        let keys = settings.list("NOTIFY_WEBHOOK_SECRET").iter().map(|text| key(text)).collect::<Option<_>>();
        let problem = "is not whsec_ and 24 to 64 bytes in base64 (several: comma-separated)";
        let keys = keys.ok_or_else(|| SettingError::new("NOTIFY_WEBHOOK_SECRET", problem))?;
        Ok(Self { url, keys })
    }
}

fn key(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
    SECRET_BYTES.contains(&bytes.len()).then_some(bytes)
}

fn required<'a>(settings: &'a Settings, name: &str, by: &str) -> Result<&'a str, SettingError> {
    settings.text(name).ok_or_else(|| SettingError::new(name, format!("is not set, and {by} needs it")))
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpConfig").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.len();
        f.debug_struct("WebhookConfig").field("host", &self.url.host()).field("keys", &keys).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn load(pairs: &[(&str, &str)]) -> Result<Notifying, SettingError> {
        let settings = pairs.iter().fold(Settings::defaults(), |s, (name, text)| s.with(name, *text));
        Notifying::load(&settings)
    }

    fn wrong(pairs: &[(&str, &str)]) -> String {
        load(pairs).unwrap_err().name
    }

    #[test]
    fn each_fault_is_named_by_the_setting_to_change() {
        let smtp = ("NOTIFIER", "smtp");
        let (local, from) = (("SMTP_URL", "smtp://127.0.0.1:25"), ("SMTP_FROM", "Shop <shop@example.com>"));
        assert_eq!(wrong(&[smtp]), "SMTP_URL");
        assert_eq!(wrong(&[smtp, ("SMTP_URL", "http://x"), from]), "SMTP_URL");
        assert_eq!(wrong(&[smtp, ("SMTP_URL", "smtp://u:p@mail.example.com:587"), from]), "SMTP_URL");
        assert_eq!(wrong(&[smtp, local]), "SMTP_FROM");
        assert_eq!(wrong(&[smtp, local, ("SMTP_FROM", "shop")]), "SMTP_FROM");
        assert_eq!(wrong(&[smtp, local, from, ("SMTP_TO", "{customer_id}")]), "SMTP_TO");
        load(&[smtp, local, from, ("SMTP_TO", "{customer_id}@example.com")]).unwrap();
        load(&[smtp, ("SMTP_URL", "smtp://u:p@mail.example.com:587?tls=required"), from]).unwrap();

        let webhook = ("NOTIFIER", "webhook");
        let url = ("NOTIFY_WEBHOOK_URL", "https://example.com/hook");
        assert_eq!(wrong(&[webhook]), "NOTIFY_WEBHOOK_URL");
        assert_eq!(wrong(&[webhook, url]), "NOTIFY_WEBHOOK_SECRET");
        assert_eq!(wrong(&[webhook, url, ("NOTIFY_WEBHOOK_SECRET", "short")]), "NOTIFY_WEBHOOK_SECRET");
        let two = format!("{SECRET}, {SECRET}");
        let loaded = load(&[webhook, url, ("NOTIFY_WEBHOOK_SECRET", &two)]).unwrap();
        assert!(matches!(&loaded, Notifying::Webhook(config) if config.keys.len() == 2));
        assert!(!format!("{loaded:?}").contains("77"), "the keys are not shown");
        assert_eq!(load(&[]).unwrap(), Notifying::Log);
    }
}
