//! Who did what.

use bellwire_accounts::{AccountId, Actor, ActorKind, AuditFilter, Change, Entry};
use bellwire_protocol::AppId;
use rusqlite::{Connection, Row, params};

use crate::StoreError;
use crate::rows::{collect, int, number, parse, run, text};

pub(super) fn record(connection: &Connection, entry: &Entry) -> Result<(), StoreError> {
    let changes = changes_text(entry)?;
    run(
        connection,
        "INSERT INTO audit (at_ms, account, app, actor_kind, actor_id, actor_name, address, action,
             target, changes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            int(entry.at_ms),
            entry.account.as_ref().map(AccountId::as_str),
            entry.app.as_ref().map(AppId::as_str),
            entry.actor.kind.name(),
            entry.actor.id,
            entry.actor.name,
            entry.actor.address,
            entry.action,
            entry.target,
            changes,
        ],
    )?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    filter: &AuditFilter,
) -> Result<Vec<Entry>, StoreError> {
    // One or the other, so that an account's own index is used.
    let of = if filter.account.is_some() { "account = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT id, at_ms, account, app, actor_kind, actor_id, actor_name, address, action,
             target, changes FROM audit
         WHERE {of} AND (?2 IS NULL OR app = ?2)
             AND (?3 IS NULL OR actor_id = ?3)
             AND (?4 IS NULL OR action = ?4 OR substr(action, 1, length(?4) + 1) = ?4 || '.')
             AND (?5 IS NULL OR at_ms >= ?5) AND (?6 IS NULL OR at_ms <= ?6)
             AND (?7 IS NULL OR id < ?7)
         ORDER BY id DESC LIMIT ?8"
    );
    let which = params![
        filter.account.as_ref().map(AccountId::as_str),
        filter.app.as_ref().map(AppId::as_str),
        filter.actor,
        filter.action,
        filter.from_ms.map(int),
        filter.to_ms.map(int),
        filter.before.map(int),
        filter.limit,
    ];
    collect(connection, &sql, which, entry)
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let account: Option<String> = row.get(2)?;
    let app: Option<String> = row.get(3)?;
    Ok(Entry {
        id: number(row, 0)?,
        at_ms: number(row, 1)?,
        account: account.map(|account| parse("audit", &account)).transpose()?,
        app: app.map(|app| parse("audit", &app)).transpose()?,
        actor: Actor {
            kind: actor(text(row, 4)?)?,
            id: row.get(5)?,
            name: row.get(6)?,
            address: row.get(7)?,
        },
        action: row.get(8)?,
        target: row.get(9)?,
        changes: changes(text(row, 10)?)?,
    })
}

/// What changed, as it is to be kept.
pub(crate) fn changes_text(entry: &Entry) -> Result<String, StoreError> {
    serde_json::to_string(&entry.changes).map_err(|error| unreadable(error.to_string()))
}

/// What changed, as it is kept.
pub(crate) fn changes(json: &str) -> Result<Vec<Change>, StoreError> {
    serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))
}

/// The kind of who did it.
pub(crate) fn actor(name: &str) -> Result<ActorKind, StoreError> {
    ActorKind::named(name).ok_or_else(|| unreadable(format!("no actor is {name}")))
}

fn unreadable(why: String) -> StoreError {
    StoreError::Row { table: "audit", why }
}
