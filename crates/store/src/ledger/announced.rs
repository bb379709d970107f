//! The announced state of an app, and the log that leads on from it.

use bellwire_protocol::AppId;
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ledger::Snapshot;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::rows::{self, ANNOUNCED, EVENT, collect, int};

/// What is announced; the key's order puts a channel before its members.
pub(super) fn snapshot(connection: &Connection, app: &AppId) -> Result<Snapshot, StoreError> {
    let mut statement = connection.prepare_cached("SELECT last_seq FROM app_log WHERE app = ?1")?;
    let seq: Option<i64> = statement.query_row([app.as_str()], |row| row.get(0)).optional()?;
    let sql =
        format!("SELECT {ANNOUNCED} FROM announced WHERE app = ?1 ORDER BY app, channel, user");
    Ok(Snapshot {
        seq: seq.unwrap_or(0).unsigned_abs(),
        announced: collect(connection, &sql, [app.as_str()], rows::announced)?,
    })
}

/// The log after a place.
pub(super) fn log(
    connection: &Connection,
    app: &AppId,
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql =
        format!("SELECT {EVENT} FROM event WHERE app = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
    collect(connection, &sql, params![app.as_str(), int(after), limit], rows::event)
}
