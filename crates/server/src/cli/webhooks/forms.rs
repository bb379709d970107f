//! Endpoints, deliveries, attempts and replays as people and programs see them.

use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::batch::{Batch, Gap, Outcome};
use bellwire_webhooks::endpoint::{Endpoint, Origin, Terms};
use bellwire_webhooks::ledger::{Delivery, DeliveryStatus};
use bellwire_webhooks::replay::{LogFilter, Replay, ReplayOf, Span};
use serde_json::{Map, Value, json};

use super::super::moment::{date, precise};
use super::super::table::Table;

/// Stands for a value that is not shown.
const HIDDEN: &str = "***";
/// Names of events and channels that are shown of one delivery.
const SHOWN: usize = 10;

/// Where an endpoint is written down, in the words of `bellwire apps`.
pub(super) fn source(origin: Origin) -> &'static str {
    match origin {
        Origin::File => "config",
        Origin::Stored => "store",
    }
}

/// How an endpoint is, in a few words.
pub(super) fn state(endpoint: &Endpoint) -> String {
    match (&endpoint.disabled, endpoint.failing_since_ms) {
        (Some(disabled), _) => format!("disabled ({})", disabled.reason),
        (None, Some(since_ms)) => format!("failing since {}", date(since_ms)),
        (None, None) => "enabled".into(),
    }
}

/// What an endpoint hears, in a few words.
pub(super) fn hears(terms: &Terms) -> String {
    let events = if terms.events.is_empty() { "all".into() } else { terms.events.join(",") };
    match (&terms.channel_prefix, &terms.channel_suffix) {
        (None, None) => events,
        (prefix, suffix) => {
            let (prefix, suffix) = (prefix.as_deref(), suffix.as_deref());
            format!("{events} of {}*{}", prefix.unwrap_or_default(), suffix.unwrap_or_default())
        }
    }
}

/// An endpoint for programs, as the management API shows it: without its secrets, and without the
/// values of its headers, which are often credentials.
pub(super) fn endpoint(endpoint: &Endpoint) -> Value {
    let terms = &endpoint.terms;
    let headers: Map<String, Value> =
        terms.headers.keys().map(|name| (name.clone(), HIDDEN.into())).collect();
    let disabled = endpoint.disabled.as_ref();
    json!({
        "id": endpoint.id.as_str(),
        "app_id": endpoint.app.as_str(),
        "url": terms.url,
        "events": terms.events,
        "channel_prefix": terms.channel_prefix,
        "channel_suffix": terms.channel_suffix,
        "headers": headers,
        "retry_hours": terms.retry_hours,
        "max_in_flight": terms.max_in_flight,
        "max_per_second": terms.max_per_second,
        "description": terms.description,
        "origin": endpoint.origin,
        "enabled": disabled.is_none(),
        "disabled": disabled.map(|why| json!({ "reason": why.reason, "at": precise(why.at_ms) })),
        "failing_since": endpoint.failing_since_ms.map(precise),
        "created_at": precise(endpoint.created_at_ms),
    })
}

/// An endpoint for people.
pub(super) fn endpoint_table(endpoint: &Endpoint) -> Table {
    let mut table = Table::default();
    for [name, value] in endpoint_rows(endpoint) {
        table.row([name, value]);
    }
    table
}

/// What is different now.
pub(super) fn changed(before: &Endpoint, now: &Endpoint) -> Table {
    let mut table = Table::default();
    for (old, new) in endpoint_rows(before).into_iter().zip(endpoint_rows(now)) {
        if old != new {
            table.row(new);
        }
    }
    // A header that has another value now has the same row.
    if before.terms.headers != now.terms.headers && header_names(before) == header_names(now) {
        table.row(["headers".into(), header_names(now)]);
    }
    table
}

