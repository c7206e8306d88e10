//! A refund of a charge, or of a part of it.

use common::{Currency, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Collection, Document, IndexKey};

use super::{Metadata, Token, token};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    pub token: Token,
    /// The token of the session, the payment intent and the charge.
    pub payment: Token,
    pub amount_minor: i64,
    pub currency: Currency,
    pub status: RefundStatus,
    pub reason: Option<String>,
    pub metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// Decided at `due_ms`.
    Pending {
        succeeds: bool,
        due_ms: u64,
    },
    Succeeded,
    Failed,
}

impl Refund {
    /// Decides a pending refund whose time has come; false when there is nothing to decide.
    pub fn fall_due(&mut self, now: Timestamp) -> bool {
        let RefundStatus::Pending { succeeds, due_ms } = self.status else { return false };
        let due = now.as_millis() >= due_ms;
        if due {
            self.status = if succeeds { RefundStatus::Succeeded } else { RefundStatus::Failed };
        }
        due
    }
}

impl Document for Refund {
    const COLLECTION: Collection = Collection("refunds");
    const INDEXES: &'static [&'static str] = &["payment", "due"];

    fn document_id(&self) -> String {
        self.token.with(token::REFUND)
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let mut keys = vec![IndexKey::new("payment", self.payment.with(""))];
        if let RefundStatus::Pending { due_ms, .. } = self.status {
            keys.push(IndexKey::new("due", Timestamp::from_millis(due_ms).sort_key()));
        }
        keys
    }
}
