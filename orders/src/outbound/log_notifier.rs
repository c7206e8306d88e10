//! Notices as structured log lines: who sends mail reads them from there. No address is written.

use async_trait::async_trait;
use common::Fault;

use crate::ports::{News, Notice, Notifier};

/// Writes each notice to the log.
#[derive(Clone, Copy, Debug)]
pub struct LogNotifier;

#[async_trait]
impl Notifier for LogNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), Fault> {
        match &notice.news {
            News::Order { order_id, customer_id, status, email, .. } => {
                let reachable = email.is_some();
                tracing::info!(order = %order_id, customer = %customer_id, status, reachable, "tell the customer");
            }
            News::LowStock { item_id, name, available } => {
                tracing::warn!(item = %item_id, name, available, "stock is low");
            }
        }
        Ok(())
    }
}
