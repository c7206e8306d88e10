//! What travels with a call and is no argument of it: its deadline and its trace. Carried by the task, not by a global.

use std::time::Duration;

use crate::{deadline::Deadline, random::Random, trace::TraceContext};

/// The call that the present task works for. Servers open a scope per request, workers one per message or step;
/// the mesh reads it for every call that goes out.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub deadline: Deadline,
    pub trace: TraceContext,
}

tokio::task_local! {
    static CALL: Call;
}

impl Call {
    #[must_use]
    pub fn new(deadline: Deadline, trace: TraceContext) -> Self {
        Self { deadline, trace }
    }

    /// A call that starts here: a new trace and a deadline of its own.
    pub fn begin(timeout: Duration, random: &dyn Random) -> Self {
        Self::new(Deadline::after(timeout), TraceContext::root(random))
    }

    /// The call of the present task, if it works for one. A spawned task works for none until it opens a scope.
    #[must_use]
    pub fn current() -> Option<Self> {
        CALL.try_with(|call| *call).ok()
    }

    /// The trace of the present task's call, if it works for one.
    #[must_use]
    pub fn current_trace() -> Option<TraceContext> {
        Self::current().map(|call| call.trace)
    }

    /// Runs the future as part of this call.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CALL.scope(self, future).await
    }

    /// Runs the function as part of this call: for one who does work for several callers at once.
    pub fn enter<T>(self, function: impl FnOnce() -> T) -> T {
        CALL.sync_scope(self, function)
    }
}
