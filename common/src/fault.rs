//! What went wrong, as every layer speaks of it: a kind, a stable code, a text for the caller and a detail for us.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// How a fault behaves: what a caller may do about it. Edges map it to a gRPC or HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The input is wrong in itself; the same call can never succeed.
    Invalid,
    /// There is no such thing, or not for this caller.
    NotFound,
    /// The thing is in a state that does not allow the call.
    Conflict,
    /// The same thing is being done elsewhere right now; trying again later may succeed.
    Aborted,
    /// A compare-and-swap lost: reload and decide again.
    VersionConflict,
    /// The caller may not do this.
    Forbidden,
    /// A bound is reached (queue full, list full, too many streams); later may succeed.
    Exhausted,
    /// A store, a peer or the provider cannot be reached, or said to come back later. The outcome may be unknown.
    Unavailable,
    /// The deadline passed before there was an answer. The outcome may be unknown.
    DeadlineExceeded,
    /// A bug or broken data of ours.
    Internal,
}

impl Kind {
    /// Transient faults say nothing about the input: waiting and repeating is sensible, and they are never
    /// counted against a message.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unavailable
                | Self::DeadlineExceeded
                | Self::VersionConflict
                | Self::Aborted
                | Self::Exhausted
        )
    }
}

macro_rules! codes {
    ($($variant:ident = $text:literal => $kind:ident),+ $(,)?) => {
        /// Stable, machine-readable reason; the `code` of a problem document and the reason of `google.rpc.ErrorInfo`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($variant),+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it is written in answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The kind that a fault with this code has unless it says otherwise.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind),+ }
            }

            /// The code with this text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed_json" => Invalid,
    InvalidParameter = "invalid_parameter" => Invalid,
    InvalidSignature = "invalid_signature" => Invalid,
    InvalidOrder = "invalid_order" => Invalid,
    InvalidRequest = "invalid_request" => Invalid,
    IdempotencyKeyReused = "idempotency_key_reused" => Invalid,
    BodyTooLarge = "body_too_large" => Invalid,
    UnsupportedMediaType = "unsupported_media_type" => Invalid,
    Unauthenticated = "unauthenticated" => Forbidden,
    Forbidden = "forbidden" => Forbidden,
    ForeignOrigin = "foreign_origin" => Forbidden,
    OrderNotFound = "order_not_found" => NotFound,
    ItemNotFound = "item_not_found" => NotFound,
    TicketNotFound = "ticket_not_found" => NotFound,
    PaymentNotFound = "payment_not_found" => NotFound,
    DeadLetterNotFound = "dead_letter_not_found" => NotFound,
    RouteNotFound = "route_not_found" => NotFound,
    MethodNotAllowed = "method_not_allowed" => Invalid,
    InsufficientStock = "insufficient_stock" => Conflict,
    OrderNotCancellable = "order_not_cancellable" => Conflict,
    InvalidTransition = "invalid_transition" => Conflict,
    AlreadyClosed = "already_closed" => Conflict,
    PaymentRejected = "payment_rejected" => Conflict,
    IdempotencyInFlight = "idempotency_in_flight" => Aborted,
    VersionConflict = "version_conflict" => VersionConflict,
    RateLimited = "rate_limited" => Exhausted,
    TooManyStreams = "too_many_streams" => Exhausted,
    ResourceExhausted = "resource_exhausted" => Exhausted,
    Unavailable = "unavailable" => Unavailable,
    DeadlineExceeded = "deadline_exceeded" => DeadlineExceeded,
    Internal = "internal" => Internal,
}

/// One thing that is wrong with an input, at a JSON pointer (RFC 6901) into the body as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    pub pointer: String,
    pub detail: String,
}

/// An error that crosses layers. `public` may be shown to the caller; `detail` and the source are for our logs only.
#[derive(Clone, Debug)]
pub struct Fault {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    kind: Kind,
    code: Code,
    public: Cow<'static, str>,
    detail: Option<String>,
    violations: Vec<Violation>,
    metadata: BTreeMap<String, String>,
    retry_after: Option<Duration>,
}

impl Fault {
    /// A fault with the code's own kind and a text that may be shown to the caller.
    pub fn new(code: Code, public: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind: code.kind(),
                code,
                public: public.into(),
                detail: None,
                violations: Vec::new(),
                metadata: BTreeMap::new(),
                retry_after: None,
            }),
        }
    }

    /// A bug or broken data of ours: the caller learns nothing but that; `detail` goes to the log.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(Code::Internal, "something went wrong on our side").with_detail(detail)
    }

    /// A dependency cannot be reached; `detail` says which and why.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, "the service is not available right now; try again").with_detail(detail)
    }

    /// The deadline passed while doing `what`.
    pub fn deadline_exceeded(what: impl Into<String>) -> Self {
        Self::new(Code::DeadlineExceeded, "there was no answer in time; the outcome is not known")
            .with_detail(what)
    }

    /// A compare-and-swap lost on the named document.
    pub fn version_conflict(document: impl Into<String>) -> Self {
        Self::new(Code::VersionConflict, "the document was changed by someone else").with_detail(document)
    }

    /// Overrides the kind that the code brings.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// Adds what our logs should say; never shown to a caller.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.inner.detail = Some(detail.into());
        self
    }

    /// Adds one wrong place of the input.
    #[must_use]
    pub fn with_violation(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.inner.violations.push(Violation { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Adds a public key and value (for example the lines that lack stock); it crosses the wire in `ErrorInfo`.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.inner.metadata.insert(key.into(), value.into());
        self
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.inner.retry_after = Some(after);
        self
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    #[must_use]
    pub fn code(&self) -> Code {
        self.inner.code
    }

    #[must_use]
    pub fn public(&self) -> &str {
        &self.inner.public
    }

    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.inner.detail.as_deref()
    }

    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.inner.violations
    }

    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.inner.metadata
    }

    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Whether repeating the same call later is sensible.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.inner.kind.is_transient()
    }

    #[must_use]
    pub fn is_version_conflict(&self) -> bool {
        self.inner.kind == Kind::VersionConflict
    }

    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.inner.kind == Kind::NotFound
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code().as_str(), self.public())?;
        self.violations().iter().try_for_each(|v| write!(f, "; {} {}", v.pointer, v.detail))?;
        self.detail().map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_parses_back_from_its_text() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
        }
        assert_eq!(Code::parse("nonsense"), None);
    }

    #[test]
    fn the_detail_is_in_the_log_line_and_not_in_the_public_text() {
        let fault = Fault::unavailable("orders at 127.0.0.1:2000 refused the connection");
        assert!(fault.to_string().contains("127.0.0.1"));
        assert!(!fault.public().contains("127.0.0.1"));
        assert!(fault.is_transient());
    }
}
