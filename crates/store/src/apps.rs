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
        AppSpec::new(id.parse().unwrap(), Settings::default(), vec![key])
    }

    #[test]
    fn what_is_put_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut app = spec("1", "a");
        app.settings.max_connections = 7;
        Sqlite::open(folder.path()).unwrap().put(&app).unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        let found = store.apps().unwrap().remove(0);
        assert!(found.created_at_ms.is_some());
        app.created_at_ms = found.created_at_ms;
        assert_eq!(store.app(&app.id).unwrap(), Some(app.clone()));
        assert_eq!(store.app(&"2".parse().unwrap()).unwrap(), None);
        assert_eq!(found, app);
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
    fn commits_of_the_outbox_are_not_noticed_by_the_version() {
        use bellwire_webhooks::outbox::{Outbox as _, Step, Transaction};

        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        let before = store.version().unwrap();
        let steps = vec![Step::Skip { app: "1".parse().unwrap(), last: 7 }];
        let mut outbox = store.outbox(crate::Durability::Process).unwrap();
        outbox.commit(&Transaction { number: 1, steps }).unwrap();
        assert_eq!(store.version().unwrap(), before);
    }

    #[test]
    fn an_app_takes_its_endpoints_along() {
        use bellwire_webhooks::endpoint::{Endpoint, Origin, Terms};
        use bellwire_webhooks::ledger::Ledger as _;

        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        store.put(&spec("1", "a")).unwrap();
        for (id, app) in [("ep_a", "1"), ("ep_b", "2")] {
            let endpoint = Endpoint {
                id: id.parse().unwrap(),
                app: app.parse().unwrap(),
                terms: Terms::new("https://example.com"),
                origin: Origin::Stored,
                created_at_ms: 1,
                disabled: None,
                failing_since_ms: None,
                secrets: Vec::new(),
            };
            store.put_endpoint(&endpoint).unwrap();
        }
        assert!(!store.delete(&"2".parse().unwrap()).unwrap(), "an app of the config file");
        assert!(store.delete(&"1".parse().unwrap()).unwrap());
        let left = store.endpoints(None).unwrap();
        assert_eq!(left.iter().map(|left| left.id.as_str()).collect::<Vec<&str>>(), ["ep_b"]);
    }

    #[test]
    fn an_app_takes_its_tokens_along() {
        use bellwire_accounts::{AccountStore as _, Scope, Token};

        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        store.put(&spec("1", "a")).unwrap();
        let token = |id: &str, app: Option<&str>| Token {
            id: id.parse().unwrap(),
            name: String::new(),
            account: None,
            app: app.map(|app| app.parse().unwrap()),
            scope: Scope::Write,
            created_by: String::new(),
            created_at_ms: 5,
            last_used_ms: None,
        };
        store.put_token(&token("tok_a", None), &[1; 32]).unwrap();
        store.put_token(&token("tok_b", Some("1")), &[2; 32]).unwrap();
        store.delete(&"1".parse().unwrap()).unwrap();
        assert_eq!(store.tokens(None).unwrap(), [token("tok_a", None)]);
    }

    #[test]
    fn an_app_has_the_plan_of_its_account_and_a_new_plan_is_noticed() {
        use bellwire_accounts::{Account, AccountStore as _};

        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        let account = |max_connections_per_app| Account {
            id: "acc_1".parse().unwrap(),
            name: "Main".into(),
            plan: Plan { max_connections_per_app, ..Plan::default() },
            created_at_ms: 1,
        };
        store.put_account(&account(5)).unwrap();
        store.put(&spec("1", "a")).unwrap();
        assert_eq!(store.apps().unwrap()[0].owner, None);
        assert_eq!(store.adopt_apps(&"acc_1".parse().unwrap()).unwrap(), 1);
        assert_eq!(store.adopt_apps(&"acc_1".parse().unwrap()).unwrap(), 0);
        let app = store.apps().unwrap().remove(0);
        assert_eq!(app.owner.as_ref().unwrap().max_connections_per_app, 5);
        assert!(!store.delete_account(&"acc_1".parse().unwrap()).unwrap(), "it has an app");
        let before = store.version().unwrap();
        store.put_account(&account(9)).unwrap();
        assert_ne!(store.version().unwrap(), before);
        store.put(&app).unwrap();
        assert_eq!(store.apps().unwrap()[0].owner.as_ref().unwrap().max_connections_per_app, 9);
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
