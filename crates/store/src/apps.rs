//! Apps and their keys.

use std::collections::HashMap;
use std::str::FromStr;

use bellwire_hub::{AppSpec, AppStore, KeySpec, Settings};
use bellwire_protocol::AppId;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::{Sqlite, StoreError};

impl AppStore for Sqlite {
    type Error = StoreError;

    fn apps(&self) -> Result<Vec<AppSpec>, StoreError> {
        let connection = self.reader();
        let mut keys = keys(&connection)?;
        let mut statement =
            connection.prepare_cached("SELECT id, settings FROM app ORDER BY id")?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut apps = Vec::new();
        for row in rows {
            let (id, settings) = row?;
            let settings: Settings = serde_json::from_str(&settings)
                .map_err(|error| StoreError::Row { table: "app", why: format!("{id}: {error}") })?;
            let keys = keys.remove(&id).unwrap_or_default();
            apps.push(AppSpec { id: parse("app", &id)?, settings, keys });
        }
        Ok(apps)
    }

    fn put(&self, app: &AppSpec) -> Result<(), StoreError> {
        let settings = serde_json::to_string(&app.settings)
            .map_err(|error| StoreError::Row { table: "app", why: error.to_string() })?;
        let mut connection = self.writer();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO app (id, settings, created_at_ms)
             VALUES (?1, ?2, CAST(unixepoch('subsec') * 1000 AS INTEGER))
             ON CONFLICT (id) DO UPDATE SET settings = excluded.settings",
            params![app.id.as_str(), settings],
        )?;
        transaction.execute("DELETE FROM app_key WHERE app = ?1", [app.id.as_str()])?;
        for key in &app.keys {
            insert_key(&transaction, &app.id, key)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn delete(&self, id: &AppId) -> Result<bool, StoreError> {
        Ok(self.writer().execute("DELETE FROM app WHERE id = ?1", [id.as_str()])? > 0)
    }

    fn version(&self) -> Result<u64, StoreError> {
        let version: i64 =
            self.reader().pragma_query_value(None, "data_version", |row| row.get(0))?;
        Ok(version.unsigned_abs())
    }
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

fn keys(connection: &Connection) -> Result<HashMap<String, Vec<KeySpec>>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT app, key, secret, active, created_at_ms FROM app_key
         ORDER BY app, COALESCE(created_at_ms, 0), key",
    )?;
    let mut rows = statement.query([])?;
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

fn parse<T: FromStr<Err: std::fmt::Display>>(
    table: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::Row { table, why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(id: &str, key: &str) -> AppSpec {
        let key = KeySpec {
            key: key.parse().unwrap(),
            secret: "secret".parse().unwrap(),
            active: true,
            created_at_ms: Some(5),
        };
        AppSpec { id: id.parse().unwrap(), settings: Settings::default(), keys: vec![key] }
    }

    #[test]
    fn what_is_put_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut app = spec("1", "a");
        app.settings.max_connections = 7;
        Sqlite::open(folder.path()).unwrap().put(&app).unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        assert_eq!(store.apps().unwrap(), [app]);
        assert!(store.delete(&"1".parse().unwrap()).unwrap());
        assert!(!store.delete(&"1".parse().unwrap()).unwrap());
        assert!(store.apps().unwrap().is_empty());
    }

    #[test]
    fn a_key_has_one_app_and_a_refused_put_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        store.put(&spec("1", "a")).unwrap();
        assert!(matches!(store.put(&spec("2", "a")), Err(StoreError::KeyTaken(_))));
        assert_eq!(store.apps().unwrap().len(), 1);
    }

    #[test]
    fn another_process_is_noticed_by_the_version() {
        let folder = tempfile::tempdir().unwrap();
        let here = Sqlite::open(folder.path()).unwrap();
        let before = here.version().unwrap();
        assert_eq!(here.version().unwrap(), before);
        Sqlite::open(folder.path()).unwrap().put(&spec("1", "a")).unwrap();
        assert_ne!(here.version().unwrap(), before);
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Sqlite::open(&file.join("below")).unwrap_err();
        assert!(error.to_string().contains("cannot open the database"), "{error}");
    }
}
