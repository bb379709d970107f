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
const SWEPT: u64 = 5_000;
const HOUR_S: u64 = bellwire_live::chart::HOUR_S;

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
        let mut found = self.read(|connection| {
            collect(connection, sql, params![int(HOUR_S), int(from_s)], |row| {
                let numbers: Rollup = json("stat", text(row, 1)?)?;
                Ok((parse::<AppId>("stat", text(row, 0)?)?, numbers.messages.total()))
            })
        })?;
        found.sort();
        found.dedup_by(|(app, more), (same, sum)| {
            let is_same = app == same;
            *sum += if is_same { *more } else { 0 };
            is_same
        });
        Ok(found)
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

fn json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Row { table, why: error.to_string() })
}

fn written(table: &'static str, thing: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(thing).map_err(|error| StoreError::Row { table, why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use bellwire_live::chart::MINUTE_S;
    use bellwire_live::errors::{ErrorLog, Mishap};
    use bellwire_live::rollup::Messages;

    use super::*;

    fn app(id: &str) -> AppId {
        id.parse().unwrap()
    }

    fn point(id: &str, step_s: u64, at_s: u64, api: u64) -> Point {
        let messages = Messages { api, ..Messages::default() };
        let more = Rollup { messages, peak: api, ..Rollup::default() };
        Point { app: app(id), step_s, at_s, more }
    }

    fn mistakes(messages: &[&str], at_ms: u64) -> Vec<(AppId, Group)> {
        let mut log = ErrorLog::default();
        for message in messages {
            let (kind, code, example) = (ErrorKind::Api, Some(400), Example::default());
            log.note(&app("1"), at_ms, || Mishap { kind, code, message, example });
        }
        log.take()
    }

    fn store() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn what_is_added_to_a_point_adds_up() {
        let (_folder, store) = store();
        store.keep(&[point("1", MINUTE_S, 60, 2), point("2", MINUTE_S, 60, 9)], &[]).unwrap();
        store.keep(&[point("1", MINUTE_S, 60, 3), point("1", MINUTE_S, 120, 1)], &[]).unwrap();
        let points = store.points(&app("1"), MINUTE_S, 60).unwrap();
        let seen: Vec<_> =
            points.iter().map(|(at, sum)| (*at, sum.messages.api, sum.peak)).collect();
        assert_eq!(seen, [(60, 5, 3), (120, 1, 1)]);
        assert_eq!(store.points(&app("1"), MINUTE_S, 61).unwrap().len(), 1);
    }

    #[test]
    fn the_messages_of_a_day_are_those_of_its_hours() {
        let (_folder, store) = store();
        let day = 86_400;
        let hour = |id, at_s, api| point(id, HOUR_S, at_s, api);
        store
            .keep(
                &[
                    hour("1", day - HOUR_S, 100),
                    hour("1", day, 1),
                    hour("2", day, 5),
                    hour("1", day + HOUR_S, 2),
                    point("1", MINUTE_S, day, 1_000),
                ],
                &[],
            )
            .unwrap();
        assert_eq!(store.messages(day).unwrap(), [(app("1"), 3), (app("2"), 5)]);
    }

    #[test]
    fn the_same_mistake_of_another_day_is_the_same() {
        let (_folder, store) = store();
        store.keep(&[], &mistakes(&["a", "b", "a"], 5)).unwrap();
        store.keep(&[], &mistakes(&["a"], 9)).unwrap();
        let errors = store.errors(&app("1")).unwrap();
        let seen: Vec<_> =
            errors.iter().map(|e| (&e.message[..], e.count, e.first_at_ms, e.last_at_ms)).collect();
        assert_eq!(seen, [("a", 3, 5, 9), ("b", 1, 5, 5)]);
        assert!(store.errors(&app("2")).unwrap().is_empty());
    }

    #[test]
    fn an_app_has_its_latest_mistakes_only() {
        let (_folder, store) = store();
        for at in 0..3 {
            let words: Vec<String> = (0..150u32)
                .map(|n| (n + 150 * at).to_string().bytes().map(|b| (b + 49) as char).collect())
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            store.keep(&[], &mistakes(&words, 5 + u64::from(at))).unwrap();
        }
        let errors = store.errors(&app("1")).unwrap();
        assert_eq!(errors.len(), 200);
        assert_eq!(errors.iter().filter(|error| error.last_at_ms == 7).count(), 150);
    }

    #[test]
    fn what_is_too_old_goes() {
        let (_folder, store) = store();
        let now_s = 200 * 86_400;
        let old = now_s - 49 * HOUR_S;
        let points = [point("1", MINUTE_S, old, 1), point("1", HOUR_S, old, 1)];
        store.keep(&points, &mistakes(&["a"], old * 1000)).unwrap();
        store.keep(&[point("1", HOUR_S, HOUR_S, 1)], &[]).unwrap();
        assert_eq!(store.sweep(now_s, &RETENTION).unwrap(), 2);
        assert!(store.points(&app("1"), MINUTE_S, 0).unwrap().is_empty());
        assert_eq!(store.points(&app("1"), HOUR_S, 0).unwrap().len(), 1);
        assert_eq!(store.errors(&app("1")).unwrap().len(), 1);
        assert_eq!(store.sweep(now_s + 30 * 86_400, &RETENTION).unwrap(), 1);
        assert!(store.errors(&app("1")).unwrap().is_empty());
    }

    #[test]
    fn an_app_takes_its_statistics_along_and_nobody_else_notices_them() {
        use bellwire_hub::{AppSpec, AppStore as _, Settings};

        let (_folder, store) = store();
        let spec = AppSpec::new(app("1"), Settings::default(), Vec::new());
        store.put(&spec).unwrap();
        let version = store.version().unwrap();
        store.keep(&[point("1", MINUTE_S, 60, 2)], &mistakes(&["a"], 5)).unwrap();
        assert_eq!(store.version().unwrap(), version);
        store.delete(&app("1")).unwrap();
        assert!(store.points(&app("1"), MINUTE_S, 0).unwrap().is_empty());
        assert!(store.errors(&app("1")).unwrap().is_empty());
    }
}
