//! Work that runs to its end whatever becomes of its caller: a provider call always finishes and records its reply.

use std::time::Duration;

use common::{Call, Deadline, Fault, Span, SpanKind, Spans, TraceContext};
use runtime::Tasks;
use tokio::sync::oneshot;

/// How long the provider is given, however little time the caller has left.
pub(crate) const PROVIDER_BUDGET: Duration = Duration::from_secs(30);

/// Starts supervised work.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    pub(crate) tasks: Tasks,
    pub(crate) spans: Spans,
}

impl Supervisor {
    /// Runs the work in a task of its own and waits for it until the caller's deadline. `deadline_exceeded` after
    /// that: the work goes on.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let span = self.span(name, None);
        let (answer, answered) = oneshot::channel();
        self.tasks.spawn(name, async move {
            if let Err(Err(fault)) = answer.send(within(span, work).await) {
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
        let deadline = Call::current().map_or_else(|| Deadline::after(PROVIDER_BUDGET), |call| call.deadline);
        deadline.bound(what, async { Ok(future.await) }).await
    }

    /// Runs work that nobody waits for, with time enough for the provider: in the trace of what it is about, if that
    /// has one, else in the present one.
    pub(crate) async fn scope<T>(
        &self,
        name: &'static str,
        own: Option<TraceContext>,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        within(self.span(name, own), work).await
    }

    fn span(&self, name: &'static str, own: Option<TraceContext>) -> Span {
        self.spans.of_trace(own, Call::current_trace(), (SpanKind::Internal, format_args!("{name}")))
    }
}

async fn within<T>(mut span: Span, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    // Boxed: the use cases make futures of tens of kilobytes, and each wrapper around them would hold one more.
    let work = Box::pin(work);
    let result = Call::new(Deadline::after(PROVIDER_BUDGET), span.context()).scope(work).await;
    span.note(&result);
    result
}
