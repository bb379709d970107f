//! Who did what.

use ::postgres::Row;
use bellwire_accounts::{AccountId, Actor, AuditFilter, Entry};
use bellwire_protocol::AppId;

use crate::StoreError;
use crate::accounts::audit::{actor, changes, changes_text};
use crate::postgres::rows::{clean, number, owned, text};
use crate::postgres::search::Search;
use crate::postgres::session::Session;
use crate::rows::{int, parse};

pub(super) fn record(session: &mut Session, entry: &Entry) -> Result<(), StoreError> {
    session.run(
        "INSERT INTO audit (at_ms, account, app, actor_kind, actor_id, actor_name, address, action,
             target, changes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &int(entry.at_ms),
            &entry.account.as_ref().map(AccountId::as_str),
            &entry.app.as_ref().map(AppId::as_str),
            &entry.actor.kind.name(),
            &entry.actor.id,
            &clean(&entry.actor.name),
            &entry.actor.address,
            &entry.action,
            &clean(&entry.target),
            &changes_text(entry)?,
        ],
    )?;
    Ok(())
}

pub(super) fn find(session: &mut Session, filter: &AuditFilter) -> Result<Vec<Entry>, StoreError> {
    let mut search = Search::new();
    search.and_if("account = $", filter.account.as_ref().map(ToString::to_string));
    search.and_if("app = $", filter.app.as_ref().map(ToString::to_string));
    search.and_if("actor_id = $", filter.actor.as_deref().map(owned_clean));
    let action = "(action = $ OR starts_with(action, $ || '.'))";
    search.and_if(action, filter.action.as_deref().map(owned_clean));
    search.and_if("at_ms >= $", filter.from_ms.map(int));
    search.and_if("at_ms <= $", filter.to_ms.map(int));
    search.and_if("id < $", filter.before.map(int));
    let limit = search.value(i64::from(filter.limit));
    let sql = format!(
        "SELECT id, at_ms, account, app, actor_kind, actor_id, actor_name, address, action,
             target, changes FROM audit WHERE {} ORDER BY id DESC LIMIT {limit}",
        search.terms()
    );
    session.collect(&sql, &search.values(), entry)
}

fn owned_clean(text: &str) -> String {
    clean(text).into_owned()
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let account: Option<&str> = row.try_get(2)?;
    let app: Option<&str> = row.try_get(3)?;
    Ok(Entry {
        id: number(row, 0)?,
        at_ms: number(row, 1)?,
        account: account.map(|account| parse("audit", account)).transpose()?,
        app: app.map(|app| parse("audit", app)).transpose()?,
        actor: Actor {
            kind: actor(text(row, 4)?)?,
            id: owned(row, 5)?,
            name: owned(row, 6)?,
            address: row.try_get(7)?,
        },
        action: owned(row, 8)?,
        target: owned(row, 9)?,
        changes: changes(text(row, 10)?)?,
    })
}
