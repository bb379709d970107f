//! The tables, made step by step; a step that has landed never changes.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// One step a version, the first leads from an empty file to version 1.
const STEPS: [&str; 1] = [
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
