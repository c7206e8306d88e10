//! Where notices go: the mail server greets, the webhook's host takes connections. Nobody is told anything.

use runtime::Settings;

use super::{
    probe::{Finding, Probe},
    tcp::{authority, connect, greeting},
};

pub(super) fn probe(settings: &Settings) -> Option<Probe> {
    match settings.text("NOTIFIER")? {
        "smtp" => Some(smtp(settings.text("SMTP_URL")?)),
        "webhook" => Some(webhook(settings.text("NOTIFY_WEBHOOK_URL")?)),
        _ => None,
    }
}

fn smtp(url: &str) -> Probe {
    const FIX: &str = "check host and port of SMTP_URL";
    let secure = url.starts_with("smtps:");
    let address = authority(url, if secure { 465 } else { 587 }).unwrap_or_default();
    Probe::new("smtp", address.clone(), FIX, async move {
        // With TLS from the first byte the server waits for us to speak.
        let said =
            if secure { connect(&address).await.map(|_| None) } else { greeting(&address).await.map(Some) };
        match said {
            Ok(None) => Finding::ok("takes connections"),
            Ok(Some(line)) if line.starts_with("220") => {
                Finding::ok("greets").version(line.trim_start_matches("220").trim().to_owned())
            }
            Ok(Some(line)) => Finding::fail(format!("answers {line:?}"), FIX),
            Err(fault) => Finding::fault(&fault, FIX),
        }
    })
}

fn webhook(url: &str) -> Probe {
    const FIX: &str = "check host and port of NOTIFY_WEBHOOK_URL";
    let port = if url.starts_with("https:") { 443 } else { 80 };
    let address = authority(url, port).unwrap_or_default();
    Probe::new("notify webhook", address.clone(), FIX, async move {
        match connect(&address).await {
            Ok(_) => Finding::ok("takes connections"),
            Err(fault) => Finding::fault(&fault, FIX),
        }
    })
}
