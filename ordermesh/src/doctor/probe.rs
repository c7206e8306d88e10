//! One question to one dependency: bounded in time, measured, and answered with a finding.

use std::time::Duration;

use common::Fault;
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::time::Instant;

/// How long one question may take.
pub(super) const LIMIT: Duration = Duration::from_secs(3);

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// Worth a look.
    Warn,
    /// It keeps the mesh from working.
    Fail,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// What was found, and what to do about it.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    status: Status,
    version: Option<String>,
    found: String,
    fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(found: impl Into<String>) -> Self {
        Self { status: Status::Ok, version: None, found: found.into(), fix: None }
    }

    pub(super) fn warn(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Warn, fix: Some(fix.into()), ..Self::ok(found) }
    }

    pub(super) fn fail(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Fail, ..Self::warn(found, fix) }
    }

    /// There was no answer, or none that can be used.
    pub(super) fn fault(fault: &Fault, fix: impl Into<String>) -> Self {
        Self::fail(fault.detail().unwrap_or(fault.public()), fix)
    }

    pub(super) fn version(self, version: impl Into<Option<String>>) -> Self {
        Self { version: version.into(), ..self }
    }
}

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) check: &'static str,
    pub(super) target: String,
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    pub(super) latency_ms: u64,
    pub(super) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

/// A question that is ready to be asked.
pub(super) struct Probe {
    check: &'static str,
    target: String,
    /// What to do when there is no answer in time.
    fix: String,
    question: BoxFuture<'static, Finding>,
}

impl Probe {
    pub(super) fn new(
        check: &'static str,
        target: impl Into<String>,
        fix: impl Into<String>,
        question: impl Future<Output = Finding> + Send + 'static,
    ) -> Self {
        Self { check, target: target.into(), fix: fix.into(), question: Box::pin(question) }
    }

    pub(super) async fn run(self) -> Row {
        let started = Instant::now();
        let finding = match tokio::time::timeout(LIMIT, self.question).await {
            Ok(finding) => finding,
            Err(_) => Finding::fail(format!("no answer in {} s", LIMIT.as_secs()), self.fix),
        };
        Row {
            check: self.check,
            target: self.target,
            status: finding.status,
            version: finding.version,
            latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            found: one_line(&finding.found),
            fix: finding.fix,
        }
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