fn endpoint_rows(endpoint: &Endpoint) -> Vec<[String; 2]> {
    let terms = &endpoint.terms;
    let or_dash = |text: Option<String>| text.filter(|t| !t.is_empty()).unwrap_or("-".into());
    let rows = [
        ("id", endpoint.id.to_string()),
        ("app", endpoint.app.to_string()),
        ("url", terms.url.clone()),
        ("state", state(endpoint)),
        ("source", source(endpoint.origin).into()),
        ("created", date(endpoint.created_at_ms)),
        ("events", if terms.events.is_empty() { "all".into() } else { terms.events.join(",") }),
        ("channel prefix", or_dash(terms.channel_prefix.clone())),
        ("channel suffix", or_dash(terms.channel_suffix.clone())),
        ("headers", or_dash(Some(header_names(endpoint)))),
        ("retry hours", or_dash(terms.retry_hours.map(|hours| hours.to_string()))),
        ("max in flight", terms.max_in_flight.to_string()),
        ("max per second", or_dash(terms.max_per_second.map(|max| max.to_string()))),
        ("description", or_dash(Some(terms.description.clone()))),
    ];
    rows.map(|(name, value)| [name.to_owned(), value]).into()
}

fn header_names(endpoint: &Endpoint) -> String {
    endpoint.terms.headers.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What has become of a delivery, in a word.
pub(super) fn status(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Ended(outcome) => outcome.name(),
    }
}

/// Every word of [`status`].
pub(super) const STATUSES: [&str; 5] = ["pending", "delivered", "failed", "discarded", "split"];

/// The status with this word.
pub(super) fn status_named(name: &str) -> Option<DeliveryStatus> {
    match name {
        "pending" => Some(DeliveryStatus::Pending),
        ended => Outcome::named(ended).map(DeliveryStatus::Ended),
    }
}

/// How an attempt went, in a word: the status that came, or the class of failure.
pub(super) fn result(attempt: &Attempt) -> String {
    let failure = attempt.answer.failure.map(|failure| failure.name());
    match (attempt.answer.status, failure) {
        (Some(status), None | Some("status")) => status.to_string(),
        (Some(status), Some(failure)) => format!("{status}, {failure}"),
        (None, failure) => failure.unwrap_or("-").into(),
    }
}

/// Names and channels of a batch's events.
pub(super) fn contents(batch: &Batch) -> Vec<(String, String)> {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    // The engine wrote the array.
    let events: Vec<Value> = serde_json::from_str(&batch.events).unwrap_or_default();
    events.iter().map(|event| (text(event, "name"), text(event, "channel"))).collect()
}

/// A delivery for programs, as the management API shows it.
pub(super) fn delivery(delivery: &Delivery) -> Value {
    let batch = &delivery.batch;
    let message = batch.parent.filter(|_| batch.replay.is_some()).unwrap_or(batch.id);
    let events = contents(batch);
    let each_once = |texts: Vec<&str>| -> Vec<String> {
        let mut once: Vec<String> = Vec::new();
        for text in texts {
            if once.len() < SHOWN && !once.iter().any(|other| other == text) {
                once.push(text.to_owned());
            }
        }
        once
    };
    json!({
        "id": batch.id.to_string(),
        "message_id": message.to_string(),
        "app_id": batch.app.as_str(),
        "webhook_id": batch.endpoint.as_str(),
        "status": status(delivery.status),
        "created_at": precise(batch.time_ms),
        "ended_at": delivery.ended_at_ms.map(precise),
        "event_count": events.len(),
        "events": each_once(events.iter().map(|(name, _)| name.as_str()).collect()),
        "channels": each_once(events.iter().map(|(_, channel)| channel.as_str()).collect()),
        "first_seq": batch.seqs.first(),
        "last_seq": batch.seqs.last(),
        "replay_id": batch.replay.map(|id| id.to_string()),
        "parent_id": batch.parent.map(|id| id.to_string()),
        "attempt_count": delivery.attempts,
        "last_attempt": delivery.last.as_ref().map(|last| attempt(last, false)),
    })
}

/// An attempt for programs, as the management API shows it.
pub(super) fn attempt(attempt: &Attempt, reveal: bool) -> Value {
    let answer = &attempt.answer;
    json!({
        "number": attempt.number,
        "at": precise(attempt.at_ms),
        "duration_ms": answer.duration_ms,
        "status": answer.status,
        "failure": answer.failure.map(|failure| failure.name()),
        "detail": answer.detail,
        "remote": answer.remote,
        "retry_after_ms": answer.retry_after_ms,
        "request_head": head(&answer.request_head, reveal),
        "response_body": answer.body,
    })
}

