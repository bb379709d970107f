//! Deliveries as people see them: in a list, and one with every attempt.

use bellwire_webhooks::attempt::{Attempt, Failure};
use bellwire_webhooks::batch::Batch;
use bellwire_webhooks::ledger::{Delivery, DeliveryStatus};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::management::moment::Moment;
use crate::management::terms::HIDDEN;

/// Names of events and channels that a list shows of one delivery.
const SHOWN: usize = 10;

/// Events that go to one webhook in one request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(in crate::management) struct DeliveryView {
    /// Its id.
    #[schema(example = "msg_03338d4e1a400000")]
    id: String,
    /// The `Webhook-Id` that the receiver gets: of a replay that of what it repeats.
    #[schema(example = "msg_03338d4e1a400000")]
    message_id: String,
    /// Where to.
    #[schema(example = "ep_4f1c2a9be07d8835a6c1")]
    webhook_id: String,
    /// What has become of it: `pending`, `delivered`, `failed`, `discarded`, or `split` when two halves
    /// took its place.
    #[schema(example = "delivered")]
    status: &'static str,
    /// When it was made.
    created_at: Moment,
    /// When it ended.
    #[schema(required)]
    ended_at: Option<Moment>,
    /// Events in it.
    event_count: usize,
    /// Their names, each once, at most ten.
    #[schema(example = json!(["channel_occupied"]))]
    events: Vec<String>,
    /// Their channels, each once, at most ten.
    #[schema(example = json!(["presence-lobby"]))]
    channels: Vec<String>,
    /// The place of the first in the app's log; a test has none.
    #[schema(required)]
    first_seq: Option<u64>,
    /// The place of the last.
    #[schema(required)]
    last_seq: Option<u64>,
    /// The replay that sends it.
    #[schema(required)]
    replay_id: Option<String>,
    /// The delivery that it repeats, or from which it was split.
    #[schema(required)]
    parent_id: Option<String>,
    /// Attempts so far.
    attempt_count: u32,
    /// The last of them.
    #[schema(required)]
    last_attempt: Option<AttemptView>,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(in crate::management) struct AttemptView {
    /// 1, 2, 3, …
    number: u32,
    /// When it began.
    at: Moment,
    /// Milliseconds that it took.
    duration_ms: u32,
    /// The status of the answer, if one came.
    #[schema(required, example = 503)]
    status: Option<u16>,
    /// What went wrong: `dns`, `refused`, `tls`, `timeout`, `broken`, `status`, `body` or `forbidden`;
    /// `null` if it was accepted.
    #[schema(required, value_type = Option<String>, example = "status")]
    failure: Option<&'static str>,
    /// A sentence about that.
    detail: String,
    /// The address that was dialled.
    #[schema(required, example = "203.0.113.7:443")]
    remote: Option<String>,
    /// How long the receiver asked to wait.
    #[schema(required)]
    retry_after_ms: Option<u64>,
    /// The head of the request as it was sent; values of the webhook's own headers are not shown.
    #[schema(example = "POST /webhooks HTTP/1.1\nContent-Type: application/json")]
    request_head: String,
    /// The first 4 KiB of the answer's body.
    response_body: String,
}

/// A delivery with what was sent and every attempt.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::management) struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The body as it was sent first. With `retry_hours`, later attempts have a later `time_ms`.
    #[schema(example = r#"{"time_ms":1795253400000,"events":[]}"#)]
    request_body: String,
    /// Every attempt, oldest first.
    attempts: Vec<AttemptView>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::management) struct DeliveryPage {
    /// Newest first.
    pub(in crate::management) deliveries: Vec<DeliveryView>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required, example = "msg_03338d4e1a400000")]
    pub(in crate::management) next_cursor: Option<String>,
}

