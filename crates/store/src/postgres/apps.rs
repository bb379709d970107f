//! Apps and their keys, as in [`crate::apps`].

use std::collections::HashMap;

use bellwire_hub::{AppSpec, AppStore, KeySpec};
use bellwire_protocol::AppId;

use super::rows::{number, number_if_any, owned, text};
use super::session::Session;
use super::{Postgres, endpoints, live};
use crate::StoreError;
use crate::apps::{owner_if_any, settings, settings_text};
use crate::rows::{int, parse};

impl AppStore for Postgres {
    type Error = StoreError;

    fn apps(&self) -> Result<Vec<AppSpec>, StoreError> {
        self.read(|session| apps(session, None))
    }

    fn app(&self, id: &AppId) -> Result<Option<AppSpec>, StoreError> {
        self.read(|session| Ok(apps(session, Some(id))?.pop()))
    }

    fn put(&self, app: &AppSpec) -> Result<(), StoreError> {
        self.write(|session| put(session, app))
    }

    fn put_first(&self, app: &AppSpec) -> Result<bool, StoreError> {
        self.write(|session| {
            let is_first = !session.exists("SELECT 1 FROM app", &[])?;
            if is_first {
                put(session, app)?;
            }
            Ok(is_first)
        })
    }

    /// With the app go its endpoints, its tokens and its past: another app may have the id one day, and
    /// must not send its events to the old one's receivers.
    fn delete(&self, id: &AppId) -> Result<bool, StoreError> {
        let is_there = "SELECT 1 FROM app WHERE id = $1";
        if !self.alone(|session| session.exists(is_there, &[&id.as_str()]))? {
            return Ok(false);
        }
        for endpoint in self.read(|session| endpoints::all(session, Some(id)))? {
            endpoints::remove(self, &endpoint.id)?;
        }
        self.write(|session| {
            session.run("DELETE FROM token WHERE app = $1", &[&id.as_str()])?;
            live::remove(session, id)?;
            Ok(session.run("DELETE FROM app WHERE id = $1", &[&id.as_str()])? > 0)
        })
    }

    fn version(&self) -> Result<u64, StoreError> {
        self.alone(changes)
    }
}

/// A number that grows with everything that the running servers must notice.
pub(super) fn changes(session: &mut Session) -> Result<u64, StoreError> {
    let n = session.one("SELECT n FROM change", &[], |row| number(row, 0))?;
    n.ok_or_else(|| StoreError::Row { table: "change", why: "it is gone".into() })
}

/// Every app, or one.
fn apps(session: &mut Session, id: Option<&AppId>) -> Result<Vec<AppSpec>, StoreError> {
    let id = id.map(AppId::as_str);
    let mut keys = keys(session, id)?;
    let sql = "SELECT app.id, app.settings, app.account, account.plan, app.created_at_ms
         FROM app LEFT JOIN account ON account.id = app.account
         WHERE $1::text IS NULL OR app.id = $1 ORDER BY app.id";
    session.collect(sql, &[&id], |row| {
        let id = text(row, 0)?;
        let owner = owner_if_any(row.try_get(2)?, row.try_get(3)?)?;
        let keys = keys.remove(id).unwrap_or_default();
        let app = AppSpec::new(parse("app", id)?, settings(id, text(row, 1)?)?, keys);
        Ok(AppSpec { owner, created_at_ms: number_if_any(row, 4)?, ..app })
    })
}

fn put(session: &mut Session, app: &AppSpec) -> Result<(), StoreError> {
    let owner = app.owner.as_ref().map(|owner| &*owner.id);
    session.run(
        "INSERT INTO app (id, settings, account, created_at_ms)
         VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
         ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, account = excluded.account",
        &[&app.id.as_str(), &settings_text(&app.settings)?, &owner],
    )?;
    session.run("DELETE FROM app_key WHERE app = $1", &[&app.id.as_str()])?;
    app.keys.iter().try_for_each(|key| insert_key(session, &app.id, key))
}

fn insert_key(session: &mut Session, app: &AppId, key: &KeySpec) -> Result<(), StoreError> {
    let added = session.run(
        "INSERT INTO app_key (key, app, secret, active, created_at_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        &[
            &key.key.as_str(),
            &app.as_str(),
            &key.secret.reveal(),
            &key.active,
            &key.created_at_ms.map(int),
        ],
    )?;
    if added == 0 { Err(StoreError::KeyTaken(key.key.to_string())) } else { Ok(()) }
}

fn keys(
    session: &mut Session,
    app: Option<&str>,
) -> Result<HashMap<String, Vec<KeySpec>>, StoreError> {
    let sql = "SELECT app, key, secret, active, created_at_ms FROM app_key
         WHERE $1::text IS NULL OR app = $1 ORDER BY app, COALESCE(created_at_ms, 0), key";
    let mut keys: HashMap<String, Vec<KeySpec>> = HashMap::new();
    for row in &session.rows(sql, &[&app])? {
        keys.entry(owned(row, 0)?).or_default().push(KeySpec {
            key: parse("app_key", text(row, 1)?)?,
            secret: parse("app_key", text(row, 2)?)?,
            active: row.try_get(3)?,
            created_at_ms: number_if_any(row, 4)?,
        });
    }
    Ok(keys)
}
