//! Endpoints and their secrets.

use std::time::Duration;

use bellwire_protocol::AppId;
use bellwire_webhooks::endpoint::{Disabled, Endpoint, Origin, SigningSecret, Terms};
use bellwire_webhooks::ids::EndpointId;
use rusqlite::{Connection, Row, params};

use crate::rows::{collect, int, number, number_if_any, parse, run, text};
use crate::{Sqlite, StoreError, batches};

/// The columns of [`endpoint`].
const ENDPOINT: &str = "id, app, terms, origin, created_at_ms, disabled_reason, disabled_at_ms, \
    failing_since_ms";
/// How long the removal of a long history lets others write after each part.
pub(crate) const PAUSE: Duration = Duration::from_millis(5);

/// The endpoints of an app, or of all, oldest first.
pub(crate) fn all(
    connection: &Connection,
    app: Option<&AppId>,
) -> Result<Vec<Endpoint>, StoreError> {
    let sql = format!(
        "SELECT {ENDPOINT} FROM endpoint WHERE ?1 IS NULL OR app = ?1
         ORDER BY created_at_ms, id"
    );
    collect(connection, &sql, [app.map(AppId::as_str)], |row| endpoint(connection, row))
}

/// One endpoint.
pub(crate) fn one(
    connection: &Connection,
    id: &EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    let sql = format!("SELECT {ENDPOINT} FROM endpoint WHERE id = ?1");
    let found = collect(connection, &sql, [id.as_str()], |row| endpoint(connection, row))?;
    Ok(found.into_iter().next())
}

/// Whether there is such an endpoint.
pub(crate) fn is_there(connection: &Connection, id: &EndpointId) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM endpoint WHERE id = ?1")?;
    Ok(statement.exists([id.as_str()])?)
}

/// Writes an endpoint down, with its secrets if it is new.
pub(crate) fn put(connection: &Connection, endpoint: &Endpoint) -> Result<(), StoreError> {
    let is_new = !is_there(connection, &endpoint.id)?;
    run(
        connection,
        "INSERT INTO endpoint (id, app, terms, origin, created_at_ms, disabled_reason,
             disabled_at_ms, failing_since_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET app = excluded.app, terms = excluded.terms,
             origin = excluded.origin, created_at_ms = excluded.created_at_ms,
             disabled_reason = excluded.disabled_reason,
             disabled_at_ms = excluded.disabled_at_ms,
             failing_since_ms = excluded.failing_since_ms",
        params![
            endpoint.id.as_str(),
            endpoint.app.as_str(),
            json(&endpoint.terms)?,
            origin_name(endpoint.origin),
            int(endpoint.created_at_ms),
            endpoint.disabled.as_ref().map(|disabled| &disabled.reason),
            endpoint.disabled.as_ref().map(|disabled| int(disabled.at_ms)),
            endpoint.failing_since_ms.map(int),
        ],
    )?;
    for secret in endpoint.secrets.iter().filter(|_| is_new) {
        put_secret(connection, &endpoint.id, secret)?;
    }
    Ok(())
}

/// Changes the terms; whether the endpoint is there.
pub(crate) fn set_terms(
    connection: &Connection,
    id: &EndpointId,
    terms: &Terms,
) -> Result<bool, StoreError> {
    let sql = "UPDATE endpoint SET terms = ?2 WHERE id = ?1";
    Ok(run(connection, sql, params![id.as_str(), json(terms)?])? > 0)
}

/// Enables or disables; whether the endpoint is there. Who is enabled begins without a past of
/// failure, and who is disabled already keeps the reason.
pub(crate) fn set_enabled(
    connection: &Connection,
    id: &EndpointId,
    on: bool,
    now_ms: u64,
) -> Result<bool, StoreError> {
    if on {
        let sql = "UPDATE endpoint SET disabled_reason = NULL, disabled_at_ms = NULL,
                 failing_since_ms = NULL
             WHERE id = ?1";
        return Ok(run(connection, sql, [id.as_str()])? > 0);
    }
    let sql = "UPDATE endpoint SET disabled_at_ms = COALESCE(disabled_at_ms, ?2),
             disabled_reason = COALESCE(disabled_reason, 'manual')
         WHERE id = ?1";
    Ok(run(connection, sql, params![id.as_str(), int(now_ms)])? > 0)
}

