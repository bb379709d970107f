//! One attempt to deliver a batch, and what came of it.

use crate::ids::BatchId;

/// An attempt as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was sent.
    pub batch: BatchId,
    /// 1, 2, 3, …
    pub number: u32,
    /// When it began, in milliseconds since the epoch.
    pub at_ms: u64,
    /// How it went.
    pub answer: Answer,
}

/// How an exchange with an endpoint went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Milliseconds that it took.
    pub duration_ms: u32,
    /// The status, if an answer came.
    pub status: Option<u16>,
    /// What went wrong; none: a 2xx whose body was read or cut at the limit in time.
    pub failure: Option<Failure>,
    /// A sentence about the failure for people.
    pub detail: String,
    /// The address that was dialled.
    pub remote: Option<String>,
    /// The `Retry-After` of the answer, in milliseconds from when it came.
    pub retry_after_ms: Option<u64>,
    /// The first 4 KiB of the answer's body; bytes that are no UTF-8 are replaced.
    pub body: String,
    /// The head of the request as it was sent, a line each.
    pub request_head: String,
}

/// What went wrong, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The host name has no address.
    Dns,
    /// Nobody listens at the address, or it cannot be reached.
    Refused,
    /// The TLS handshake failed.
    Tls,
    /// Connecting or the whole exchange took too long.
    Timeout,
    /// The connection ended before the answer was complete, or the answer was no HTTP.
    Broken,
    /// The answer is no 2xx.
    Status,
    /// The answer's body did not end in time or was cut off.
    Body,
    /// The address is one that webhooks must not reach.
    Forbidden,
}

impl Failure {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Dns,
        Self::Refused,
        Self::Tls,
        Self::Timeout,
        Self::Broken,
        Self::Status,
        Self::Body,
        Self::Forbidden,
    ];

    /// The word in the log, the API and the metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Status => "status",
            Self::Body => "body",
            Self::Forbidden => "forbidden",
        }
    }

    /// The class with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.name() == name)
    }
}

impl Answer {
    /// Whether the receiver has taken it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.failure.is_none()
    }
}
