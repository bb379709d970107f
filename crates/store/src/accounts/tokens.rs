//! Management tokens. The store knows their hashes, never themselves.

use bellwire_accounts::{AccountId, Digest, Token};
use bellwire_protocol::AppId;
use rusqlite::{Connection, Params, params};

use crate::StoreError;
use crate::rows::{collect, int, number, number_if_any, parse, run, text};

/// How much later a use must be to be written down.
const USED_EVERY_MS: u64 = 60_000;

pub(crate) fn is_due(token: &Token, now_ms: u64) -> bool {
    token.last_used_ms.is_none_or(|last_ms| now_ms >= last_ms + USED_EVERY_MS)
}

pub(super) fn put(
    connection: &Connection,
    token: &Token,
    digest: &Digest,
) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO token
             (id, name, hash, account, app, scope, created_by, created_at_ms, last_used_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            token.id.as_str(),
            token.name,
            digest,
            token.account.as_ref().map(AccountId::as_str),
            token.app.as_ref().map(AppId::as_str),
            token.scope.name(),
            token.created_by,
            int(token.created_at_ms),
            token.last_used_ms.map(int),
        ],
    )?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<Token>, StoreError> {
    let sql = format!(
        "SELECT id, name, account, app, scope, created_by, created_at_ms, last_used_ms
         FROM token WHERE {which} ORDER BY created_at_ms, id"
    );
    collect(connection, &sql, params, |row| {
        let account: Option<String> = row.get(2)?;
        let app: Option<String> = row.get(3)?;
        Ok(Token {
            id: parse("token", text(row, 0)?)?,
            name: row.get(1)?,
            account: account.map(|account| parse("token", &account)).transpose()?,
            app: app.map(|app| parse("token", &app)).transpose()?,
            scope: parse("token", text(row, 4)?)?,
            created_by: row.get(5)?,
            created_at_ms: number(row, 6)?,
            last_used_ms: number_if_any(row, 7)?,
        })
    })
}
