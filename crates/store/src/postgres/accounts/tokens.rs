//! Management tokens. The store knows their hashes, never themselves.

use bellwire_accounts::{AccountId, Digest, Token};
use bellwire_protocol::AppId;

use crate::StoreError;
use crate::postgres::rows::{clean, number, number_if_any, owned, text};
use crate::postgres::session::{Params, Session};
use crate::rows::{int, parse};

pub(super) fn put(session: &mut Session, token: &Token, digest: &Digest) -> Result<(), StoreError> {
    session.run(
        "INSERT INTO token
             (id, name, hash, account, app, scope, created_by, created_at_ms, last_used_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            &token.id.as_str(),
            &clean(&token.name),
            &&digest[..],
            &token.account.as_ref().map(AccountId::as_str),
            &token.app.as_ref().map(AppId::as_str),
            &token.scope.name(),
            &clean(&token.created_by),
            &int(token.created_at_ms),
            &token.last_used_ms.map(int),
        ],
    )?;
    Ok(())
}

pub(super) fn find(
    session: &mut Session,
    which: &str,
    params: Params<'_>,
) -> Result<Vec<Token>, StoreError> {
    let sql = format!(
        "SELECT id, name, account, app, scope, created_by, created_at_ms, last_used_ms
         FROM token WHERE {which} ORDER BY created_at_ms, id"
    );
    session.collect(&sql, params, |row| {
        let account: Option<&str> = row.try_get(2)?;
        let app: Option<&str> = row.try_get(3)?;
        Ok(Token {
            id: parse("token", text(row, 0)?)?,
            name: owned(row, 1)?,
            account: account.map(|account| parse("token", account)).transpose()?,
            app: app.map(|app| parse("token", app)).transpose()?,
            scope: parse("token", text(row, 4)?)?,
            created_by: owned(row, 5)?,
            created_at_ms: number(row, 6)?,
            last_used_ms: number_if_any(row, 7)?,
        })
    })
}
