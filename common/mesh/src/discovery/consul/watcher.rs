//! One blocking query after the other for one service, and what is believed of their answers.

use std::{sync::Arc, time::Duration};

use common::{Backoff, Random};
use consulrs::api::features::Blocking;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    agent::{Agent, AgentFault},
    endpoints::{Entry, ServiceHealth},
    kept::Kept,
};
use crate::discovery::{
    EndpointSet, Peer,
    names::{self, Listed, Lookup, Names},
};

/// How long the agent may hold a query that has no news; it adds up to a sixteenth.
const WAIT: Duration = Duration::from_secs(20);
/// A query that took longer is lost, as with an agent that hangs.
const QUERY_TIMEOUT: Duration = Duration::from_secs(25);
/// Between the starts of two queries, so that a restless catalogue costs little.
const PACE: Duration = Duration::from_millis(50);
const AGAIN: Backoff = Backoff { base: Duration::from_millis(250), cap: Duration::from_secs(3) };

/// Asks for one service. All watchers in the process share it.
pub(super) struct Watcher {
    agent: Agent,
    service: &'static str,
    datacenter: Option<String>,
    random: Arc<dyn Random>,
    /// The state of the catalogue that is known; 0 asks for the present one without waiting.
    index: u64,
    failures: u32,
    doubted: bool,
}

impl Watcher {
    pub(super) fn new(
        agent: Agent,
        service: &'static str,
        datacenter: Option<String>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { agent, service, datacenter, random, index: 0, failures: 0, doubted: false }
    }

    /// Asks until nobody watches. What was kept on disk is there at once.
    pub(super) fn start(self, kept: Kept, lookup: Arc<dyn Lookup>) -> watch::Receiver<EndpointSet> {
        let known = kept.load();
        let (sender, receiver) = watch::channel(Names::new(&known).endpoints());
        let (list, listed) = watch::channel(known);
        tokio::spawn(async move {
            tokio::select! {
                () = self.ask(&list, &kept) => {}
                () = names::follow(listed, lookup, sender) => {}
            }
        });
        receiver
    }

    async fn ask(mut self, list: &watch::Sender<Vec<Listed>>, kept: &Kept) {
        loop {
            let started = Instant::now();
            match self.query().await {
                Ok((index, entries)) => {
                    self.succeeded();
                    if index != self.index {
                        self.take(&entries, list, kept).await;
                    }
                    self.index = next_index(self.index, index);
                    sleep_until(started + PACE).await;
                }
                Err(fault) => {
                    self.failed(&fault);
                    sleep(AGAIN.delay(self.failures, self.random.as_ref())).await;
                }
            }
        }
    }

    async fn query(&self) -> Result<(u64, Vec<Entry>), AgentFault> {
        let blocking = Blocking { index: self.index, wait: Some(format!("{}s", WAIT.as_secs())) };
        let endpoint = ServiceHealth {
            service: self.service.to_owned(),
            blocking: Some(blocking),
            passing: Some(true),
            dc: self.datacenter.clone(),
        };
        let answer = self.agent.exec(endpoint, QUERY_TIMEOUT).await?;
        let index = answer.index.as_deref().and_then(|index| index.parse().ok());
        let index = index.ok_or_else(|| AgentFault::new("the answer has no index"))?;
        Ok((index, answer.response))
    }

    /// An empty answer is what a registry gives that has lost its memory or refuses to tell: where something was known,
    /// it stays.
    async fn take(&mut self, entries: &[Entry], list: &watch::Sender<Vec<Listed>>, kept: &Kept) {
        let found = listed(self.service, entries);
        if found.is_empty() {
            self.doubt(list.borrow().len());
            return;
        }
        self.doubted = false;
        let changed = list.send_if_modified(|known| {
            let changed = *known != found;
            if changed {
                known.clone_from(&found);
            }
            changed
        });
        if changed {
            kept.save(&found).await;
        }
    }

    fn doubt(&mut self, known: usize) {
        if known > 0 && !self.doubted {
            self.doubted = true;
            tracing::warn!(
                service = self.service,
                known,
                "the registry has no passing instance any more; keeping the last ones"
            );
        }
    }

    fn succeeded(&mut self) {
        if self.failures > 0 {
            tracing::info!(service = self.service, "the registry answers again");
        }
        self.failures = 0;
    }

    /// After an error anything may have changed, the catalogue's memory included: the next query asks anew.
    fn failed(&mut self, fault: &AgentFault) {
        if self.failures == 0 {
            tracing::warn!(service = self.service, %fault, "the registry does not answer; keeping the last instances");
        }
        self.failures = self.failures.saturating_add(1);
        self.index = 0;
    }
}

/// An index that goes backwards is another catalogue's: ask without waiting. One below 1 would never block.
fn next_index(known: u64, answered: u64) -> u64 {
    if answered < known { 0 } else { answered.max(1) }
}

/// In one order, so that the same answer in another is no change.
fn listed(service: &str, entries: &[Entry]) -> Vec<Listed> {
    let mut found: Vec<_> = entries.iter().filter_map(|entry| one(service, entry)).collect();
    found.sort_by_cached_key(|listed| listed.peer.to_string());
    found
}

fn one(service: &str, entry: &Entry) -> Option<Listed> {
    match Peer::new(entry.host(), entry.service.port) {
        Ok(peer) => {
            Some(Listed { peer, weight: entry.service.weight(), version: entry.service.version().into() })
        }
        Err(error) => {
            tracing::debug!(service, id = entry.service.id, %error, "an instance that cannot be called");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_starts_anew_when_it_goes_backwards_and_is_never_sent_below_one() {
        assert_eq!([next_index(0, 0), next_index(0, 7), next_index(7, 7), next_index(7, 9)], [1, 7, 7, 9]);
        assert_eq!(next_index(9, 3), 0);
    }
}
