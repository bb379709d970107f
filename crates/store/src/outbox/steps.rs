//! What each step of a transaction writes.
//!
//! A step about an endpoint or a batch that somebody has removed meanwhile writes nothing: what is
//! gone leaves no traces, and the transaction holds for the rest.

mod batch;
pub(super) mod lane;
mod log;

use std::collections::HashMap;

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::ids::{EndpointId, ReplayId};
use bellwire_webhooks::outbox::Step;
use bellwire_webhooks::replay::Progress;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::rows::{int, run};

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
        Step::Append(event) => log::append(connection, event),
        // Its place is noted by the caller.
        Step::Skip { .. } => Ok(()),
        Step::Cut(batch) => batch::cut(connection, batch),
        Step::Attempt(attempt) => batch::attempted(connection, attempt),
        Step::End { batch, outcome, at_ms } => batch::end(connection, *batch, *outcome, *at_ms),
        Step::Behind { endpoint, after } => lane::behind(connection, endpoint, *after),
        Step::CaughtUp { endpoint } => lane::caught_up(connection, endpoint),
        Step::Owes { endpoint, lane, gap } => lane::owes(connection, endpoint, *lane, *gap),
        Step::Paid { endpoint, lane } => lane::paid(connection, endpoint, *lane),
        Step::Lost { endpoint, gap, reason, at_ms } => {
            lane::lost(connection, endpoint, *gap, reason, *at_ms)
        }
        Step::Failing { endpoint, since_ms } => failing(connection, endpoint, *since_ms),
        Step::Disable { endpoint, reason, at_ms } => disable(connection, endpoint, reason, *at_ms),
        Step::Replayed { replay, progress } => replayed(connection, *replay, progress),
        // A file has one node, and that has no feed.
        Step::Heard { .. } => Ok(()),
    }
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

/// The columns of a gap.
fn numbers(gap: Gap) -> [i64; 3] {
    [int(gap.first), int(gap.last), int(gap.count)]
}
