//! The tables, made step by step; a step that has landed never changes.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// One step a version, the first leads from an empty file to version 1.
const STEPS: [&str; 5] = [
    // Apps and their keys. Settings are JSON, so that a new toggle needs no step.
    "CREATE TABLE app (
         id TEXT PRIMARY KEY,
         settings TEXT NOT NULL,
         created_at_ms INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE app_key (
         key TEXT PRIMARY KEY,
         app TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,
         secret TEXT NOT NULL,
         active INTEGER NOT NULL,
         created_at_ms INTEGER
     ) STRICT;
     CREATE INDEX app_key_by_app ON app_key (app);",
    // Webhooks and management tokens.
    include_str!("schema/webhooks.sql"),
    // People and accounts.
    include_str!("schema/accounts.sql"),
    // Statistics and errors.
    include_str!("schema/stats.sql"),
    // How the first operator comes.
    include_str!("schema/setup.sql"),
];

/// Brings the file to the newest version, in one transaction.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = STEPS.len() as u32;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for step in &STEPS[found as usize..] {
        transaction.execute_batch(step)?;
    }
    if found < known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_first_version_is_brought_forward_with_what_it_holds() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        connection.execute("INSERT INTO app VALUES ('1', '{}', 5)", []).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM app"), 1);
        assert_eq!(count("SELECT count(*) FROM outbox"), 1);
        assert_eq!(count("PRAGMA user_version"), STEPS.len() as u32);
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    }
}
