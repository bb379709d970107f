//! What each step of a transaction writes.
//!
//! A step about an endpoint or a batch that somebody has removed meanwhile writes nothing: what is
//! gone leaves no traces, and the transaction holds for the rest.

use std::collections::HashMap;

use bellwire_protocol::AppId;
use bellwire_webhooks::attempt::{Attempt, Failure};
use bellwire_webhooks::batch::{Batch, Gap, Outcome};
use bellwire_webhooks::event::{Event, Kind, LANES};
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::outbox::Step;
use bellwire_webhooks::replay::Progress;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::rows::{int, kind_number, outcome_number, run};

/// Writes the steps in their order.
pub(super) fn apply(connection: &Connection, steps: &[Step]) -> Result<(), StoreError> {
    // Written once an app, not once an event.
    let mut places: HashMap<&AppId, u64> = HashMap::new();
    for step in steps {
        if let Some((app, seq)) = place(step) {
            let last = places.entry(app).or_default();
            *last = seq.max(*last);
        }
        write(connection, step)?;
    }
    for (app, last) in places {
        run(
            connection,
            "INSERT INTO app_log (app, last_seq) VALUES (?1, ?2)
             ON CONFLICT (app) DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
            params![app.as_str(), int(last)],
        )?;
    }
    Ok(())
}

/// The place of a log that a step takes.
fn place(step: &Step) -> Option<(&AppId, u64)> {
    match step {
        Step::Append(event) => Some((&event.app, event.seq)),
        Step::Skip { app, last } => Some((app, *last)),
        _ => None,
    }
}

fn write(connection: &Connection, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Append(event) => append(connection, event),
        // Its place is noted by the caller.
        Step::Skip { .. } => Ok(()),
        Step::Cut(batch) => cut(connection, batch),
        Step::Attempt(attempt) => attempted(connection, attempt),
        Step::End { batch, outcome, at_ms } => end(connection, *batch, *outcome, *at_ms),
        Step::Behind { endpoint, lane, cursor } => behind(connection, endpoint, *lane, *cursor),
        Step::CaughtUp { endpoint, lane } => caught_up(connection, endpoint, *lane),
        Step::Owes { endpoint, lane, gap } => owes(connection, endpoint, *lane, *gap),
        Step::Paid { endpoint, lane } => paid(connection, endpoint, *lane),
        Step::Lost { endpoint, gap, reason, at_ms } => {
            lost(connection, endpoint, *gap, reason, *at_ms)
        }
        Step::Failing { endpoint, since_ms } => failing(connection, endpoint, *since_ms),
        Step::Disable { endpoint, reason, at_ms } => disable(connection, endpoint, reason, *at_ms),
        Step::Replayed { replay, progress } => replayed(connection, *replay, progress),
    }
}

fn append(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO event (app, seq, kind, lane, channel, user, at_ms, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            event.app.as_str(),
            int(event.seq),
            kind_number(event.kind),
            event.lane(),
            event.channel.as_str(),
            event.user.as_ref().map(|user| user.as_str()),
            int(event.at_ms),
            &*event.body,
        ],
    )?;
    match event.kind {
        Kind::Occupied | Kind::MemberAdded => announce(connection, event),
        Kind::Vacated | Kind::MemberRemoved => take_back(connection, event),
        Kind::ClientEvent | Kind::CacheMiss | Kind::SubscriptionCount => Ok(()),
    }
}

fn announce(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    let added = run(
        connection,
        "INSERT INTO announced (app, channel, user, seq) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        params![event.app.as_str(), event.channel.as_str(), subject(event)?, int(event.seq)],
    )?;
    if added == 1 { Ok(()) } else { Err(contradiction(event, "is announced already")) }
}

fn take_back(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    let removed = run(
        connection,
        "DELETE FROM announced WHERE app = ?1 AND channel = ?2 AND user = ?3",
        params![event.app.as_str(), event.channel.as_str(), subject(event)?],
    )?;
    if removed == 1 { Ok(()) } else { Err(contradiction(event, "is not announced")) }
}

/// Of whom an event speaks, as the key of what is announced has it.
fn subject(event: &Event) -> Result<&str, StoreError> {
    match (event.kind, &event.user) {
        (Kind::MemberAdded | Kind::MemberRemoved, Some(user)) => Ok(user.as_str()),
        (Kind::MemberAdded | Kind::MemberRemoved, None) => Err(contradiction(event, "has no user")),
        _ => Ok(""),
    }
}

fn contradiction(event: &Event, what: &str) -> StoreError {
    let Event { app, seq, kind, channel, user, .. } = event;
    let user = user.as_ref().map_or(String::new(), |user| format!(" of user {user}"));
    let kind = kind.name();
    StoreError::Contradiction(format!(
        "app {app}, place {seq}: {kind}{user} on {channel}, which {what}"
    ))
}

fn cut(connection: &Connection, batch: &Batch) -> Result<(), StoreError> {
    let gap = batch.gap.map(numbers);
    let added = run(
        connection,
        "INSERT INTO batch (id, app, endpoint, lane, time_ms, previous, gap_first, gap_last,
             gap_count, deadline_ms, replay, parent)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
         WHERE EXISTS (SELECT 1 FROM endpoint WHERE id = ?3)",
        params![
            int(batch.id.number()),
            batch.app.as_str(),
            batch.endpoint.as_str(),
            batch.lane,
            int(batch.time_ms),
            int(batch.previous),
            gap.map(|gap| gap[0]),
            gap.map(|gap| gap[1]),
            gap.map(|gap| gap[2]),
            int(batch.deadline_ms),
            batch.replay.map(|id| int(id.number())),
            batch.parent.map(|id| int(id.number())),
        ],
    )?;
    if added == 0 {
        return Ok(());
    }
    let id = int(batch.id.number());
    run(
        connection,
        "INSERT INTO batch_body (batch, seqs, events) VALUES (?1, ?2, ?3)",
        params![id, array(&batch.seqs), &*batch.events],
    )?;
    if batch.lane < LANES { sent(connection, batch) } else { Ok(()) }
}

