//! The payment provider: Stripe with its key, or the sandbox; asked for its newest event, which changes nothing.

use bytes::Bytes;
use http::{Response, StatusCode};
use runtime::Settings;

use super::{
    http::{get, header, json},
    probe::{Finding, Probe},
};

const STRIPE: &str = "https://api.stripe.com";
/// The sandbox takes any test key.
const ANY_KEY: &str = "sk_test_doctor";
const WAY_OUT: &str = "check the way out to api.stripe.com: DNS, proxy, firewall";

/// Where the provider's interface is, and what it is.
pub(super) struct Provider {
    check: &'static str,
    pub(super) base: String,
    key: String,
    /// When it does not answer.
    fix: &'static str,
    /// It can tell us by itself.
    webhooks: bool,
}

/// By the same rules as the program: a base, else Stripe for a key, else the program's own sandbox.
pub(super) fn provider(settings: &Settings) -> Provider {
    let (key, base) = (settings.text("STRIPE_SECRET_KEY"), settings.text("STRIPE_API_BASE"));
    let ours = || format!("http://{}", settings.text("SANDBOX_ADDR").unwrap_or("127.0.0.1:8090"));
    let (check, base, fix) = match base.map(|base| base.trim_end_matches('/')) {
        Some(STRIPE) => ("stripe", STRIPE.to_owned(), WAY_OUT),
        None if key.is_some() => ("stripe", STRIPE.to_owned(), WAY_OUT),
        Some(base) => {
            ("sandbox", base.to_owned(), "start what STRIPE_API_BASE names, for example `ordermesh sandbox`")
        }
        None => ("sandbox", ours(), "start the mesh, which brings its sandbox, or set STRIPE_SECRET_KEY"),
    };
    let webhooks = check == "sandbox" || settings.is_set("STRIPE_WEBHOOK_SECRET");
    Provider { check, base, key: key.unwrap_or(ANY_KEY).to_owned(), fix, webhooks }
}

pub(super) fn probe(settings: &Settings) -> Probe {
    let provider = provider(settings);
    Probe::new(provider.check, provider.base.clone(), provider.fix, ask(provider))
}

async fn ask(provider: Provider) -> Finding {
    match get(&format!("{}/v1/events?limit=1", provider.base), Some(&provider.key)).await {
        Ok(answer) => judge(&provider, &answer),
        Err(fault) => Finding::fault(&fault, provider.fix),
    }
}

fn judge(provider: &Provider, answer: &Response<Bytes>) -> Finding {
    const KEYS: &str = "copy the secret key from dashboard.stripe.com/apikeys into STRIPE_SECRET_KEY";
    const RIGHTS: &str = "give the restricted key write on checkout sessions and refunds, and read on events";
    let finding = match answer.status() {
        StatusCode::OK if json(answer)["object"] != "list" => {
            Finding::fail("something else answers there", provider.fix)
        }
        StatusCode::OK if provider.webhooks => Finding::ok("takes the key"),
        StatusCode::OK => Finding::ok("takes the key; without STRIPE_WEBHOOK_SECRET it is asked for news"),
        StatusCode::UNAUTHORIZED => Finding::fail("does not take the key", KEYS),
        StatusCode::FORBIDDEN => Finding::fail("the key may not read events", RIGHTS),
        status => Finding::warn(format!("answers {status}"), "try again; status.stripe.com tells of outages"),
    };
    finding.version(header(answer.headers(), "stripe-version").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::{super::probe::Status, *};

    #[tokio::test]
    async fn a_key_that_is_refused_fails_and_a_provider_in_trouble_warns() {
        let stripe = || provider(&Settings::defaults().with("STRIPE_SECRET_KEY", "sk_test_1"));
        assert_eq!((stripe().base.as_str(), stripe().webhooks), (STRIPE, false));
        let list = r#"{"object": "list", "data": []}"#;
        for (status, body, expected) in [
            (200, list, Status::Ok),
            (200, "{}", Status::Fail),
            (401, "", Status::Fail),
            (503, "", Status::Warn),
        ] {
            let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
            let row = Probe::new("", "", "", async move { judge(&stripe(), &answer) }).run().await;
            assert_eq!(row.status, expected, "{status} {body}: {}", row.found);
        }
    }
}
