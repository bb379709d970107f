//! Things that the laws put down: as short to write as they can be.

use std::sync::Arc;

use bellwire_protocol::{AppId, ChannelName};
use bellwire_webhooks::attempt::{Answer, Attempt, Failure};
use bellwire_webhooks::batch::{Batch, Outcome, REPLAY_LANE, join};
use bellwire_webhooks::endpoint::{Endpoint, Origin, SigningSecret, Terms};
use bellwire_webhooks::event::{Event, Kind, lane_of};
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::outbox::Step;
use bellwire_webhooks::replay::{Progress, Replay, ReplayOf, State};

/// The app of everything that names no other.
pub(crate) fn app() -> AppId {
    "1".parse().unwrap()
}

pub(crate) fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

/// The nth channel of a lane.
pub(crate) fn channel_of(lane: u8, nth: usize) -> String {
    let names = (0..).map(|n| format!("presence-room-{n}"));
    names.filter(|name| lane_of(name) == lane).nth(nth).unwrap()
}

pub(crate) fn endpoint_id(name: &str) -> EndpointId {
    format!("ep_{name}").parse().unwrap()
}

/// An endpoint that wants everything.
pub(crate) fn endpoint(name: &str) -> Endpoint {
    Endpoint {
        id: endpoint_id(name),
        app: app(),
        terms: Terms::new("https://example.com/hooks"),
        origin: Origin::Stored,
        created_at_ms: 1_000,
        disabled: None,
        failing_since_ms: None,
        secrets: vec![secret("first", 1_000)],
    }
}

pub(crate) fn secret(text: &str, created_at_ms: u64) -> SigningSecret {
    SigningSecret { text: format!("whsec_{text}"), created_at_ms, expires_at_ms: None }
}

/// An event at a place, at the time of a thousand milliseconds a place.
pub(crate) fn event(seq: u64, kind: Kind, name: &str, user: Option<&str>) -> Arc<Event> {
    let kind_name = kind.name();
    let member = user.map_or(String::new(), |user| format!(",\"user_id\":\"{user}\""));
    Arc::new(Event {
        app: app(),
        seq,
        kind,
        channel: channel(name),
        user: user.map(|user| user.parse().unwrap()),
        at_ms: seq * 1_000,
        body: format!("{{\"name\":\"{kind_name}\",\"channel\":\"{name}\"{member}}}").into(),
    })
}

pub(crate) fn occupied(seq: u64, name: &str) -> Step {
    Step::Append(event(seq, Kind::Occupied, name, None))
}

pub(crate) fn vacated(seq: u64, name: &str) -> Step {
    Step::Append(event(seq, Kind::Vacated, name, None))
}

pub(crate) fn added(seq: u64, name: &str, user: &str) -> Step {
    Step::Append(event(seq, Kind::MemberAdded, name, Some(user)))
}

pub(crate) fn removed(seq: u64, name: &str, user: &str) -> Step {
    Step::Append(event(seq, Kind::MemberRemoved, name, Some(user)))
}

pub(crate) fn cache_miss(seq: u64, name: &str) -> Step {
    Step::Append(event(seq, Kind::CacheMiss, name, None))
}

/// A batch of cache misses of one channel, cut at a thousand milliseconds a number.
pub(crate) fn batch(id: u64, endpoint: &str, name: &str, seqs: &[u64]) -> Batch {
    let events: Vec<Arc<Event>> =
        seqs.iter().map(|seq| event(*seq, Kind::CacheMiss, name, None)).collect();
    Batch {
        id: BatchId::of(id),
        app: app(),
        endpoint: endpoint_id(endpoint),
        lane: lane_of(name),
        time_ms: id * 1_000,
        events: join(events.iter().map(|event| &*event.body)),
        seqs: seqs.to_vec(),
        previous: 0,
        gap: None,
        deadline_ms: id * 1_000 + 290_000,
        replay: None,
        parent: None,
    }
}

/// The same, cut for a replay.
pub(crate) fn rerun(id: u64, endpoint: &str, name: &str, seqs: &[u64]) -> Batch {
    let replay = Some(ReplayId::of(1));
    Batch { lane: REPLAY_LANE, replay, ..batch(id, endpoint, name, seqs) }
}

pub(crate) fn cut(batch: &Batch) -> Step {
    Step::Cut(Arc::new(batch.clone()))
}

pub(crate) fn end(id: u64, outcome: Outcome, at_ms: u64) -> Step {
    Step::End { batch: BatchId::of(id), outcome, at_ms }
}

pub(crate) fn attempt(batch: u64, number: u32) -> Attempt {
    Attempt {
        batch: BatchId::of(batch),
        number,
        at_ms: 5_000,
        answer: Answer {
            duration_ms: 12,
            status: Some(500),
            failure: Some(Failure::Status),
            detail: "the answer was 500".into(),
            remote: Some("192.0.2.1:443".into()),
            retry_after_ms: Some(2_000),
            body: "oh no".into(),
            request_head: "POST /hooks HTTP/1.1".into(),
        },
    }
}

pub(crate) fn attempted(batch: u64, number: u32) -> Step {
    Step::Attempt(Arc::new(attempt(batch, number)))
}

pub(crate) fn behind(endpoint: &str, after: u64) -> Step {
    Step::Behind { endpoint: endpoint_id(endpoint), after }
}

pub(crate) fn caught_up(endpoint: &str) -> Step {
    Step::CaughtUp { endpoint: endpoint_id(endpoint) }
}

pub(crate) fn replay(id: u64, endpoint: &str, of: ReplayOf) -> Replay {
    Replay {
        id: ReplayId::of(id),
        app: app(),
        endpoint: endpoint_id(endpoint),
        of,
        created_at_ms: id * 1_000,
        total: 3,
        progress: Progress { cursor: 0, delivered: 0, failed: 0, state: State::Running },
    }
}
