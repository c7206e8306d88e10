//! Whether this machine's clock agrees with the provider's and the gateway's: webhook signatures allow 300 s.

use std::time::{Duration, SystemTime};

use futures::future::join_all;
use runtime::Settings;

use super::{
    http::{get, header},
    probe::{Finding, Probe},
    provider::provider,
};
use crate::client::base;

/// Beyond this webhooks are refused.
const ALLOWED: Duration = Duration::from_secs(300);
/// Well within, so that there is time to act.
const WORTH_A_LOOK: Duration = Duration::from_secs(30);
const FIX: &str = "let a time service keep the clock, such as chrony or systemd-timesyncd";

pub(super) fn probe(settings: &Settings) -> Probe {
    let addresses = [provider(settings).base, format!("{}/health", base(settings).trim_end_matches('/'))];
    Probe::new("clock", "this machine", FIX, async move {
        let differences = join_all(addresses.iter().map(|url| difference(url))).await;
        match differences.into_iter().flatten().max() {
            Some(apart) => judge(apart),
            None => Finding::ok("nobody answers who could tell the time"),
        }
    })
}

fn judge(apart: Duration) -> Finding {
    let seconds = apart.as_secs();
    if apart >= ALLOWED {
        return Finding::fail(format!("{seconds} s off: every webhook is refused"), FIX);
    }
    if apart >= WORTH_A_LOOK {
        return Finding::warn(format!("{seconds} s off; webhooks allow 300 s"), FIX);
    }
    // The header has whole seconds only.
    Finding::ok(format!("within {} s of the provider and the gateway", seconds + 1))
}

/// How far the `Date` of an answer is from our time; none without an answer that has one.
async fn difference(url: &str) -> Option<Duration> {
    let answer = get(url, None).await.ok()?;
    let theirs = httpdate::parse_http_date(header(answer.headers(), "date")?).ok()?;
    Some(SystemTime::now().duration_since(theirs).unwrap_or_else(|ahead| ahead.duration()))
}

#[cfg(test)]
mod tests {
    use super::{super::probe::Status, *};

    #[tokio::test]
    async fn a_clock_that_is_off_warns_before_webhooks_are_refused() {
        for (apart, status) in [(1, Status::Ok), (60, Status::Warn), (300, Status::Fail)] {
            let row =
                Probe::new("clock", "", "", async move { judge(Duration::from_secs(apart)) }).run().await;
            assert_eq!(row.status, status, "{apart} s: {}", row.found);
            assert_eq!(row.fix.is_none(), status == Status::Ok);
        }
    }
}
