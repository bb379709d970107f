//! Deliveries as people see them: in a list, and one with every attempt.

use bellwire_webhooks::attempt::{Attempt, Failure};
use bellwire_webhooks::batch::{Batch, Outcome};
use bellwire_webhooks::ledger::{Delivery, DeliveryStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HIDDEN;
use crate::moment::Moment;

/// Names of events and channels that a list shows of one delivery.
const SHOWN: usize = 10;

/// Events that go to one webhook in one request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
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
pub(crate) struct AttemptView {
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
pub(crate) struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The body as it was sent first. With `retry_hours`, later attempts have a later `time_ms`.
    #[schema(example = r#"{"time_ms":1795253400000,"events":[]}"#)]
    request_body: String,
    /// Every attempt, oldest first.
    attempts: Vec<AttemptView>,
}

impl DeliveryView {
    /// A delivery in a list.
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let batch = &delivery.batch;
        let all = events_of(batch);
        // A replay keeps the id of what it repeats.
        let message = batch.parent.filter(|_| batch.replay.is_some()).unwrap_or(batch.id);
        Self {
            id: batch.id.to_string(),
            message_id: message.to_string(),
            webhook_id: batch.endpoint.to_string(),
            status: status(delivery.status),
            created_at: Moment(batch.time_ms),
            ended_at: delivery.ended_at_ms.map(Moment),
            event_count: all.len(),
            events: each_once(all.iter().map(|event| &event.name)),
            channels: each_once(all.iter().map(|event| &event.channel)),
            first_seq: batch.seqs.first().copied(),
            last_seq: batch.seqs.last().copied(),
            replay_id: batch.replay.map(|replay| replay.to_string()),
            parent_id: batch.parent.map(|parent| parent.to_string()),
            attempt_count: delivery.attempts,
            last_attempt: delivery.last.as_ref().map(|last| AttemptView::of(last, false)),
        }
    }
}

impl DeliveryDetail {
    /// A delivery with everything; `reveal` shows the values of the webhook's own headers too.
    pub(crate) fn of(delivery: &Delivery, attempts: &[Attempt], reveal: bool) -> Self {
        Self {
            delivery: DeliveryView::of(delivery),
            request_body: delivery.batch.body(delivery.batch.time_ms),
            attempts: attempts.iter().map(|attempt| AttemptView::of(attempt, reveal)).collect(),
        }
    }
}

impl AttemptView {
    fn of(attempt: &Attempt, reveal: bool) -> Self {
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
            request_head: head(&answer.request_head, reveal),
            response_body: answer.body,
        }
    }
}

/// What has become of a delivery, in a word.
pub(crate) fn status(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Ended(outcome) => outcome.name(),
    }
}

/// Every word of [`status`].
pub(crate) const STATUSES: [&str; 5] = ["pending", "delivered", "failed", "discarded", "split"];

/// The status with this word.
pub(crate) fn status_named(name: &str) -> Option<DeliveryStatus> {
    match name {
        "pending" => Some(DeliveryStatus::Pending),
        ended => Outcome::named(ended).map(DeliveryStatus::Ended),
    }
}

/// What an event is about.
#[derive(Deserialize)]
pub(crate) struct EventOf {
    /// What happened.
    pub(crate) name: String,
    /// Where.
    pub(crate) channel: String,
}

/// What the events of a batch are about.
pub(crate) fn events_of(batch: &Batch) -> Vec<EventOf> {
    // The engine wrote the array.
    serde_json::from_str(&batch.events).unwrap_or_default()
}

fn each_once<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut once = Vec::new();
    for text in texts {
        if once.len() < SHOWN && !once.contains(text) {
            once.push(text.clone());
        }
    }
    once
}

/// The head of a request, a line each. Values of headers that the webhook's owner has added, now or
/// then, are often credentials: unless they are to be revealed, whatever is not known to be the
/// server's own is hidden.
pub(crate) fn head(head: &str, reveal: bool) -> String {
    let lines = head.lines().enumerate().map(|(at, line)| match line.split_once(':') {
        Some((name, _)) if at > 0 && !reveal && !is_servers(name) => format!("{name}: {HIDDEN}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_shown_without_the_values_that_may_be_secret() {
        let sent = "POST /a:b HTTP/1.1\r\nHost: a.example:8000\r\nX-Pusher-Key: k\r\n\
                    X-Api-Key: s3cret\r\nWebhook-Id: msg_1\r\nAuthorization: Basic abc:def\r\n";
        let shown = "POST /a:b HTTP/1.1\nHost: a.example:8000\nX-Pusher-Key: k\nX-Api-Key: ***\n\
                     Webhook-Id: msg_1\nAuthorization: ***";
        assert_eq!(head(sent, false), shown);
        assert_eq!(head(sent, true), sent.replace('\r', "").trim_end());
    }

    #[test]
    fn every_status_has_a_word() {
        for word in STATUSES {
            assert_eq!(status_named(word).map(status), Some(word));
        }
        assert_eq!(STATUSES.len(), Outcome::ALL.len() + 1);
    }
}
