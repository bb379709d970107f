//! Rows become types here and types become rows: numbers, names and the columns of what is read in
//! more than one place.

use std::fmt::Display;
use std::str::FromStr;

use bellwire_webhooks::attempt::{Answer, Attempt, Failure};
use bellwire_webhooks::batch::{Batch, Gap, Outcome};
use bellwire_webhooks::event::{Event, Kind};
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::outbox::Announced;
use rusqlite::{Connection, Params, Row};

use crate::StoreError;

/// The columns of [`event`].
pub(crate) const EVENT: &str = "app, seq, kind, channel, user, at_ms, body";
/// The columns of [`announced`].
pub(crate) const ANNOUNCED: &str = "app, channel, user, seq";
/// The columns of [`batch`], where `b` is the batch and `y` its body.
pub(crate) const BATCH: &str = "b.id, b.app, b.endpoint, b.lane, b.time_ms, b.previous, \
    b.gap_first, b.gap_last, b.gap_count, b.deadline_ms, b.replay, b.parent, y.seqs, y.events";
/// How many columns these are.
pub(crate) const BATCH_COLUMNS: usize = 14;
/// The columns of [`attempt`].
pub(crate) const ATTEMPT: &str = "batch, number, at_ms, duration_ms, status, failure, detail, \
    remote, retry_after_ms, body, request_head";

/// A number as SQLite keeps it. What is larger than any number that is kept stays so.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Runs a statement that is prepared once; how many rows it changed.
pub(crate) fn run(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<usize, StoreError> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// Asks for rows, and makes something of each.
pub(crate) fn collect<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// A number that is never negative.
pub(crate) fn number(row: &Row<'_>, at: usize) -> Result<u64, StoreError> {
    Ok(row.get::<_, i64>(at)?.unsigned_abs())
}

/// The same, if there is one.
pub(crate) fn number_if_any(row: &Row<'_>, at: usize) -> Result<Option<u64>, StoreError> {
    Ok(row.get::<_, Option<i64>>(at)?.map(i64::unsigned_abs))
}

/// A text, for as long as the row stands.
pub(crate) fn text<'row>(row: &'row Row<'_>, at: usize) -> Result<&'row str, StoreError> {
    row.get_ref(at)?.as_str().map_err(|error| StoreError::Sqlite(error.into()))
}

/// A text becomes what it stands for.
pub(crate) fn parse<T: FromStr<Err: Display>>(
    table: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::Row { table, why: error.to_string() })
}

/// An entry of a log.
pub(crate) fn event(row: &Row<'_>) -> Result<Event, StoreError> {
    let user: Option<String> = row.get(4)?;
    Ok(Event {
        app: parse("event", text(row, 0)?)?,
        seq: number(row, 1)?,
        kind: kind(row.get(2)?)?,
        channel: parse("event", text(row, 3)?)?,
        user: user.map(|user| parse("event", &user)).transpose()?,
        at_ms: number(row, 5)?,
        body: text(row, 6)?.into(),
    })
}

/// Something announced.
pub(crate) fn announced(row: &Row<'_>) -> Result<Announced, StoreError> {
    let user = match text(row, 2)? {
        "" => None,
        user => Some(parse("announced", user)?),
    };
    Ok(Announced {
        app: parse("announced", text(row, 0)?)?,
        channel: parse("announced", text(row, 1)?)?,
        user,
        seq: number(row, 3)?,
    })
}

/// The places of a batch, as JSON.
pub(crate) fn array(seqs: &[u64]) -> String {
    let texts: Vec<String> = seqs.iter().map(u64::to_string).collect();
    format!("[{}]", texts.join(","))
}

/// A batch.
pub(crate) fn batch(row: &Row<'_>) -> Result<Batch, StoreError> {
    let seqs = serde_json::from_str(text(row, 12)?)
        .map_err(|error| StoreError::Row { table: "batch_body", why: error.to_string() })?;
    Ok(Batch {
        id: BatchId::of(number(row, 0)?),
        app: parse("batch", text(row, 1)?)?,
        endpoint: parse("batch", text(row, 2)?)?,
        lane: row.get(3)?,
        time_ms: number(row, 4)?,
        events: text(row, 13)?.into(),
        seqs,
        previous: number(row, 5)?,
        gap: gap(row, 6)?,
        deadline_ms: number(row, 9)?,
        replay: number_if_any(row, 10)?.map(ReplayId::of),
        parent: number_if_any(row, 11)?.map(BatchId::of),
    })
}

/// A gap in three columns, if there is one.
pub(crate) fn gap(row: &Row<'_>, at: usize) -> Result<Option<Gap>, StoreError> {
    let Some(first) = number_if_any(row, at)? else { return Ok(None) };
    Ok(Some(Gap { first, last: number(row, at + 1)?, count: number(row, at + 2)? }))
}

/// A lane of an endpoint in two columns.
pub(crate) fn lane(row: &Row<'_>, at: usize) -> Result<(EndpointId, u8), StoreError> {
    Ok((parse("lane", text(row, at)?)?, row.get(at + 1)?))
}

/// An attempt.
pub(crate) fn attempt(row: &Row<'_>) -> Result<Attempt, StoreError> {
    let failure: Option<String> = row.get(5)?;
    let unknown = |why| StoreError::Row { table: "attempt", why };
    let failure = failure.map(|name| Failure::named(&name).ok_or_else(|| unknown(name)));
    Ok(Attempt {
        batch: BatchId::of(number(row, 0)?),
        number: row.get(1)?,
        at_ms: number(row, 2)?,
        answer: Answer {
            duration_ms: row.get(3)?,
            status: row.get(4)?,
            failure: failure.transpose()?,
            detail: row.get(6)?,
            remote: row.get(7)?,
            retry_after_ms: number_if_any(row, 8)?,
            body: row.get(9)?,
            request_head: row.get(10)?,
        },
    })
}

/// The number by which a kind is kept; it never changes.
pub(crate) fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Occupied => 1,
        Kind::Vacated => 2,
        Kind::MemberAdded => 3,
        Kind::MemberRemoved => 4,
        Kind::ClientEvent => 5,
        Kind::CacheMiss => 6,
        Kind::SubscriptionCount => 7,
    }
}

/// The kind with a number.
pub(crate) fn kind(number: i64) -> Result<Kind, StoreError> {
    let kind = Kind::ALL.into_iter().find(|kind| kind_number(*kind) == number);
    kind.ok_or_else(|| StoreError::Row { table: "event", why: format!("no kind is {number}") })
}

/// The number by which an outcome is kept; it never changes, and 2 stands in an index.
pub(crate) fn outcome_number(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Delivered => 1,
        Outcome::Failed => 2,
        Outcome::Discarded => 3,
        Outcome::Split => 4,
    }
}

/// The outcome with a number.
pub(crate) fn outcome(number: i64) -> Result<Outcome, StoreError> {
    let outcome = Outcome::ALL.into_iter().find(|outcome| outcome_number(*outcome) == number);
    outcome
        .ok_or_else(|| StoreError::Row { table: "batch", why: format!("no outcome is {number}") })
}
