//! Apps and their keys.

use std::collections::HashMap;

use bellwire_accounts::Plan;
use bellwire_hub::{AppSpec, AppStore, KeySpec, Owner, Settings};
use bellwire_protocol::AppId;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::rows::{number_if_any, parse, text};
use crate::{Sqlite, StoreError, accounts, endpoints, live};

impl AppStore for Sqlite {
    type Error = StoreError;

    fn apps(&self) -> Result<Vec<AppSpec>, StoreError> {
        self.read(|connection| apps(connection, None))
    }

    fn app(&self, id: &AppId) -> Result<Option<AppSpec>, StoreError> {
        self.read(|connection| Ok(apps(connection, Some(id))?.pop()))
    }

    fn put(&self, app: &AppSpec) -> Result<(), StoreError> {
        self.write(|connection| put(connection, app))
    }

    fn put_first(&self, app: &AppSpec) -> Result<bool, StoreError> {
        self.write(|connection| {
            let is_first = !connection.prepare_cached("SELECT 1 FROM app")?.exists([])?;
            if is_first {
                put(connection, app)?;
            }
            Ok(is_first)
        })
    }

    /// With the app go its endpoints, its tokens and its past: another app may have the id one day, and
    /// must not send its events to the old one's receivers.
    fn delete(&self, id: &AppId) -> Result<bool, StoreError> {
        if !self.read(|connection| is_there(connection, id))? {
            return Ok(false);
        }
        for endpoint in self.read(|connection| endpoints::all(connection, Some(id)))? {
            endpoints::remove(self, &endpoint.id)?;
        }
        self.write(|connection| {
            connection.execute("DELETE FROM token WHERE app = ?1", [id.as_str()])?;
            live::remove(connection, id)?;
            Ok(connection.execute("DELETE FROM app WHERE id = ?1", [id.as_str()])? > 0)
        })
    }

    fn version(&self) -> Result<u64, StoreError> {
        self.read(changes)
    }
}

/// A number that grows with everything that the running server must notice.
pub(crate) fn changes(connection: &Connection) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT n FROM change")?;
    Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Every app, or one.
fn apps(connection: &Connection, id: Option<&AppId>) -> Result<Vec<AppSpec>, StoreError> {
    let id = id.map(AppId::as_str);
    let mut keys = keys(connection, id)?;
    let mut statement = connection.prepare_cached(
        "SELECT app.id, app.settings, app.account, account.plan, app.created_at_ms
         FROM app LEFT JOIN account ON account.id = app.account
         WHERE ?1 IS NULL OR app.id = ?1 ORDER BY app.id",
    )?;
    let mut rows = statement.query([id])?;
    let mut apps = Vec::new();
    while let Some(row) = rows.next()? {
        let id = text(row, 0)?;
        let owner: Option<String> = row.get(2)?;
        let plan: Option<String> = row.get(3)?;
        let owner = owner_if_any(owner.as_deref(), plan.as_deref())?;
        let keys = keys.remove(id).unwrap_or_default();
        let app = AppSpec::new(parse("app", id)?, settings(id, text(row, 1)?)?, keys);
        apps.push(AppSpec { owner, created_at_ms: number_if_any(row, 4)?, ..app });
    }
    Ok(apps)
}

/// Settings as they are kept.
pub(crate) fn settings(id: &str, json: &str) -> Result<Settings, StoreError> {
    serde_json::from_str(json)
        .map_err(|error| StoreError::Row { table: "app", why: format!("{id}: {error}") })
}

/// Settings as they are to be kept.
pub(crate) fn settings_text(settings: &Settings) -> Result<String, StoreError> {
    serde_json::to_string(settings)
        .map_err(|error| StoreError::Row { table: "app", why: error.to_string() })
}

/// The account of an app, which may be gone.
pub(crate) fn owner_if_any(
    id: Option<&str>,
    plan: Option<&str>,
) -> Result<Option<Owner>, StoreError> {
    let plan = plan.map(accounts::plan).transpose()?;
    Ok(id.zip(plan).map(|(id, plan)| owner_of(id, &plan)))
}

/// What the running server has to know of an account.
#[must_use]
pub fn owner_of(id: &str, plan: &Plan) -> Owner {
    Owner {
        id: id.into(),
        max_connections_per_app: plan.max_connections_per_app as usize,
        max_messages_per_day: plan.max_messages_per_day,
    }
}

fn is_there(connection: &Connection, id: &AppId) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM app WHERE id = ?1")?;
    Ok(statement.exists([id.as_str()])?)
}

fn put(connection: &Connection, app: &AppSpec) -> Result<(), StoreError> {
    let settings = settings_text(&app.settings)?;
    connection.execute(
        "INSERT INTO app (id, settings, account, created_at_ms)
         VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))
         ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, account = excluded.account",
        params![app.id.as_str(), settings, app.owner.as_ref().map(|owner| &*owner.id)],
    )?;
    connection.execute("DELETE FROM app_key WHERE app = ?1", [app.id.as_str()])?;
    for key in &app.keys {
        insert_key(connection, &app.id, key)?;
    }
    Ok(())
}

fn insert_key(connection: &Connection, app: &AppId, key: &KeySpec) -> Result<(), StoreError> {
    let owner: Option<String> = connection
        .query_row("SELECT app FROM app_key WHERE key = ?1", [key.key.as_str()], |row| row.get(0))
        .optional()?;
    if owner.is_some() {
        return Err(StoreError::KeyTaken(key.key.to_string()));
    }
    connection.execute(
        "INSERT INTO app_key (key, app, secret, active, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            key.key.as_str(),
            app.as_str(),
            key.secret.reveal(),
            key.active,
            key.created_at_ms.map(u64::cast_signed)
        ],
    )?;
    Ok(())
}

fn keys(
    connection: &Connection,
    app: Option<&str>,
) -> Result<HashMap<String, Vec<KeySpec>>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT app, key, secret, active, created_at_ms FROM app_key
         WHERE ?1 IS NULL OR app = ?1 ORDER BY app, COALESCE(created_at_ms, 0), key",
    )?;
    let mut rows = statement.query([app])?;
    let mut keys: HashMap<String, Vec<KeySpec>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let created_at_ms: Option<i64> = row.get(4)?;
        keys.entry(row.get(0)?).or_default().push(KeySpec {
            key: parse("app_key", &row.get::<_, String>(1)?)?,
            secret: parse("app_key", &row.get::<_, String>(2)?)?,
            active: row.get(3)?,
            created_at_ms: created_at_ms.map(i64::unsigned_abs),
        });
    }
    Ok(keys)
}
