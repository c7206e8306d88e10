//! The observer port: told once of every attempt, by the caller's side or the server's, so that metrics can be bound
//! without the mesh knowing them.

use std::{fmt, time::Duration};

use tonic::Code;

/// How one attempt ended.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    pub service: &'static str,
    /// `/package.Service/Method`.
    pub method: &'a str,
    /// What the peer answered, or what the failure of the transport amounts to.
    pub code: Code,
    /// Until the whole answer of a unary call, until the response head of a stream.
    pub latency: Duration,
    /// 1 for the first, more for a retry.
    pub number: u32,
}

/// Hears of every attempt, on the task that made or answered it: must be cheap and must not block.
pub trait Observer: Send + Sync + fmt::Debug {
    fn attempt(&self, attempt: &Attempt<'_>);
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn attempt(&self, _: &Attempt<'_>) {}
}
