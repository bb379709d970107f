//! Replays as people ask for them.

use bellwire_protocol::AppId;
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::replay::{LogFilter, Progress, Replay, ReplayOf, Span, State};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use crate::rows::{collect, int, kind, number, parse, run, text};
use crate::{StoreError, endpoints, log};

/// The columns of [`replay`].
pub(crate) const REPLAY: &str =
    "id, app, endpoint, repeats, created_at_ms, total, cursor, delivered, failed, state";
/// Replays that have ended and are listed at most.
pub(crate) const ENDED_MAX: u32 = 1_000;

/// How many events or deliveries a replay would repeat.
pub(super) fn count(
    connection: &Connection,
    endpoint: &EndpointId,
    of: &ReplayOf,
) -> Result<u64, StoreError> {
    let Some(endpoint) = endpoints::one(connection, endpoint)? else { return Ok(0) };
    match of {
        ReplayOf::Log(filter) => count_log(connection, &endpoint, filter),
        ReplayOf::Failed(span) => count_failed(connection, &endpoint.id, *span),
        ReplayOf::Delivery(_) => count_delivery(connection, &endpoint.id, of.delivery()),
        ReplayOf::Test => Ok(1),
    }
}

/// The replay with the places of the log between which it will find something: it does not chase
/// live events, and the outbox has to skip nothing to find its beginning.
pub(super) fn bounded(connection: &Connection, replay: &Replay) -> Result<Replay, StoreError> {
    let mut replay = replay.clone();
    if let ReplayOf::Log(filter) = &mut replay.of {
        let sql = "SELECT last_seq FROM app_log WHERE app = ?1";
        let last = connection
            .prepare_cached(sql)?
            .query_row([replay.app.as_str()], |row| row.get::<_, i64>(0));
        let last = last.optional()?.unwrap_or(0).unsigned_abs();
        filter.to_seq = Some(filter.to_seq.unwrap_or(last));
        if filter.span.from_ms.is_some() {
            let first = first_in(connection, &replay.app, filter)?;
            filter.from_seq = Some(first.unwrap_or(last.saturating_add(1)));
        }
    }
    Ok(replay)
}

/// Writes a replay down.
pub(super) fn put(connection: &Connection, replay: &Replay) -> Result<(), StoreError> {
    if !endpoints::is_there(connection, &replay.endpoint)? {
        return Err(StoreError::NoEndpoint(replay.endpoint.to_string()));
    }
    let Progress { cursor, delivered, failed, state } = replay.progress;
    run(
        connection,
        "INSERT INTO replay (id, app, endpoint, repeats, created_at_ms, total, cursor, delivered,
             failed, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            int(replay.id.number()),
            replay.app.as_str(),
            replay.endpoint.as_str(),
            of_text(&replay.of)?,
            int(replay.created_at_ms),
            int(replay.total),
            int(cursor),
            int(delivered),
            int(failed),
            state.name(),
        ],
    )?;
    Ok(())
}

/// The replays of an app, or of all, newest first: those that run, and the newest of the others.
pub(super) fn all(connection: &Connection, app: Option<&AppId>) -> Result<Vec<Replay>, StoreError> {
    let app = app.map(AppId::as_str);
    let running = "state = 'running' AND (?1 IS NULL OR app = ?1)";
    let mut replays = find(connection, running, params![app])?;
    let ended = "state <> 'running' AND (?1 IS NULL OR app = ?1) ORDER BY id DESC LIMIT ?2";
    replays.extend(find(connection, ended, params![app, ENDED_MAX])?);
    replays.sort_by_key(|replay| std::cmp::Reverse(replay.id));
    Ok(replays)
}

/// One replay.
pub(super) fn one(connection: &Connection, id: ReplayId) -> Result<Option<Replay>, StoreError> {
    Ok(find(connection, "id = ?1", [int(id.number())])?.into_iter().next())
}

/// Stops a replay; whether it was running.
pub(super) fn cancel(connection: &Connection, id: ReplayId) -> Result<bool, StoreError> {
    let sql = "UPDATE replay SET state = 'cancelled' WHERE id = ?1 AND state = 'running'";
    Ok(run(connection, sql, [int(id.number())])? > 0)
}

fn count_log(
    connection: &Connection,
    endpoint: &Endpoint,
    filter: &LogFilter,
) -> Result<u64, StoreError> {
    let mut count = 0;
    let all = int(u64::MAX).unsigned_abs();
    log::scan(connection, "kind, channel", &endpoint.app, filter, 0, all, |row| {
        let channel = parse("event", text(row, 1)?)?;
        count += u64::from(endpoint.terms.wants(kind(row.get(0)?)?, &channel));
        Ok(())
    })?;
    Ok(count)
}

fn count_failed(
    connection: &Connection,
    endpoint: &EndpointId,
    span: Span,
) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM batch INDEXED BY batch_failed
         WHERE endpoint = ?1 AND outcome = 2 AND replay IS NULL AND time_ms BETWEEN ?2 AND ?3";
    let (from_ms, to_ms) = (int(span.from_ms.unwrap_or(0)), int(span.to_ms.unwrap_or(u64::MAX)));
    let mut statement = connection.prepare_cached(sql)?;
    let params = params![endpoint.as_str(), from_ms, to_ms];
    Ok(statement.query_row(params, |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn count_delivery(
    connection: &Connection,
    endpoint: &EndpointId,
    id: Option<BatchId>,
) -> Result<u64, StoreError> {
    let Some(id) = id else { return Ok(0) };
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM batch WHERE id = ?1 AND endpoint = ?2")?;
    Ok(statement.exists(params![int(id.number()), endpoint.as_str()])?.into())
}

fn first_in(
    connection: &Connection,
    app: &AppId,
    filter: &LogFilter,
) -> Result<Option<u64>, StoreError> {
    let found = log::scan(connection, "seq", app, filter, 0, 1, |row| number(row, 0))?;
    Ok(found.into_iter().next())
}

fn find(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<Replay>, StoreError> {
    collect(connection, &format!("SELECT {REPLAY} FROM replay WHERE {which}"), params, replay)
}

fn replay(row: &Row<'_>) -> Result<Replay, StoreError> {
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

/// What is repeated, as it is to be kept.
pub(crate) fn of_text(of: &ReplayOf) -> Result<String, StoreError> {
    serde_json::to_string(of).map_err(|error| unreadable(error.to_string()))
}

/// What is repeated, as it is kept.
pub(crate) fn of(json: &str) -> Result<ReplayOf, StoreError> {
    serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))
}

/// The state with a name.
pub(crate) fn state(name: &str) -> Result<State, StoreError> {
    let states = [State::Running, State::Done, State::Cancelled];
    let state = states.into_iter().find(|state| state.name() == name);
    state.ok_or_else(|| unreadable(format!("{name} is no state")))
}

fn unreadable(why: String) -> StoreError {
    StoreError::Row { table: "replay", why }
}
