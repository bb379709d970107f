//! Replays as people see them.

use bellwire_webhooks::replay::{Replay, ReplayOf, Span, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Moment;

/// Something that is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replay)]
pub(crate) struct ReplayView {
    /// Its id, the `X-Bellwire-Replay` of its requests.
    #[schema(example = "rpl_03338d4e1a400000")]
    id: String,
    /// Whose.
    #[schema(example = "1001")]
    app_id: String,
    /// Where to.
    #[schema(example = "ep_4f1c2a9be07d8835a6c1")]
    webhook_id: String,
    /// What it repeats.
    kind: ReplayKind,
    /// Which delivery, of one.
    #[schema(required)]
    delivery_id: Option<String>,
    /// Which part, of failed deliveries and of the log.
    #[schema(required)]
    filter: Option<ReplayFilter>,
    /// Whether it goes on.
    state: ReplayState,
    /// Events of a log, or deliveries, when it was asked for.
    total: u64,
    /// Those that were accepted.
    delivered: u64,
    /// Those that were given up.
    failed: u64,
    /// When it was asked for.
    created_at: Moment,
}

/// What a replay repeats.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ReplayKind {
    /// One delivery.
    Delivery,
    /// Deliveries that failed.
    Failed,
    /// Events of the log, in new deliveries.
    Log,
    /// Nothing: a made-up event.
    Test,
}

/// Whether a replay goes on.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ReplayState {
    /// It goes on, or waits until its webhook is enabled and well.
    Running,
    /// Everything was sent.
    Done,
    /// Somebody stopped it.
    Cancelled,
}

/// Which part of the failed deliveries or the log a replay repeats.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ReplayFilter {
    /// Not before.
    #[schema(required)]
    from: Option<Moment>,
    /// Not after.
    #[schema(required)]
    to: Option<Moment>,
    /// From this place of the log on.
    #[schema(required)]
    from_seq: Option<u64>,
    /// Up to this place of the log.
    #[schema(required)]
    to_seq: Option<u64>,
    /// Only of this channel.
    #[schema(required)]
    channel: Option<String>,
    /// Only events of this name.
    #[schema(required)]
    event: Option<String>,
}

impl ReplayFilter {
    fn span(span: Span) -> Self {
        Self { from: span.from_ms.map(Moment), to: span.to_ms.map(Moment), ..Self::default() }
    }
}

impl ReplayView {
    /// A replay as people see it.
    pub(crate) fn of(replay: &Replay) -> Self {
        let (kind, delivery_id, filter) = match replay.of.clone() {
            ReplayOf::Delivery(id) => (ReplayKind::Delivery, Some(id), None),
            ReplayOf::Failed(span) => (ReplayKind::Failed, None, Some(ReplayFilter::span(span))),
            ReplayOf::Log(log) => {
                let filter = ReplayFilter {
                    from_seq: log.from_seq,
                    to_seq: log.to_seq,
                    channel: log.channel,
                    event: log.event,
                    ..ReplayFilter::span(log.span)
                };
                (ReplayKind::Log, None, Some(filter))
            }
            ReplayOf::Test => (ReplayKind::Test, None, None),
        };
        Self {
            id: replay.id.to_string(),
            app_id: replay.app.to_string(),
            webhook_id: replay.endpoint.to_string(),
            kind,
            delivery_id,
            filter,
            state: match replay.progress.state {
                State::Running => ReplayState::Running,
                State::Done => ReplayState::Done,
                State::Cancelled => ReplayState::Cancelled,
            },
            total: replay.total,
            delivered: replay.progress.delivered,
            failed: replay.progress.failed,
            created_at: Moment(replay.created_at_ms),
        }
    }
}
