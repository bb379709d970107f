//! Endpoints, attempts and replays as people see them, and deliveries for programs.

use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::endpoint::{Endpoint, Origin, Terms};
use bellwire_webhooks::ledger::Delivery;
use bellwire_webhooks::replay::ReplayOf;
use serde_json::{Value, json};

use super::super::table::Table;
use crate::moment::{Moment, date};
use crate::views::delivery::{DeliveryDetail, DeliveryView};

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

/// How an attempt went, in a word: the status that came, or the class of failure.
pub(super) fn result(attempt: &Attempt) -> String {
    let failure = attempt.answer.failure.map(|failure| failure.name());
    match (attempt.answer.status, failure) {
        (Some(status), None | Some("status")) => status.to_string(),
        (Some(status), Some(failure)) => format!("{status}, {failure}"),
        (None, failure) => failure.unwrap_or("-").into(),
    }
}

/// A delivery for programs. The management API names its app in the path.
pub(super) fn delivery(delivery: &Delivery) -> Value {
    let mut json = json!(DeliveryView::of(delivery));
    json["app_id"] = delivery.batch.app.as_str().into();
    json
}

/// A delivery with every attempt for programs.
pub(super) fn detail(delivery: &Delivery, attempts: &[Attempt], reveal: bool) -> Value {
    let mut json = json!(DeliveryDetail::of(delivery, attempts, reveal));
    json["app_id"] = delivery.batch.app.as_str().into();
    json
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

fn precise(ms: u64) -> String {
    Moment(ms).to_string()
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

#[cfg(test)]
mod tests {
    use bellwire_webhooks::replay::{LogFilter, Span};

    use super::*;

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
