//! Sending again: what a replay repeats, and how far it has come.

use bellwire_protocol::AppId;
use serde::{Deserialize, Serialize};

use crate::ids::{BatchId, EndpointId, ReplayId};

/// A replay as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its name.
    pub id: ReplayId,
    /// Whose.
    pub app: AppId,
    /// Where to.
    pub endpoint: EndpointId,
    /// What it repeats.
    pub of: ReplayOf,
    /// When somebody asked for it, in milliseconds since the epoch.
    pub created_at_ms: u64,
    /// How many events (of a log) or deliveries it was when it was asked for.
    pub total: u64,
    /// How far it has come.
    pub progress: Progress,
}

/// What a replay repeats. The store keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOf {
    /// One delivery, whatever became of it, with its own `webhook-id`.
    Delivery(String),
    /// Every delivery to the endpoint that failed, with their own `webhook-id`s.
    Failed(Span),
    /// Events of the log that the endpoint would hear today, in new batches.
    Log(LogFilter),
    /// A test event, made up.
    Test,
}

/// A span of time: of when batches were cut, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Not before.
    #[serde(default)]
    pub from_ms: Option<u64>,
    /// Not after.
    #[serde(default)]
    pub to_ms: Option<u64>,
}

/// Events of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter {
    /// Of this span.
    #[serde(default, flatten)]
    pub span: Span,
    /// From this place of the log on.
    #[serde(default)]
    pub from_seq: Option<u64>,
    /// Up to this place. Always set once the replay is written down: it does not chase live events.
    #[serde(default)]
    pub to_seq: Option<u64>,
    /// Only of this channel.
    #[serde(default)]
    pub channel: Option<String>,
    /// Only of this kind.
    #[serde(default)]
    pub event: Option<String>,
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The last place of the log, or number of a batch, that is done with; 0 at first.
    pub cursor: u64,
    /// Events or deliveries that went out and were accepted.
    pub delivered: u64,
    /// Those that were given up.
    pub failed: u64,
    /// Whether it goes on.
    pub state: State,
}

/// Whether a replay goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It goes on, or waits for its endpoint.
    Running,
    /// Everything was sent.
    Done,
    /// Somebody stopped it.
    Cancelled,
}

impl State {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

impl ReplayOf {
    /// The delivery that is repeated, if it is one.
    #[must_use]
    pub fn delivery(&self) -> Option<BatchId> {
        match self {
            Self::Delivery(id) => id.parse().ok(),
            _ => None,
        }
    }
}