/// Gives an endpoint a new secret; whether the endpoint is there. Secrets that sign no more by then
/// go.
pub(crate) fn rotate(
    connection: &Connection,
    id: &EndpointId,
    secret: &SigningSecret,
    overlap_until_ms: u64,
) -> Result<bool, StoreError> {
    if !is_there(connection, id)? {
        return Ok(false);
    }
    run(
        connection,
        "DELETE FROM endpoint_secret WHERE endpoint = ?1 AND expires_at_ms <= ?2",
        params![id.as_str(), int(secret.created_at_ms)],
    )?;
    run(
        connection,
        "UPDATE endpoint_secret SET expires_at_ms = ?2
         WHERE endpoint = ?1 AND COALESCE(expires_at_ms, ?2) >= ?2",
        params![id.as_str(), int(overlap_until_ms)],
    )?;
    put_secret(connection, id, secret)?;
    Ok(true)
}

/// Removes an endpoint with its history, a part at a time, so that the outbox waits for none of them
/// long; whether it was there. What is cut for it meanwhile goes too, with the last part.
pub(crate) fn remove(store: &Sqlite, id: &EndpointId) -> Result<bool, StoreError> {
    loop {
        let done = store.write(|connection| {
            if batches::remove_of(connection, id, batches::PART)? >= batches::PART {
                return Ok(None);
            }
            for table in ["endpoint_secret", "behind", "lane", "lost", "replay"] {
                run(
                    connection,
                    &format!("DELETE FROM {table} WHERE endpoint = ?1"),
                    [id.as_str()],
                )?;
            }
            Ok(Some(run(connection, "DELETE FROM endpoint WHERE id = ?1", [id.as_str()])? > 0))
        })?;
        match done {
            Some(was_there) => return Ok(was_there),
            None => std::thread::sleep(PAUSE),
        }
    }
}

fn put_secret(
    connection: &Connection,
    id: &EndpointId,
    secret: &SigningSecret,
) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO endpoint_secret (endpoint, text, created_at_ms, expires_at_ms)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (endpoint, text) DO UPDATE SET created_at_ms = excluded.created_at_ms,
             expires_at_ms = excluded.expires_at_ms",
        params![id.as_str(), secret.text, int(secret.created_at_ms), secret.expires_at_ms.map(int)],
    )?;
    Ok(())
}

fn endpoint(connection: &Connection, row: &Row<'_>) -> Result<Endpoint, StoreError> {
    let reason: Option<String> = row.get(5)?;
    let at_ms = number_if_any(row, 6)?.unwrap_or(0);
    let id: EndpointId = parse("endpoint", text(row, 0)?)?;
    Ok(Endpoint {
        app: parse("endpoint", text(row, 1)?)?,
        terms: terms(&id, text(row, 2)?)?,
        origin: origin(text(row, 3)?)?,
        created_at_ms: number(row, 4)?,
        disabled: reason.map(|reason| Disabled { reason, at_ms }),
        failing_since_ms: number_if_any(row, 7)?,
        secrets: secrets(connection, &id)?,
        id,
    })
}

/// Newest first.
fn secrets(connection: &Connection, id: &EndpointId) -> Result<Vec<SigningSecret>, StoreError> {
    let sql = "SELECT text, created_at_ms, expires_at_ms FROM endpoint_secret WHERE endpoint = ?1
         ORDER BY expires_at_ms IS NULL DESC, created_at_ms DESC, text";
    collect(connection, sql, [id.as_str()], |row| {
        Ok(SigningSecret {
            text: row.get(0)?,
            created_at_ms: number(row, 1)?,
            expires_at_ms: number_if_any(row, 2)?,
        })
    })
}

pub(crate) fn json(terms: &Terms) -> Result<String, StoreError> {
    serde_json::to_string(terms)
        .map_err(|error| StoreError::Row { table: "endpoint", why: error.to_string() })
}

/// The terms of an endpoint.
pub(crate) fn terms(id: &EndpointId, text: &str) -> Result<Terms, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(id, &error))
}

fn unreadable(id: &EndpointId, error: &serde_json::Error) -> StoreError {
    StoreError::Row { table: "endpoint", why: format!("{id}: {error}") }
}

pub(crate) fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::File => "file",
        Origin::Stored => "stored",
    }
}

pub(crate) fn origin(name: &str) -> Result<Origin, StoreError> {
    let known =
        [Origin::File, Origin::Stored].into_iter().find(|known| origin_name(*known) == name);
    known.ok_or_else(|| StoreError::Row { table: "endpoint", why: format!("{name} is no origin") })
}