/// The head of a request, a line each. Values of headers that the endpoint's owner has added are often
/// credentials and shown only if that is asked for.
pub(super) fn head(head: &str, reveal: bool) -> String {
    let lines = head.lines().enumerate().map(|(at, line)| match line.split_once(':') {
        Some((name, _)) if at > 0 && !reveal && !is_servers_own(name) => {
            format!("{name}: {HIDDEN}")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_servers_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "host" | "content-type" | "content-length" | "user-agent")
        || ["x-pusher-", "x-bellwire-", "webhook-"].iter().any(|own| name.starts_with(own))
}

/// A gap for people.
pub(super) fn gap_text(gap: Gap) -> String {
    let Gap { first, last, count } = gap;
    if first == last { first.to_string() } else { format!("{first} to {last}, {count} of them") }
}

/// What a replay repeats, in a few words.
pub(super) fn replay_of(of: &ReplayOf) -> String {
    match of {
        ReplayOf::Delivery(id) => id.clone(),
        ReplayOf::Failed(span) => span_text("failed deliveries", span.from_ms, span.to_ms, precise),
        ReplayOf::Log(filter) => {
            let seqs = span_text("log", filter.from_seq, filter.to_seq, |seq| seq.to_string());
            let times = span_text("", filter.span.from_ms, filter.span.to_ms, precise);
            let event = filter.event.as_deref().map_or(String::new(), |name| format!(" {name}"));
            let channel =
                filter.channel.as_deref().map_or(String::new(), |name| format!(" {name}"));
            format!("{seqs}{times}{event}{channel}")
        }
        ReplayOf::Test => "test".into(),
    }
}

fn span_text(
    what: &str,
    from: Option<u64>,
    to: Option<u64>,
    print: impl Fn(u64) -> String,
) -> String {
    let from = from.map_or(String::new(), |from| format!(" from {}", print(from)));
    let to = to.map_or(String::new(), |to| format!(" to {}", print(to)));
    format!("{what}{from}{to}")
}

/// A replay for programs, as the management API shows it.
pub(super) fn replay(replay: &Replay) -> Value {
    let span = |span: &Span| (span.from_ms.map(precise), span.to_ms.map(precise));
    let (kind, delivery, filter) = match &replay.of {
        ReplayOf::Delivery(id) => ("delivery", Some(id), None),
        ReplayOf::Test => ("test", None, None),
        ReplayOf::Failed(of) => ("failed", None, Some((span(of), LogFilter::default()))),
        ReplayOf::Log(of) => ("log", None, Some((span(&of.span), of.clone()))),
    };
    let filter = filter.map(|((from, to), log)| {
        json!({
            "from": from,
            "to": to,
            "from_seq": log.from_seq,
            "to_seq": log.to_seq,
            "channel": log.channel,
            "event": log.event,
        })
    });
    json!({
        "id": replay.id.to_string(),
        "app_id": replay.app.as_str(),
        "webhook_id": replay.endpoint.as_str(),
        "kind": kind,
        "delivery_id": delivery,
        "filter": filter,
        "state": replay.progress.state.name(),
        "total": replay.total,
        "delivered": replay.progress.delivered,
        "failed": replay.progress.failed,
        "created_at": precise(replay.created_at_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_headers_are_shown_only_when_asked_for() {
        let sent =
            "POST /a:b HTTP/1.1\r\nHost: a:1\r\nX-Pusher-Key: k\r\nAuthorization: Bearer x:y\r\n";
        let shown = "POST /a:b HTTP/1.1\nHost: a:1\nX-Pusher-Key: k\nAuthorization: ";
        assert_eq!(head(sent, false), format!("{shown}***"));
        assert_eq!(head(sent, true), format!("{shown}Bearer x:y"));
    }

    #[test]
    fn every_status_has_a_word() {
        for word in STATUSES {
            assert_eq!(status_named(word).map(status), Some(word));
        }
        assert_eq!(STATUSES.len(), Outcome::ALL.len() + 1);
    }

    #[test]
    fn a_replay_is_described_by_what_it_repeats() {
        let span = Span { from_ms: Some(1_000), to_ms: None };
        let log = LogFilter {
            span,
            from_seq: Some(3),
            to_seq: Some(9),
            channel: Some("room".into()),
            event: Some("cache_miss".into()),
        };
        assert_eq!(
            replay_of(&ReplayOf::Log(log)),
            "log from 3 to 9 from 1970-01-01T00:00:01.000Z cache_miss room"
        );
        assert_eq!(
            replay_of(&ReplayOf::Failed(span)),
            "failed deliveries from 1970-01-01T00:00:01.000Z"
        );
    }
}
