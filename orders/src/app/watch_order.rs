//! Watch one order: its present state first, then again on each change; a slow reader sees the latest only.

use std::{sync::Arc, time::Duration};

use common::{CustomerId, Fault, OrderId};

use super::{App, watchers::Watch};
use crate::{domain::Order, ports::Stored};

/// How long a watcher trusts that it was told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A watch that is under way. Nothing is read ahead: whoever asks late gets the newest state.
#[derive(Debug)]
pub struct OrderWatch {
    app: Arc<App>,
    watch: Watch,
    id: OrderId,
    first: Option<Stored<Order>>,
    seen: u64,
    over: bool,
}

impl App {
    /// Starts to watch; versions up to `seen` are not shown. Faults: `order_not_found`, `too_many_streams`,
    /// `unavailable`.
    pub async fn watch_order(
        self: &Arc<Self>,
        id: OrderId,
        customer: Option<&CustomerId>,
        seen: u64,
    ) -> Result<OrderWatch, Fault> {
        let watch = self.watchers.watch(id)?;
        let first = self.find(id, customer).await?;
        Ok(OrderWatch { app: Arc::clone(self), watch, id, first: Some(first), seen, over: false })
    }
}

impl OrderWatch {
    /// The order once it is newer than what was seen; `None` after a final state and at shutdown.
    pub async fn next(&mut self) -> Option<Stored<Order>> {
        while !self.over {
            if let Some(order) = self.look().await {
                return Some(order);
            }
            if self.over {
                break;
            }
            let look_again = tokio::time::sleep(LOOK_EVERY);
            tokio::select! {
                () = self.watch.changed() => {}
                () = look_again => {}
                () = self.app.parts.background.stopping() => self.over = true,
            }
        }
        None
    }

    /// Reads the order if it was not just read; a store that does not answer is asked again later.
    async fn look(&mut self) -> Option<Stored<Order>> {
        let order = match self.first.take() {
            Some(first) => first,
            None => self.app.find(self.id, None).await.ok()?,
        };
        self.over = order.body.status.is_final();
        (order.version > self.seen).then(|| {
            self.seen = order.version;
            order
        })
    }
}
