//! Faults on demand: what the outside world may do to us, switched on for a number of times.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    CreateSession,
    RetrieveSession,
    ListSessions,
    ExpireSession,
    Refund,
    ListRefunds,
    ListEvents,
    CreatePrice,
    /// Every other read.
    Read,
    /// The delivery of one event.
    Webhook,
}

/// What happens instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Strike {
    /// Nothing is done, and the connection closes without an answer.
    DropReplyBeforeCommit,
    /// It is done and remembered, and the connection closes without an answer.
    DropReplyAfterCommit,
    /// Nothing is done; a 500, which its idempotency key replays.
    #[serde(rename = "500_before_commit")]
    ErrorBeforeCommit,
    /// It is done; a 500, which its idempotency key replays.
    #[serde(rename = "500_after_commit")]
    ErrorAfterCommit,
    /// Nothing is done; the caller is told to come back later.
    #[serde(rename = "429")]
    TooManyRequests,
    /// It begins, or a webhook is sent, this much later.
    Delay { delay_ms: u64 },
    /// A refund that has failed at once.
    Fail,
    /// A refund that is pending for a while and then fails.
    FailLater,
    /// A refund that is pending for a while and then succeeds.
    SucceedLater,
    /// A webhook that is never sent.
    Lose,
    /// A webhook that is sent this many times more.
    Duplicate { copies: u32 },
    /// A webhook that waits at random, so that later ones overtake it.
    Reorder { window_ms: u64 },
}

/// A fault that is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub operation: Operation,
    #[serde(flatten)]
    pub strike: Strike,
    /// How often it still strikes.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl Rule {
    /// A fault that strikes once.
    #[must_use]
    pub fn once(operation: Operation, strike: Strike) -> Self {
        Self { operation, strike, times: once() }
    }
}

/// How many rules may be on at once.
pub const MAX_RULES: usize = 1000;
/// The longest that a fault holds anything back, and the most copies it makes.
pub const MAX_DELAY_MS: u64 = 24 * 60 * 60 * 1000;
pub const MAX_COPIES: u32 = 1000;

impl Strike {
    fn is_bounded(self) -> bool {
        match self {
            Self::Delay { delay_ms: ms } | Self::Reorder { window_ms: ms } => ms <= MAX_DELAY_MS,
            Self::Duplicate { copies } => copies <= MAX_COPIES,
            _ => true,
        }
    }
}

/// The switches. Cheap to clone; all clones are the same switches.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Faults {
    /// Switches a fault on; rules for one operation strike one after the other. False when there are too many, or
    /// when it exceeds its bounds.
    pub fn arm(&self, rule: Rule) -> bool {
        let mut rules = self.lock();
        let fits = rules.len() < MAX_RULES && rule.strike.is_bounded();
        if fits && rule.times > 0 {
            rules.push(rule);
        }
        fits
    }

    /// What is on, with the times that are left.
    #[must_use]
    pub fn armed(&self) -> Vec<Rule> {
        self.lock().clone()
    }

    /// Switches everything off.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The fault that strikes this operation now, used up by one.
    pub(crate) fn take(&self, operation: Operation) -> Option<Strike> {
        let mut rules = self.lock();
        let at = rules.iter().position(|rule| rule.operation == operation)?;
        let strike = rules[at].strike;
        rules[at].times -= 1;
        if rules[at].times == 0 {
            rules.remove(at);
        }
        Some(strike)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_json_and_strikes_as_often_as_it_says() {
        let json = r#"{"operation":"create_session","fault":"500_after_commit","times":2}"#;
        let faults = Faults::default();
        assert!(faults.arm(serde_json::from_str(json).unwrap()));
        assert_eq!(faults.take(Operation::Refund), None);
        assert_eq!(faults.take(Operation::CreateSession), Some(Strike::ErrorAfterCommit));
        assert_eq!(faults.armed()[0].times, 1);
        assert_eq!(faults.take(Operation::CreateSession), Some(Strike::ErrorAfterCommit));
        assert_eq!(faults.take(Operation::CreateSession), None);
        let webhook: Rule =
            serde_json::from_str(r#"{"operation":"webhook","fault":"duplicate","copies":3}"#).unwrap();
        assert_eq!(webhook, Rule::once(Operation::Webhook, Strike::Duplicate { copies: 3 }));
    }
}
