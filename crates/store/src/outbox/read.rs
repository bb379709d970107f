//! What the engine asks while it runs.

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::Batch;
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::outbox::{Found, Read};
use bellwire_webhooks::replay::{Replay, ReplayOf, Span};
use rusqlite::{Connection, params};

use crate::rows::{self, BATCH, EVENT, collect, int};
use crate::{StoreError, log};

/// Answers a question.
pub(super) fn read(connection: &Connection, read: &Read) -> Result<Found, StoreError> {
    match read {
        Read::Lane { app, lane, after, limit } => {
            waiting(connection, app, *lane, *after, *limit).map(Found::Events)
        }
        Read::Replay { replay, limit } => repeated(connection, replay, *limit),
    }
}

/// Events of a lane after a place. The range of the index is exactly these, whatever else the log
/// holds.
fn waiting(
    connection: &Connection,
    app: &AppId,
    lane: u8,
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    collect(connection, &lane_sql(), params![app.as_str(), lane, int(after), limit], rows::event)
}

fn repeated(connection: &Connection, replay: &Replay, limit: u32) -> Result<Found, StoreError> {
    let cursor = replay.progress.cursor;
    match &replay.of {
        ReplayOf::Log(filter) => {
            let limit = u64::from(limit);
            log::scan(connection, EVENT, &replay.app, filter, cursor, limit, rows::event)
                .map(Found::Events)
        }
        ReplayOf::Failed(span) => {
            failed(connection, &replay.endpoint, *span, cursor, limit).map(Found::Batches)
        }
        ReplayOf::Delivery(_) => {
            let id = replay.of.delivery().filter(|_| cursor == 0);
            let batch = id.map(|id| delivery(connection, &replay.endpoint, id)).transpose()?;
            Ok(Found::Batches(batch.flatten().into_iter().collect()))
        }
        // A test is made up, not read.
        ReplayOf::Test => Ok(Found::Batches(Vec::new())),
    }
}

/// Live batches that failed, after a number.
fn failed(
    connection: &Connection,
    endpoint: &EndpointId,
    span: Span,
    cursor: u64,
    limit: u32,
) -> Result<Vec<Batch>, StoreError> {
    let (from_ms, to_ms) = (int(span.from_ms.unwrap_or(0)), int(span.to_ms.unwrap_or(u64::MAX)));
    let params = params![endpoint.as_str(), int(cursor), from_ms, to_ms, limit];
    collect(connection, &failed_sql(), params, rows::batch)
}

fn delivery(
    connection: &Connection,
    endpoint: &EndpointId,
    id: BatchId,
) -> Result<Option<Batch>, StoreError> {
    let sql = format!(
        "SELECT {BATCH} FROM batch b CROSS JOIN batch_body y ON y.batch = b.id
         WHERE b.id = ?1 AND b.endpoint = ?2"
    );
    let found =
        collect(connection, &sql, params![int(id.number()), endpoint.as_str()], rows::batch)?;
    Ok(found.into_iter().next())
}

pub(super) fn lane_sql() -> String {
    format!(
        "SELECT {EVENT} FROM event INDEXED BY event_by_lane
         WHERE app = ?1 AND lane = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4"
    )
}

pub(super) fn failed_sql() -> String {
    format!(
        "SELECT {BATCH} FROM batch b INDEXED BY batch_failed
             CROSS JOIN batch_body y ON y.batch = b.id
         WHERE b.endpoint = ?1 AND b.outcome = 2 AND b.replay IS NULL AND b.id > ?2
             AND b.time_ms BETWEEN ?3 AND ?4
         ORDER BY b.id LIMIT ?5"
    )
}
