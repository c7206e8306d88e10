//! A stored price: what a line may name instead of bringing its own amount.

use common::Currency;
use serde::{Deserialize, Serialize};
use store::{Collection, Document, IndexKey};

use super::{Metadata, Token, token};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Price {
    pub token: Token,
    pub currency: Currency,
    pub unit_minor: i64,
    pub name: String,
    pub metadata: Metadata,
}

impl Document for Price {
    const COLLECTION: Collection = Collection("prices");

    fn document_id(&self) -> String {
        self.token.with(token::PRICE)
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
