//! When a server is truly ready: asked, not guessed.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

use super::{Failure, Launch, Process};

/// Long enough for a broker that boots on a machine busy with builds.
const READY_WITHIN: Duration = Duration::from_secs(90);
const ASK_EVERY: Duration = Duration::from_millis(50);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Asks one server whether it is ready.
pub(super) type Check = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// Waits until the check says yes; a failure shows the server's log.
pub(super) async fn wait(launch: &Launch, process: &Process, check: &Check) -> Result<(), Failure> {
    let name = launch.program.display();
    let end = Instant::now() + READY_WITHIN;
    loop {
        if timeout(ANSWER_WITHIN, check()).await.unwrap_or(false) {
            return Ok(());
        }
        if process.has_ended() {
            return Err(Failure::ended(format!("{name} ended by itself:\n{}", launch.log_tail())));
        }
        if Instant::now() > end {
            return Err(Failure::new(format!("{name} is not ready:\n{}", launch.log_tail())));
        }
        sleep(ASK_EVERY).await;
    }
}

/// The body of a 200, or none.
pub(super) async fn get(request: reqwest::RequestBuilder) -> Option<String> {
    let answer = request.send().await.ok()?.error_for_status().ok()?;
    answer.text().await.ok()
}