impl DeliveryView {
    /// A delivery in a list.
    pub(in crate::management) fn of(delivery: &Delivery) -> Self {
        let batch = &delivery.batch;
        let (event_count, events, channels) = contents(batch);
        // A replay keeps the id of what it repeats.
        let message = batch.parent.filter(|_| batch.replay.is_some()).unwrap_or(batch.id);
        Self {
            id: batch.id.to_string(),
            message_id: message.to_string(),
            webhook_id: batch.endpoint.to_string(),
            status: match delivery.status {
                DeliveryStatus::Pending => "pending",
                DeliveryStatus::Ended(outcome) => outcome.name(),
            },
            created_at: Moment(batch.time_ms),
            ended_at: delivery.ended_at_ms.map(Moment),
            event_count,
            events,
            channels,
            first_seq: batch.seqs.first().copied(),
            last_seq: batch.seqs.last().copied(),
            replay_id: batch.replay.map(|replay| replay.to_string()),
            parent_id: batch.parent.map(|parent| parent.to_string()),
            attempt_count: delivery.attempts,
            last_attempt: delivery.last.as_ref().map(AttemptView::of),
        }
    }
}

impl DeliveryDetail {
    /// A delivery with everything.
    pub(in crate::management) fn of(delivery: &Delivery, attempts: &[Attempt]) -> Self {
        Self {
            delivery: DeliveryView::of(delivery),
            request_body: delivery.batch.body(delivery.batch.time_ms),
            attempts: attempts.iter().map(AttemptView::of).collect(),
        }
    }
}

impl AttemptView {
    fn of(attempt: &Attempt) -> Self {
        let answer = attempt.answer.clone();
        Self {
            number: attempt.number,
            at: Moment(attempt.at_ms),
            duration_ms: answer.duration_ms,
            status: answer.status,
            failure: answer.failure.map(Failure::name),
            detail: answer.detail,
            remote: answer.remote,
            retry_after_ms: answer.retry_after_ms,
            request_head: without_own_values(&answer.request_head),
            response_body: answer.body,
        }
    }
}

/// How many events a batch has, and what of, each name and channel once.
fn contents(batch: &Batch) -> (usize, Vec<String>, Vec<String>) {
    #[derive(Deserialize)]
    struct Event {
        name: String,
        channel: String,
    }
    // The engine wrote the array.
    let all: Vec<Event> = serde_json::from_str(&batch.events).unwrap_or_default();
    let (mut names, mut channels) = (Vec::new(), Vec::new());
    let count = all.len();
    for event in all {
        add(&mut names, event.name);
        add(&mut channels, event.channel);
    }
    (count, names, channels)
}

fn add(to: &mut Vec<String>, text: String) {
    if to.len() < SHOWN && !to.contains(&text) {
        to.push(text);
    }
}

/// The head of a request without the values of the headers that the webhook's owner has added, now or
/// then: whatever is not known to be the server's own.
fn without_own_values(head: &str) -> String {
    let lines = head.lines().enumerate().map(|(at, line)| match line.split_once(':') {
        Some((name, _)) if at > 0 && !is_servers(name) => format!("{name}: {HIDDEN}"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_servers(name: &str) -> bool {
    const NAMES: [&str; 4] = ["host", "content-type", "content-length", "user-agent"];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || ["x-pusher-", "x-bellwire-", "webhook-"].iter().any(|own| name.starts_with(own))
}

/// The path of a delivery.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(in crate::management) struct DeliveryPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The delivery's id.
    #[param(example = "msg_03338d4e1a400000")]
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_shown_without_the_values_that_may_be_secret() {
        let head = "POST /a:b HTTP/1.1\nHost: a.example:8000\nX-Pusher-Key: k\nX-Api-Key: s3cret\n\
                    Webhook-Id: msg_1\nAuthorization: Basic abc:def";
        let shown = "POST /a:b HTTP/1.1\nHost: a.example:8000\nX-Pusher-Key: k\nX-Api-Key: ***\n\
                     Webhook-Id: msg_1\nAuthorization: ***";
        assert_eq!(without_own_values(head), shown);
    }
}
