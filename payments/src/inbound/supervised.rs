//! Work that runs to its end whatever becomes of its caller: a provider call always finishes and records its reply.

use std::{sync::Arc, time::Duration};

use common::{Call, Deadline, Fault, Random, TraceContext};
use runtime::Tasks;
use tokio::sync::oneshot;

/// How long the provider is given, however little time the caller has left.
pub(crate) const PROVIDER_BUDGET: Duration = Duration::from_secs(30);

/// Starts supervised work.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    pub(crate) tasks: Tasks,
    pub(crate) random: Arc<dyn Random>,
}

impl Supervisor {
    /// Runs the work in a task of its own and waits for it until the caller's deadline. `deadline_exceeded` after
    /// that: the work goes on.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let call = self.call();
        let (answer, answered) = oneshot::channel();
        self.tasks.spawn(name, async move {
            if let Err(Err(fault)) = answer.send(call.scope(work).await) {
                tracing::warn!(name, %fault, "failed after its caller had gone");
            }
        });
        let answered = self.wait(name, answered).await?;
        answered.unwrap_or_else(|_| Err(Fault::unavailable("the task died")))
    }

    /// Waits until the caller's deadline, and for the provider's time without one. `deadline_exceeded` after that.
    pub(crate) async fn wait<T>(
        &self,
        what: &'static str,
        future: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        let deadline = Call::current().unwrap_or_else(|| self.call()).deadline;
        deadline.bound(what, async { Ok(future.await) }).await
    }

    /// The scope of work that nobody waits for: the present trace, and time enough for the provider.
    pub(crate) fn call(&self) -> Call {
        let trace = Call::current().map_or_else(|| TraceContext::root(&*self.random), |caller| caller.trace);
        Call::new(Deadline::after(PROVIDER_BUDGET), trace)
    }
}
