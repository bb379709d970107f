//! What receivers missed, as people see it.

use bellwire_webhooks::ledger::Lost;
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Moment;

/// Events that a webhook did not get.
#[derive(Serialize, ToSchema)]
#[schema(as = Gap)]
pub(crate) struct GapView {
    /// Which webhook.
    #[schema(example = "ep_4f1c2a9be07d8835a6c1")]
    webhook_id: String,
    /// The place of the first in the log.
    #[schema(example = 17)]
    first_seq: u64,
    /// The place of the last.
    #[schema(example = 19)]
    last_seq: u64,
    /// How many there are between.
    #[schema(example = 2)]
    count: u64,
    /// Why: `expired`, `refused`, `disabled`, `overflow` or `retention`.
    #[schema(example = "expired")]
    reason: String,
    /// When that was clear.
    at: Moment,
}

impl GapView {
    /// A gap as people see it.
    pub(crate) fn of(lost: &Lost) -> Self {
        Self {
            webhook_id: lost.endpoint.to_string(),
            first_seq: lost.gap.first,
            last_seq: lost.gap.last,
            count: lost.gap.count,
            reason: lost.reason.clone(),
            at: Moment(lost.at_ms),
        }
    }
}
