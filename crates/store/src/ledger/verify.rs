//! Reads what is checked by [`crate::verify`].

#[cfg(test)]
mod tests;

use bellwire_webhooks::event::LANES;
use bellwire_webhooks::ledger::Verdict;
use rusqlite::Connection;

use crate::StoreError;
use crate::rows::{self, ANNOUNCED, EVENT, number, number_if_any, text};
use crate::verify::{BROKEN_MAX, Lanes, Log};

/// Checks everything, as of the moment of the caller's transaction.
pub(super) fn verify(connection: &Connection) -> Result<Verdict, StoreError> {
    let mut verdict = Verdict::default();
    for app in apps(connection)? {
        let mut log = read(connection, &app, &mut verdict)?;
        compare(connection, &app, &mut log, &mut verdict)?;
    }
    lanes(connection, &mut verdict.broken)?;
    verdict.broken.truncate(BROKEN_MAX);
    Ok(verdict)
}

/// The apps of which there is anything: found by leaps through the keys, not by a scan.
fn apps(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut apps = Vec::new();
    for table in ["app_log", "event", "announced"] {
        let sql = format!("SELECT app FROM {table} WHERE app > ?1 ORDER BY app LIMIT 1");
        let mut last = String::new();
        while let Some(app) = rows::collect(connection, &sql, [&last], |row| Ok(row.get(0)?))?.pop()
        {
            last.clone_from(&app);
            apps.push(app);
        }
    }
    apps.sort();
    apps.dedup();
    Ok(apps)
}

fn read(connection: &Connection, app: &str, verdict: &mut Verdict) -> Result<Log, StoreError> {
    let sql = "SELECT last_seq FROM app_log WHERE app = ?1";
    let last_seq = rows::collect(connection, sql, [app], |row| number(row, 0))?;
    let mut log = Log::of(app, last_seq.first().copied().unwrap_or(0));
    let sql = format!("SELECT {EVENT}, lane FROM event WHERE app = ?1 ORDER BY seq");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([app])?;
    while let Some(row) = rows.next()? {
        log.hear(&rows::event(row)?, row.get(7)?, verdict);
    }
    Ok(log)
}

fn compare(
    connection: &Connection,
    app: &str,
    log: &mut Log,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    // The key's order names a channel before its members.
    let sql = format!("SELECT {ANNOUNCED} FROM announced WHERE app = ?1 ORDER BY channel, user");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([app])?;
    while let Some(row) = rows.next()? {
        log.compare(&rows::announced(row)?, verdict);
    }
    log.end(verdict);
    Ok(())
}

fn lanes(connection: &Connection, broken: &mut Vec<String>) -> Result<(), StoreError> {
    let mut lanes = Lanes::default();
    let mut statement = connection.prepare(
        "SELECT b.id, b.endpoint, b.lane, b.parent, y.seqs
         FROM batch b CROSS JOIN batch_body y ON y.batch = b.id
         WHERE b.replay IS NULL AND b.lane < ?1",
    )?;
    let mut rows = statement.query([LANES])?;
    while let Some(row) = rows.next()? {
        let (id, parent) = (number(row, 0)?, number_if_any(row, 3)?);
        lanes.hear(id, (text(row, 1)?, row.get(2)?), parent, text(row, 4)?, broken)?;
    }
    lanes.end(broken);
    Ok(())
}
