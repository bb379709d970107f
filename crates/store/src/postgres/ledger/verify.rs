//! Reads what is checked by [`crate::verify`].

use bellwire_webhooks::event::LANES;
use bellwire_webhooks::ledger::Verdict;

use super::announced::last_seq;
use crate::StoreError;
use crate::postgres::rows::{self, ANNOUNCED, EVENT, number, number_if_any, owned, small, text};
use crate::postgres::session::Session;
use crate::verify::{BROKEN_MAX, Lanes, Log};

/// Checks everything, as of the moment of the caller's transaction.
pub(super) fn verify(session: &mut Session) -> Result<Verdict, StoreError> {
    let mut verdict = Verdict::default();
    for app in apps(session)? {
        let mut log = read(session, &app, &mut verdict)?;
        compare(session, &app, &mut log, &mut verdict)?;
    }
    lanes(session, &mut verdict.broken)?;
    verdict.broken.truncate(BROKEN_MAX);
    Ok(verdict)
}

/// The apps of which there is anything: found by leaps through the keys, not by a scan.
fn apps(session: &mut Session) -> Result<Vec<String>, StoreError> {
    let mut apps = Vec::new();
    for table in ["app_log", "event", "announced"] {
        let sql = format!("SELECT app FROM {table} WHERE app > $1 ORDER BY app LIMIT 1");
        let mut last = String::new();
        while let Some(app) = session.one(&sql, &[&last], |row| owned(row, 0))? {
            last.clone_from(&app);
            apps.push(app);
        }
    }
    apps.sort();
    apps.dedup();
    Ok(apps)
}

fn read(session: &mut Session, app: &str, verdict: &mut Verdict) -> Result<Log, StoreError> {
    let mut log = Log::of(app, last_seq(session, app)?);
    let sql = format!("SELECT {EVENT}, lane FROM event WHERE app = $1 ORDER BY seq");
    session.each(&sql, &[&app], |row| {
        log.hear(&rows::event(row)?, small("event", row, 7)?, verdict);
        Ok(())
    })?;
    Ok(log)
}

fn compare(
    session: &mut Session,
    app: &str,
    log: &mut Log,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    // The key's order names a channel before its members.
    let sql =
        format!("SELECT {ANNOUNCED} FROM announced WHERE app = $1 ORDER BY channel, \"user\"");
    session.each(&sql, &[&app], |row| {
        log.compare(&rows::announced(row)?, verdict);
        Ok(())
    })?;
    log.end(verdict);
    Ok(())
}

fn lanes(session: &mut Session, broken: &mut Vec<String>) -> Result<(), StoreError> {
    let mut lanes = Lanes::default();
    let sql = "SELECT b.id, b.endpoint, b.lane, b.parent, y.seqs
         FROM batch b JOIN batch_body y ON y.batch = b.id
         WHERE b.replay IS NULL AND b.lane < $1";
    session.each(sql, &[&i64::from(LANES)], |row| {
        let (id, parent) = (number(row, 0)?, number_if_any(row, 3)?);
        let lane = (text(row, 1)?, small("batch", row, 2)?);
        lanes.hear(id, lane, parent, text(row, 4)?, broken)
    })?;
    lanes.end(broken);
    Ok(())
}
