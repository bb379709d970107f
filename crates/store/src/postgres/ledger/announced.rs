//! The announced state of an app, and the log that leads on from it.

use bellwire_protocol::AppId;
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ledger::Snapshot;

use crate::StoreError;
use crate::postgres::rows::{self, ANNOUNCED, EVENT, number};
use crate::postgres::session::Session;
use crate::rows::int;

/// The last place of a log.
const LAST: &str = "SELECT last_seq FROM app_log WHERE app = $1";

/// The last place of a log that is taken.
pub(super) fn last_seq(session: &mut Session, app: &str) -> Result<u64, StoreError> {
    Ok(session.one(LAST, &[&app], |row| number(row, 0))?.unwrap_or(0))
}

/// What is announced; the key's order puts a channel before its members.
pub(super) fn snapshot(session: &mut Session, app: &AppId) -> Result<Snapshot, StoreError> {
    let seq = last_seq(session, app.as_str())?;
    let sql =
        format!("SELECT {ANNOUNCED} FROM announced WHERE app = $1 ORDER BY app, channel, \"user\"");
    let announced = session.collect(&sql, &[&app.as_str()], rows::announced)?;
    Ok(Snapshot { seq, announced })
}

/// The log after a place.
pub(super) fn log(
    session: &mut Session,
    app: &AppId,
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql =
        format!("SELECT {EVENT} FROM event WHERE app = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    session.collect(&sql, &[&app.as_str(), &int(after), &i64::from(limit)], rows::event)
}
