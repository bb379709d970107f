//! Management tokens. The store knows their hashes, never themselves.

use bellwire_protocol::AppId;
use rusqlite::{Connection, Params, params};

use crate::rows::{collect, int, number, number_if_any, parse, run};
use crate::{Sqlite, StoreError};

/// A token as people see it after it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name for the machine.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The only app it is good for; none: all, and everything else.
    pub app: Option<AppId>,
    /// When it was made, in milliseconds since the epoch.
    pub created_at_ms: u64,
    /// When it was last used, to the minute.
    pub last_used_ms: Option<u64>,
}

/// How much later a use must be to be written down.
const USED_EVERY_MS: u64 = 60_000;

impl Sqlite {
    /// Writes a token down, new or in place of the one with its id. `hash` is its SHA-256.
    ///
    /// # Errors
    /// When the store cannot be written, or another token has the hash.
    pub fn put_token(&self, token: &Token, hash: &[u8; 32]) -> Result<(), StoreError> {
        self.write(|connection| {
            run(
                connection,
                "INSERT INTO token (id, name, hash, app, created_at_ms, last_used_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash,
                     app = excluded.app, created_at_ms = excluded.created_at_ms,
                     last_used_ms = excluded.last_used_ms",
                params![
                    token.id,
                    token.name,
                    hash,
                    token.app.as_ref().map(AppId::as_str),
                    int(token.created_at_ms),
                    token.last_used_ms.map(int),
                ],
            )?;
            Ok(())
        })
    }

    /// Every token, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read(|connection| find(connection, "TRUE", []))
    }

    /// The token with a SHA-256.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        let found = self.read(|connection| find(connection, "hash = ?1", [hash]))?;
        Ok(found.into_iter().next())
    }

    /// Notes that a token, as it was found, is used. Most uses write nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn token_used(&self, token: &Token, now_ms: u64) -> Result<(), StoreError> {
        if token.last_used_ms.is_some_and(|last_ms| now_ms < last_ms + USED_EVERY_MS) {
            return Ok(());
        }
        let sql = "UPDATE token SET last_used_ms = ?2 WHERE id = ?1";
        self.write(|connection| run(connection, sql, params![token.id, int(now_ms)]))?;
        Ok(())
    }

    /// Revokes a token; whether it was there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn revoke_token(&self, id: &str) -> Result<bool, StoreError> {
        self.write(|connection| Ok(run(connection, "DELETE FROM token WHERE id = ?1", [id])? > 0))
    }
}

fn find(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<Token>, StoreError> {
    let sql = format!(
        "SELECT id, name, app, created_at_ms, last_used_ms FROM token WHERE {which}
         ORDER BY created_at_ms, id"
    );
    collect(connection, &sql, params, |row| {
        let app: Option<String> = row.get(2)?;
        Ok(Token {
            id: row.get(0)?,
            name: row.get(1)?,
            app: app.map(|app| parse("token", &app)).transpose()?,
            created_at_ms: number(row, 3)?,
            last_used_ms: number_if_any(row, 4)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: &str, app: Option<&str>) -> Token {
        Token {
            id: id.into(),
            name: "for the build".into(),
            app: app.map(|app| app.parse().unwrap()),
            created_at_ms: 5,
            last_used_ms: None,
        }
    }

    #[test]
    fn a_token_is_found_by_its_hash_until_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        let (all, one) = (token("a", None), token("b", Some("1")));
        store.put_token(&all, &[1; 32]).unwrap();
        store.put_token(&one, &[2; 32]).unwrap();
        assert_eq!(store.tokens().unwrap(), [all, one.clone()]);
        assert_eq!(store.token_by_hash(&[2; 32]).unwrap(), Some(one));
        assert_eq!(store.token_by_hash(&[3; 32]).unwrap(), None);
        assert!(store.revoke_token("b").unwrap());
        assert!(!store.revoke_token("b").unwrap());
        assert_eq!(store.token_by_hash(&[2; 32]).unwrap(), None);
    }

    #[test]
    fn two_tokens_cannot_have_one_hash() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        store.put_token(&token("a", None), &[1; 32]).unwrap();
        assert!(store.put_token(&token("b", None), &[1; 32]).is_err());
        assert_eq!(store.tokens().unwrap().len(), 1);
    }

    #[test]
    fn a_use_is_written_down_once_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        store.put_token(&token("a", None), &[1; 32]).unwrap();
        let used = |now_ms| {
            let found = store.token_by_hash(&[1; 32]).unwrap().unwrap();
            store.token_used(&found, now_ms).unwrap();
            store.token_by_hash(&[1; 32]).unwrap().unwrap().last_used_ms
        };
        assert_eq!(used(1_000), Some(1_000));
        assert_eq!(used(60_999), Some(1_000));
        assert_eq!(used(61_000), Some(61_000));
    }

    #[test]
    fn tokens_of_an_app_go_with_it() {
        use bellwire_hub::{AppSpec, AppStore as _, Settings};

        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        let id: AppId = "1".parse().unwrap();
        let app = AppSpec { id: id.clone(), settings: Settings::default(), keys: Vec::new() };
        store.put(&app).unwrap();
        store.put_token(&token("a", None), &[1; 32]).unwrap();
        store.put_token(&token("b", Some("1")), &[2; 32]).unwrap();
        store.delete(&id).unwrap();
        assert_eq!(store.tokens().unwrap(), [token("a", None)]);
    }
}
