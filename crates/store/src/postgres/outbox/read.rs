//! What the engine asks while it runs.

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::Batch;
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::outbox::{Found, Read};
use bellwire_webhooks::replay::{Replay, ReplayOf, Span};

use crate::StoreError;
use crate::postgres::log;
use crate::postgres::rows::{self, EVENT};
use crate::postgres::session::Session;
use crate::rows::{BATCH, int};

/// Answers a question.
pub(super) fn read(session: &mut Session, read: &Read) -> Result<Found, StoreError> {
    match read {
        Read::Lane { app, lane, after, limit } => {
            waiting(session, app, *lane, *after, *limit).map(Found::Events)
        }
        Read::Replay { replay, limit } => repeated(session, replay, *limit),
    }
}

/// Events of a lane after a place.
fn waiting(
    session: &mut Session,
    app: &AppId,
    lane: u8,
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql = format!(
        "SELECT {EVENT} FROM event WHERE app = $1 AND lane = $2 AND seq > $3
         ORDER BY lane, seq LIMIT $4"
    );
    let (lane, limit) = (i64::from(lane), i64::from(limit));
    session.collect(&sql, &[&app.as_str(), &lane, &int(after), &limit], rows::event)
}

fn repeated(session: &mut Session, replay: &Replay, limit: u32) -> Result<Found, StoreError> {
    let cursor = replay.progress.cursor;
    match &replay.of {
        ReplayOf::Log(filter) => {
            let (mut events, limit) = (Vec::new(), u64::from(limit));
            log::scan(session, EVENT, &replay.app, filter, cursor, limit, |row| {
                events.push(rows::event(row)?);
                Ok(())
            })?;
            Ok(Found::Events(events))
        }
        ReplayOf::Failed(span) => {
            failed(session, &replay.endpoint, *span, cursor, limit).map(Found::Batches)
        }
        ReplayOf::Delivery(_) => {
            let id = replay.of.delivery().filter(|_| cursor == 0);
            let batch = id.map(|id| delivery(session, &replay.endpoint, id)).transpose()?;
            Ok(Found::Batches(batch.flatten().into_iter().collect()))
        }
        // A test is made up, not read.
        ReplayOf::Test => Ok(Found::Batches(Vec::new())),
    }
}

/// Live batches that failed, after a number.
fn failed(
    session: &mut Session,
    endpoint: &EndpointId,
    span: Span,
    cursor: u64,
    limit: u32,
) -> Result<Vec<Batch>, StoreError> {
    let sql = format!(
        "SELECT {BATCH} FROM batch b JOIN batch_body y ON y.batch = b.id
         WHERE b.endpoint = $1 AND b.outcome = 2 AND b.replay IS NULL AND b.id > $2
             AND b.time_ms BETWEEN $3 AND $4
         ORDER BY b.id LIMIT $5"
    );
    let (from_ms, to_ms) = (int(span.from_ms.unwrap_or(0)), int(span.to_ms.unwrap_or(u64::MAX)));
    let limit = i64::from(limit);
    session.collect(
        &sql,
        &[&endpoint.as_str(), &int(cursor), &from_ms, &to_ms, &limit],
        rows::batch,
    )
}

fn delivery(
    session: &mut Session,
    endpoint: &EndpointId,
    id: BatchId,
) -> Result<Option<Batch>, StoreError> {
    let sql = format!(
        "SELECT {BATCH} FROM batch b JOIN batch_body y ON y.batch = b.id
         WHERE b.id = $1 AND b.endpoint = $2"
    );
    session.one(&sql, &[&int(id.number()), &endpoint.as_str()], rows::batch)
}
