//! Statistics and errors of apps.

use bellwire_live::errors::{ErrorKind, Example, Group};
use bellwire_live::rollup::Rollup;
use bellwire_live::{LiveStore, Point, RETENTION, Retention};
use bellwire_protocol::AppId;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::rows::{collect, int, number, parse, run, text};
use crate::{Sqlite, StoreError};

/// Rows that one sweep lets go of, so that nobody waits long for it.
pub(crate) const SWEPT: u64 = 5_000;
pub(crate) const HOUR_S: u64 = bellwire_live::chart::HOUR_S;

impl LiveStore for Sqlite {
    type Error = StoreError;

    fn keep(&self, points: &[Point], errors: &[(AppId, Group)]) -> Result<(), StoreError> {
        self.write(|connection| {
            points.iter().try_for_each(|point| add(connection, point))?;
            errors.iter().try_for_each(|(app, group)| add_group(connection, app, group))?;
            let mut apps: Vec<&AppId> = errors.iter().map(|(app, _)| app).collect();
            apps.sort();
            apps.dedup();
            apps.into_iter().try_for_each(|app| hold_to_limit(connection, app))
        })
    }

    fn points(
        &self,
        app: &AppId,
        step_s: u64,
        from_s: u64,
    ) -> Result<Vec<(u64, Rollup)>, StoreError> {
        let sql = "SELECT at_s, numbers FROM stat
             WHERE app = ?1 AND step_s = ?2 AND at_s >= ?3 ORDER BY at_s";
        self.read(|connection| {
            collect(connection, sql, params![app.as_str(), int(step_s), int(from_s)], |row| {
                Ok((number(row, 0)?, json("stat", text(row, 1)?)?))
            })
        })
    }

    fn messages(&self, from_s: u64) -> Result<Vec<(AppId, u64)>, StoreError> {
        let sql = "SELECT app, numbers FROM stat WHERE step_s = ?1 AND at_s >= ?2";
        let found = self.read(|connection| {
            collect(connection, sql, params![int(HOUR_S), int(from_s)], |row| {
                messages(text(row, 0)?, text(row, 1)?)
            })
        })?;
        Ok(summed(found))
    }

    fn errors(&self, app: &AppId) -> Result<Vec<Group>, StoreError> {
        let sql = "SELECT id, kind, code, message, count, first_at_ms, last_at_ms, example
             FROM mistake WHERE app = ?1 ORDER BY last_at_ms DESC, id LIMIT ?2";
        let most = RETENTION.errors_max as u64;
        self.read(|connection| collect(connection, sql, params![app.as_str(), int(most)], group))
    }

    fn sweep(&self, now_s: u64, retention: &Retention) -> Result<usize, StoreError> {
        let before = |kept_s: u64| now_s.saturating_sub(kept_s);
        self.write(|connection| {
            let points = "DELETE FROM stat WHERE (app, step_s, at_s) IN (
                     SELECT app, step_s, at_s FROM stat WHERE step_s = ?1 AND at_s < ?2 LIMIT ?3)";
            let mut rows = 0;
            for step_s in [bellwire_live::chart::MINUTE_S, HOUR_S] {
                let before_s = before(retention.of_points(step_s));
                rows += run(connection, points, params![int(step_s), int(before_s), int(SWEPT)])?;
            }
            let mistakes = "DELETE FROM mistake WHERE (app, id) IN (
                     SELECT app, id FROM mistake WHERE last_at_ms < ?1 LIMIT ?2)";
            let before_ms = before(retention.errors_s) * 1000;
            Ok(rows + run(connection, mistakes, params![int(before_ms), int(SWEPT)])?)
        })
    }
}

/// The messages of an app in a point.
pub(crate) fn messages(app: &str, numbers: &str) -> Result<(AppId, u64), StoreError> {
    let numbers: Rollup = json("stat", numbers)?;
    Ok((parse("stat", app)?, numbers.messages.total()))
}

/// One sum an app.
pub(crate) fn summed(mut found: Vec<(AppId, u64)>) -> Vec<(AppId, u64)> {
    found.sort();
    found.dedup_by(|(app, more), (same, sum)| {
        let is_same = app == same;
        *sum += if is_same { *more } else { 0 };
        is_same
    });
    found
}

/// Forgets an app.
pub(crate) fn remove(connection: &Connection, app: &AppId) -> Result<(), StoreError> {
    run(connection, "DELETE FROM stat WHERE app = ?1", [app.as_str()])?;
    run(connection, "DELETE FROM mistake WHERE app = ?1", [app.as_str()])?;
    Ok(())
}

fn add(connection: &Connection, point: &Point) -> Result<(), StoreError> {
    let Point { app, step_s, at_s, more } = point;
    let key = params![app.as_str(), int(*step_s), int(*at_s)];
    let sql = "SELECT numbers FROM stat WHERE app = ?1 AND step_s = ?2 AND at_s = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let kept: Option<String> = statement.query_row(key, |row| row.get(0)).optional()?;
    let numbers = match kept {
        Some(kept) => {
            let mut sum: Rollup = json("stat", &kept)?;
            sum.add(more);
            written("stat", &sum)?
        }
        None => written("stat", more)?,
    };
    let sql = "INSERT OR REPLACE INTO stat (app, step_s, at_s, numbers) VALUES (?1, ?2, ?3, ?4)";
    run(connection, sql, params![app.as_str(), int(*step_s), int(*at_s), numbers])?;
    Ok(())
}

fn add_group(connection: &Connection, app: &AppId, group: &Group) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO mistake (app, id, kind, code, message, count, first_at_ms, last_at_ms, example)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (app, id) DO UPDATE SET count = count + excluded.count,
             last_at_ms = excluded.last_at_ms, example = excluded.example",
        params![
            app.as_str(),
            group.id.to_string(),
            group.kind.name(),
            group.code,
            group.message,
            int(group.count),
            int(group.first_at_ms),
            int(group.last_at_ms),
            written("mistake", &group.example)?,
        ],
    )?;
    Ok(())
}

/// Lets go of the mistakes of an app that came longest ago, if there are too many.
fn hold_to_limit(connection: &Connection, app: &AppId) -> Result<(), StoreError> {
    run(
        connection,
        "DELETE FROM mistake WHERE app = ?1 AND id IN (
             SELECT id FROM mistake WHERE app = ?1 ORDER BY last_at_ms DESC, id LIMIT -1 OFFSET ?2)",
        params![app.as_str(), int(RETENTION.errors_max as u64)],
    )?;
    Ok(())
}

fn group(row: &Row<'_>) -> Result<Group, StoreError> {
    let kind = text(row, 1)?;
    let unknown = || StoreError::Row { table: "mistake", why: format!("no kind is {kind}") };
    let example: Example = json("mistake", text(row, 7)?)?;
    Ok(Group {
        id: parse("mistake", text(row, 0)?)?,
        kind: ErrorKind::named(kind).ok_or_else(unknown)?,
        code: row.get(2)?,
        message: row.get(3)?,
        count: number(row, 4)?,
        first_at_ms: number(row, 5)?,
        last_at_ms: number(row, 6)?,
        example,
    })
}

pub(crate) fn json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Row { table, why: error.to_string() })
}

pub(crate) fn written(table: &'static str, thing: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(thing).map_err(|error| StoreError::Row { table, why: error.to_string() })
}