/// Notes the last place that was cut in a lane.
fn sent(connection: &Connection, batch: &Batch) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO lane (endpoint, lane, previous) VALUES (?1, ?2, ?3)
         ON CONFLICT (endpoint, lane)
         DO UPDATE SET previous = max(previous, excluded.previous)",
        params![batch.endpoint.as_str(), batch.lane, int(batch.last_seq())],
    )?;
    Ok(())
}

/// The places of a batch, as JSON.
fn array(seqs: &[u64]) -> String {
    let texts: Vec<String> = seqs.iter().map(u64::to_string).collect();
    format!("[{}]", texts.join(","))
}

fn attempted(connection: &Connection, attempt: &Attempt) -> Result<(), StoreError> {
    let answer = &attempt.answer;
    run(
        connection,
        "INSERT INTO attempt (batch, number, at_ms, duration_ms, status, failure, detail, remote,
             retry_after_ms, body, request_head)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
         WHERE EXISTS (SELECT 1 FROM batch WHERE id = ?1)",
        params![
            int(attempt.batch.number()),
            attempt.number,
            int(attempt.at_ms),
            answer.duration_ms,
            answer.status,
            answer.failure.map(Failure::name),
            answer.detail,
            answer.remote,
            answer.retry_after_ms.map(int),
            answer.body,
            answer.request_head,
        ],
    )?;
    Ok(())
}

fn end(
    connection: &Connection,
    batch: BatchId,
    outcome: Outcome,
    at_ms: u64,
) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE batch SET outcome = ?2, ended_at_ms = ?3 WHERE id = ?1",
        params![int(batch.number()), outcome_number(outcome), int(at_ms)],
    )?;
    Ok(())
}

/// Notes that a lane is behind.
pub(super) fn behind(
    connection: &Connection,
    endpoint: &EndpointId,
    lane: u8,
    cursor: u64,
) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO lane (endpoint, lane, cursor)
         SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM endpoint WHERE id = ?1)
         ON CONFLICT (endpoint, lane) DO UPDATE SET cursor = excluded.cursor",
        params![endpoint.as_str(), lane, int(cursor)],
    )?;
    Ok(())
}

fn caught_up(connection: &Connection, endpoint: &EndpointId, lane: u8) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE lane SET cursor = NULL WHERE endpoint = ?1 AND lane = ?2",
        params![endpoint.as_str(), lane],
    )?;
    Ok(())
}

/// Notes what a lane owes.
pub(super) fn owes(
    connection: &Connection,
    endpoint: &EndpointId,
    lane: u8,
    gap: Gap,
) -> Result<(), StoreError> {
    let [first, last, count] = numbers(gap);
    run(
        connection,
        "INSERT INTO lane (endpoint, lane, owes_first, owes_last, owes_count)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM endpoint WHERE id = ?1)
         ON CONFLICT (endpoint, lane) DO UPDATE SET owes_first = excluded.owes_first,
             owes_last = excluded.owes_last, owes_count = excluded.owes_count",
        params![endpoint.as_str(), lane, first, last, count],
    )?;
    Ok(())
}

fn paid(connection: &Connection, endpoint: &EndpointId, lane: u8) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE lane SET owes_first = NULL, owes_last = NULL, owes_count = NULL
         WHERE endpoint = ?1 AND lane = ?2",
        params![endpoint.as_str(), lane],
    )?;
    Ok(())
}

/// Writes down for people what a receiver missed.
pub(super) fn lost(
    connection: &Connection,
    endpoint: &EndpointId,
    gap: Gap,
    reason: &str,
    at_ms: u64,
) -> Result<(), StoreError> {
    let [first, last, count] = numbers(gap);
    run(
        connection,
        "INSERT INTO lost (app, endpoint, gap_first, gap_last, gap_count, reason, at_ms)
         SELECT app, id, ?2, ?3, ?4, ?5, ?6 FROM endpoint WHERE id = ?1",
        params![endpoint.as_str(), first, last, count, reason, int(at_ms)],
    )?;
    Ok(())
}

fn numbers(gap: Gap) -> [i64; 3] {
    [int(gap.first), int(gap.last), int(gap.count)]
}

fn failing(
    connection: &Connection,
    endpoint: &EndpointId,
    since_ms: Option<u64>,
) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE endpoint SET failing_since_ms = ?2 WHERE id = ?1",
        params![endpoint.as_str(), since_ms.map(int)],
    )?;
    Ok(())
}

/// What a person has disabled meanwhile stays as it is.
fn disable(
    connection: &Connection,
    endpoint: &EndpointId,
    reason: &str,
    at_ms: u64,
) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE endpoint SET disabled_reason = ?2, disabled_at_ms = ?3
         WHERE id = ?1 AND disabled_reason IS NULL",
        params![endpoint.as_str(), reason, int(at_ms)],
    )?;
    Ok(())
}

/// What a person has cancelled meanwhile stays cancelled.
fn replayed(
    connection: &Connection,
    replay: ReplayId,
    progress: &Progress,
) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE replay SET cursor = ?2, delivered = ?3, failed = ?4,
             state = CASE state WHEN 'running' THEN ?5 ELSE state END
         WHERE id = ?1",
        params![
            int(replay.number()),
            int(progress.cursor),
            int(progress.delivered),
            int(progress.failed),
            progress.state.name(),
        ],
    )?;
    Ok(())
}
