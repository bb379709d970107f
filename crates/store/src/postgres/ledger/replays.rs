//! Replays as people ask for them.

use ::postgres::Row;
use bellwire_protocol::AppId;
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::replay::{LogFilter, Progress, Replay, ReplayOf, Span};

use super::announced::last_seq;
use crate::StoreError;
use crate::ledger::replays::{ENDED_MAX, REPLAY, of, of_text, state};
use crate::postgres::rows::{number, text};
use crate::postgres::session::{Params, Session};
use crate::postgres::{endpoints, log};
use crate::rows::{int, kind, parse};

/// How many events or deliveries a replay would repeat.
pub(super) fn count(
    session: &mut Session,
    endpoint: &EndpointId,
    of: &ReplayOf,
) -> Result<u64, StoreError> {
    let Some(endpoint) = endpoints::one(session, endpoint)? else { return Ok(0) };
    match of {
        ReplayOf::Log(filter) => count_log(session, &endpoint, filter),
        ReplayOf::Failed(span) => count_failed(session, &endpoint.id, *span),
        ReplayOf::Delivery(_) => count_delivery(session, &endpoint.id, of.delivery()),
        ReplayOf::Test => Ok(1),
    }
}

/// The replay with the places of the log between which it will find something: it does not chase
/// live events, and the outbox has to skip nothing to find its beginning.
pub(super) fn bounded(session: &mut Session, replay: &Replay) -> Result<Replay, StoreError> {
    let mut replay = replay.clone();
    if let ReplayOf::Log(filter) = &mut replay.of {
        let last = last_seq(session, replay.app.as_str())?;
        filter.to_seq = Some(filter.to_seq.unwrap_or(last));
        if filter.span.from_ms.is_some() {
            let first = first_in(session, &replay.app, filter)?;
            filter.from_seq = Some(first.unwrap_or(last.saturating_add(1)));
        }
    }
    Ok(replay)
}

/// Writes a replay down.
pub(super) fn put(session: &mut Session, replay: &Replay) -> Result<(), StoreError> {
    if !endpoints::is_there(session, &replay.endpoint)? {
        return Err(StoreError::NoEndpoint(replay.endpoint.to_string()));
    }
    let Progress { cursor, delivered, failed, state } = replay.progress;
    session.run(
        "INSERT INTO replay (id, app, endpoint, repeats, created_at_ms, total, cursor, delivered,
             failed, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &int(replay.id.number()),
            &replay.app.as_str(),
            &replay.endpoint.as_str(),
            &of_text(&replay.of)?,
            &int(replay.created_at_ms),
            &int(replay.total),
            &int(cursor),
            &int(delivered),
            &int(failed),
            &state.name(),
        ],
    )?;
    Ok(())
}

/// The replays of an app, or of all, newest first: those that run, and the newest of the others.
pub(super) fn all(session: &mut Session, app: Option<&AppId>) -> Result<Vec<Replay>, StoreError> {
    let app = app.map(AppId::as_str);
    let running = "state = 'running' AND ($1::text IS NULL OR app = $1)";
    let mut replays = find(session, running, &[&app])?;
    let ended = "state <> 'running' AND ($1::text IS NULL OR app = $1) ORDER BY id DESC LIMIT $2";
    replays.extend(find(session, ended, &[&app, &i64::from(ENDED_MAX)])?);
    replays.sort_by_key(|replay| std::cmp::Reverse(replay.id));
    Ok(replays)
}

/// One replay.
pub(super) fn one(session: &mut Session, id: ReplayId) -> Result<Option<Replay>, StoreError> {
    Ok(find(session, "id = $1", &[&int(id.number())])?.pop())
}

/// Stops a replay; whether it was running.
pub(super) fn cancel(session: &mut Session, id: ReplayId) -> Result<bool, StoreError> {
    let sql = "UPDATE replay SET state = 'cancelled' WHERE id = $1 AND state = 'running'";
    Ok(session.run(sql, &[&int(id.number())])? > 0)
}

fn count_log(
    session: &mut Session,
    endpoint: &Endpoint,
    filter: &LogFilter,
) -> Result<u64, StoreError> {
    let mut count = 0;
    log::scan(session, "kind, channel", &endpoint.app, filter, 0, u64::MAX, |row| {
        let channel = parse("event", text(row, 1)?)?;
        count += u64::from(endpoint.terms.wants(kind(row.try_get(0)?)?, &channel));
        Ok(())
    })?;
    Ok(count)
}

fn count_failed(
    session: &mut Session,
    endpoint: &EndpointId,
    span: Span,
) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM batch
         WHERE endpoint = $1 AND outcome = 2 AND replay IS NULL AND time_ms BETWEEN $2 AND $3";
    let (from_ms, to_ms) = (int(span.from_ms.unwrap_or(0)), int(span.to_ms.unwrap_or(u64::MAX)));
    let count = session.one(sql, &[&endpoint.as_str(), &from_ms, &to_ms], |row| number(row, 0))?;
    Ok(count.unwrap_or(0))
}

fn count_delivery(
    session: &mut Session,
    endpoint: &EndpointId,
    id: Option<BatchId>,
) -> Result<u64, StoreError> {
    let Some(id) = id else { return Ok(0) };
    let sql = "SELECT 1 FROM batch WHERE id = $1 AND endpoint = $2";
    Ok(session.exists(sql, &[&int(id.number()), &endpoint.as_str()])?.into())
}

fn first_in(
    session: &mut Session,
    app: &AppId,
    filter: &LogFilter,
) -> Result<Option<u64>, StoreError> {
    let mut first = None;
    log::scan(session, "seq", app, filter, 0, 1, |row| {
        first = Some(number(row, 0)?);
        Ok(())
    })?;
    Ok(first)
}

fn find(session: &mut Session, which: &str, params: Params<'_>) -> Result<Vec<Replay>, StoreError> {
    session.collect(&format!("SELECT {REPLAY} FROM replay WHERE {which}"), params, replay)
}

fn replay(row: &Row) -> Result<Replay, StoreError> {
    Ok(Replay {
        id: ReplayId::of(number(row, 0)?),
        app: parse("replay", text(row, 1)?)?,
        endpoint: parse("replay", text(row, 2)?)?,
        of: of(text(row, 3)?)?,
        created_at_ms: number(row, 4)?,
        total: number(row, 5)?,
        progress: Progress {
            cursor: number(row, 6)?,
            delivered: number(row, 7)?,
            failed: number(row, 8)?,
            state: state(text(row, 9)?)?,
        },
    })
}
