//! The live queue of this process: it only says which order to look at again.

use std::{sync::Arc, time::Duration};

use bus::Subscriber;
use contracts::topics::LIVE_ORDERS;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Before the live queue is asked for again when the broker is away.
const SUBSCRIBE_AGAIN: Duration = Duration::from_secs(1);

/// Passes hints on until `shutdown`.
pub async fn listen(app: Arc<App>, bus: Arc<dyn Subscriber>, shutdown: CancellationToken) {
    let _ = shutdown.run_until_cancelled(pass_on(&app, &*bus)).await;
}

async fn pass_on(app: &App, bus: &dyn Subscriber) {
    loop {
        match bus.hints(LIVE_ORDERS).await {
            Ok(mut hints) => {
                // What happened before the queue was there was not heard of.
                app.hint(None);
                loop {
                    let subject = hints.next().await.map(|event| event.subject.parse());
                    app.hint(subject.and_then(Result::ok));
                }
            }
            Err(fault) => {
                tracing::debug!(%fault, "no live hints; watchers look by themselves");
                tokio::time::sleep(SUBSCRIBE_AGAIN).await;
            }
        }
    }
}
