//! Statistics and errors of apps, as in [`crate::live`].

use std::collections::BTreeMap;

use ::postgres::Row;
use bellwire_live::errors::{ErrorKind, Group};
use bellwire_live::rollup::Rollup;
use bellwire_live::{LiveStore, Point, RETENTION, Retention};
use bellwire_protocol::AppId;

use super::Postgres;
use super::rows::{clean, number, owned, small_if_any, text};
use super::session::Session;
use crate::StoreError;
use crate::live::{HOUR_S, SWEPT, json, messages, summed, written};
use crate::rows::{int, parse};

impl LiveStore for Postgres {
    type Error = StoreError;

    fn keep(&self, points: &[Point], errors: &[(AppId, Group)]) -> Result<(), StoreError> {
        self.write(|session| {
            add(session, points)?;
            errors.iter().try_for_each(|(app, group)| add_group(session, app, group))?;
            let mut apps: Vec<&AppId> = errors.iter().map(|(app, _)| app).collect();
            apps.sort();
            apps.dedup();
            apps.into_iter().try_for_each(|app| hold_to_limit(session, app))
        })
    }

    fn points(
        &self,
        app: &AppId,
        step_s: u64,
        from_s: u64,
    ) -> Result<Vec<(u64, Rollup)>, StoreError> {
        let sql = "SELECT at_s, numbers FROM stat
             WHERE app = $1 AND step_s = $2 AND at_s >= $3 ORDER BY at_s";
        self.alone(|session| {
            session.collect(sql, &[&app.as_str(), &int(step_s), &int(from_s)], |row| {
                Ok((number(row, 0)?, json("stat", text(row, 1)?)?))
            })
        })
    }

    fn messages(&self, from_s: u64) -> Result<Vec<(AppId, u64)>, StoreError> {
        let sql = "SELECT app, numbers FROM stat WHERE step_s = $1 AND at_s >= $2";
        let found = self.alone(|session| {
            session.collect(sql, &[&int(HOUR_S), &int(from_s)], |row| {
                messages(text(row, 0)?, text(row, 1)?)
            })
        })?;
        Ok(summed(found))
    }

    fn errors(&self, app: &AppId) -> Result<Vec<Group>, StoreError> {
        let sql = "SELECT id, kind, code, message, count, first_at_ms, last_at_ms, example
             FROM mistake WHERE app = $1 ORDER BY last_at_ms DESC, id LIMIT $2";
        let most = RETENTION.errors_max as i64;
        self.alone(|session| session.collect(sql, &[&app.as_str(), &most], group))
    }

    fn sweep(&self, now_s: u64, retention: &Retention) -> Result<usize, StoreError> {
        let before = |kept_s: u64| int(now_s.saturating_sub(kept_s));
        let limit = int(SWEPT);
        self.write(|session| {
            let points = "DELETE FROM stat WHERE (app, step_s, at_s) IN (
                     SELECT app, step_s, at_s FROM stat WHERE step_s = $1 AND at_s < $2 LIMIT $3)";
            let mut rows = 0;
            for step_s in [bellwire_live::chart::MINUTE_S, HOUR_S] {
                let before_s = before(retention.of_points(step_s));
                rows += session.run(points, &[&int(step_s), &before_s, &limit])?;
            }
            let mistakes = "DELETE FROM mistake WHERE (app, id) IN (
                     SELECT app, id FROM mistake WHERE last_at_ms < $1 LIMIT $2)";
            let before_ms = before(retention.errors_s) * 1000;
            Ok((rows + session.run(mistakes, &[&before_ms, &limit])?) as usize)
        })
    }
}

/// Forgets an app.
pub(super) fn remove(session: &mut Session, app: &AppId) -> Result<(), StoreError> {
    session.run("DELETE FROM stat WHERE app = $1", &[&app.as_str()])?;
    session.run("DELETE FROM mistake WHERE app = $1", &[&app.as_str()])?;
    Ok(())
}

/// Adds to points: all that are there are read at once, and all are written at once.
fn add(session: &mut Session, points: &[Point]) -> Result<(), StoreError> {
    let mut sums: BTreeMap<(&str, i64, i64), Rollup> = BTreeMap::new();
    for Point { app, step_s, at_s, .. } in points {
        sums.insert((app.as_str(), int(*step_s), int(*at_s)), Rollup::default());
    }
    let keys = || sums.keys().copied();
    let apps: Vec<&str> = keys().map(|(app, ..)| app).collect();
    let steps: Vec<i64> = keys().map(|(_, step_s, _)| step_s).collect();
    let times: Vec<i64> = keys().map(|(.., at_s)| at_s).collect();
    let kept = session.rows(
        "SELECT app, step_s, at_s, numbers FROM stat
             JOIN UNNEST($1::text[], $2::bigint[], $3::bigint[]) AS key (app, step_s, at_s)
             USING (app, step_s, at_s)",
        &[&apps, &steps, &times],
    )?;
    for row in &kept {
        if let Some(sum) = sums.get_mut(&(text(row, 0)?, row.try_get(1)?, row.try_get(2)?)) {
            *sum = json("stat", text(row, 3)?)?;
        }
    }
    for Point { app, step_s, at_s, more } in points {
        let sum = sums.entry((app.as_str(), int(*step_s), int(*at_s))).or_default();
        sum.add(more);
    }
    let numbers: Result<Vec<String>, StoreError> =
        sums.values().map(|sum| written("stat", sum)).collect();
    session.run(
        "INSERT INTO stat (app, step_s, at_s, numbers)
         SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::text[])
         ON CONFLICT (app, step_s, at_s) DO UPDATE SET numbers = excluded.numbers",
        &[&apps, &steps, &times, &numbers?],
    )?;
    Ok(())
}

fn add_group(session: &mut Session, app: &AppId, group: &Group) -> Result<(), StoreError> {
    session.run(
        "INSERT INTO mistake (app, id, kind, code, message, count, first_at_ms, last_at_ms, example)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (app, id) DO UPDATE SET count = mistake.count + excluded.count,
             last_at_ms = excluded.last_at_ms, example = excluded.example",
        &[
            &app.as_str(),
            &group.id.to_string(),
            &group.kind.name(),
            &group.code.map(i64::from),
            &clean(&group.message),
            &int(group.count),
            &int(group.first_at_ms),
            &int(group.last_at_ms),
            &written("mistake", &group.example)?,
        ],
    )?;
    Ok(())
}

/// Lets go of the mistakes of an app that came longest ago, if there are too many.
fn hold_to_limit(session: &mut Session, app: &AppId) -> Result<(), StoreError> {
    session.run(
        "DELETE FROM mistake WHERE app = $1 AND id IN (
             SELECT id FROM mistake WHERE app = $1 ORDER BY last_at_ms DESC, id OFFSET $2)",
        &[&app.as_str(), &(RETENTION.errors_max as i64)],
    )?;
    Ok(())
}

fn group(row: &Row) -> Result<Group, StoreError> {
    let kind = text(row, 1)?;
    let unknown = || StoreError::Row { table: "mistake", why: format!("no kind is {kind}") };
    Ok(Group {
        id: parse("mistake", text(row, 0)?)?,
        kind: ErrorKind::named(kind).ok_or_else(unknown)?,
        code: small_if_any("mistake", row, 2)?,
        message: owned(row, 3)?,
        count: number(row, 4)?,
        first_at_ms: number(row, 5)?,
        last_at_ms: number(row, 6)?,
        example: json("mistake", text(row, 7)?)?,
    })
}
