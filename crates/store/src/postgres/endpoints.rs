//! Endpoints and their secrets, as in [`crate::endpoints`].

use std::collections::HashMap;

use ::postgres::Row;
use bellwire_protocol::AppId;
use bellwire_webhooks::endpoint::{Disabled, Endpoint, SigningSecret, Terms};
use bellwire_webhooks::ids::EndpointId;

use super::rows::{number, number_if_any, owned, text};
use super::session::{Params, Session};
use super::{Postgres, batches};
use crate::StoreError;
use crate::endpoints::{PAUSE, json, origin, origin_name, terms};
use crate::rows::{int, parse};

/// The columns of [`endpoint`].
const ENDPOINT: &str = "id, app, terms, origin, created_at_ms, disabled_reason, disabled_at_ms, \
    failing_since_ms";

/// The endpoints of an app, or of all, oldest first.
pub(super) fn all(session: &mut Session, app: Option<&AppId>) -> Result<Vec<Endpoint>, StoreError> {
    let which = "$1::text IS NULL OR app = $1";
    find(session, which, &[&app.map(AppId::as_str)])
}

/// One endpoint.
pub(super) fn one(session: &mut Session, id: &EndpointId) -> Result<Option<Endpoint>, StoreError> {
    Ok(find(session, "id = $1", &[&id.as_str()])?.pop())
}

/// Whether there is such an endpoint.
pub(super) fn is_there(session: &mut Session, id: &EndpointId) -> Result<bool, StoreError> {
    session.exists("SELECT 1 FROM endpoint WHERE id = $1", &[&id.as_str()])
}

/// Writes an endpoint down, with its secrets if it is new.
pub(super) fn put(session: &mut Session, endpoint: &Endpoint) -> Result<(), StoreError> {
    let is_new = !is_there(session, &endpoint.id)?;
    session.run(
        "INSERT INTO endpoint (id, app, terms, origin, created_at_ms, disabled_reason,
             disabled_at_ms, failing_since_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET app = excluded.app, terms = excluded.terms,
             origin = excluded.origin, created_at_ms = excluded.created_at_ms,
             disabled_reason = excluded.disabled_reason,
             disabled_at_ms = excluded.disabled_at_ms,
             failing_since_ms = excluded.failing_since_ms",
        &[
            &endpoint.id.as_str(),
            &endpoint.app.as_str(),
            &json(&endpoint.terms)?,
            &origin_name(endpoint.origin),
            &int(endpoint.created_at_ms),
            &endpoint.disabled.as_ref().map(|disabled| &disabled.reason),
            &endpoint.disabled.as_ref().map(|disabled| int(disabled.at_ms)),
            &endpoint.failing_since_ms.map(int),
        ],
    )?;
    let mut secrets = endpoint.secrets.iter().filter(|_| is_new);
    secrets.try_for_each(|secret| put_secret(session, &endpoint.id, secret))
}

/// Changes the terms; whether the endpoint is there.
pub(super) fn set_terms(
    session: &mut Session,
    id: &EndpointId,
    terms: &Terms,
) -> Result<bool, StoreError> {
    let sql = "UPDATE endpoint SET terms = $2 WHERE id = $1";
    Ok(session.run(sql, &[&id.as_str(), &json(terms)?])? > 0)
}

/// Enables or disables; whether the endpoint is there. Who is enabled begins without a past of
/// failure, and who is disabled already keeps the reason.
pub(super) fn set_enabled(
    session: &mut Session,
    id: &EndpointId,
    on: bool,
    now_ms: u64,
) -> Result<bool, StoreError> {
    if on {
        let sql = "UPDATE endpoint SET disabled_reason = NULL, disabled_at_ms = NULL,
                 failing_since_ms = NULL
             WHERE id = $1";
        return Ok(session.run(sql, &[&id.as_str()])? > 0);
    }
    let sql = "UPDATE endpoint SET disabled_at_ms = COALESCE(disabled_at_ms, $2),
             disabled_reason = COALESCE(disabled_reason, 'manual')
         WHERE id = $1";
    Ok(session.run(sql, &[&id.as_str(), &int(now_ms)])? > 0)
}

/// Gives an endpoint a new secret; whether the endpoint is there. Secrets that sign no more by then
/// go.
pub(super) fn rotate(
    session: &mut Session,
    id: &EndpointId,
    secret: &SigningSecret,
    overlap_until_ms: u64,
) -> Result<bool, StoreError> {
    if !is_there(session, id)? {
        return Ok(false);
    }
    session.run(
        "DELETE FROM endpoint_secret WHERE endpoint = $1 AND expires_at_ms <= $2",
        &[&id.as_str(), &int(secret.created_at_ms)],
    )?;
    session.run(
        "UPDATE endpoint_secret SET expires_at_ms = $2
         WHERE endpoint = $1 AND COALESCE(expires_at_ms, $2) >= $2",
        &[&id.as_str(), &int(overlap_until_ms)],
    )?;
    put_secret(session, id, secret)?;
    Ok(true)
}

/// Removes an endpoint with its history, a part at a time, so that the outbox waits for none of them
/// long; whether it was there. Nothing is cut for it meanwhile: each part locks the outbox.
pub(super) fn remove(store: &Postgres, id: &EndpointId) -> Result<bool, StoreError> {
    loop {
        let done = store.write(|session| {
            session.run("SELECT 1 FROM outbox FOR UPDATE", &[])?;
            if batches::remove_of(session, id, batches::PART)? >= batches::PART {
                return Ok(None);
            }
            for table in ["endpoint_secret", "behind", "lane", "lost", "replay"] {
                let sql = format!("DELETE FROM {table} WHERE endpoint = $1");
                session.run(&sql, &[&id.as_str()])?;
            }
            let sql = "DELETE FROM endpoint WHERE id = $1";
            Ok(Some(session.run(sql, &[&id.as_str()])? > 0))
        })?;
        match done {
            Some(was_there) => return Ok(was_there),
            None => std::thread::sleep(PAUSE),
        }
    }
}

fn put_secret(
    session: &mut Session,
    id: &EndpointId,
    secret: &SigningSecret,
) -> Result<(), StoreError> {
    session.run(
        "INSERT INTO endpoint_secret (endpoint, text, created_at_ms, expires_at_ms)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (endpoint, text) DO UPDATE SET created_at_ms = excluded.created_at_ms,
             expires_at_ms = excluded.expires_at_ms",
        &[&id.as_str(), &secret.text, &int(secret.created_at_ms), &secret.expires_at_ms.map(int)],
    )?;
    Ok(())
}

fn find(
    session: &mut Session,
    which: &str,
    params: Params<'_>,
) -> Result<Vec<Endpoint>, StoreError> {
    let sql = format!("SELECT {ENDPOINT} FROM endpoint WHERE {which} ORDER BY created_at_ms, id");
    let mut found = session.collect(&sql, params, endpoint)?;
    let mut secrets = secrets(session, &found)?;
    for endpoint in &mut found {
        endpoint.secrets = secrets.remove(endpoint.id.as_str()).unwrap_or_default();
    }
    Ok(found)
}

/// An endpoint without its secrets.
fn endpoint(row: &Row) -> Result<Endpoint, StoreError> {
    let reason: Option<String> = row.try_get(5)?;
    let at_ms = number_if_any(row, 6)?.unwrap_or(0);
    let id: EndpointId = parse("endpoint", text(row, 0)?)?;
    Ok(Endpoint {
        app: parse("endpoint", text(row, 1)?)?,
        terms: terms(&id, text(row, 2)?)?,
        origin: origin(text(row, 3)?)?,
        created_at_ms: number(row, 4)?,
        disabled: reason.map(|reason| Disabled { reason, at_ms }),
        failing_since_ms: number_if_any(row, 7)?,
        secrets: Vec::new(),
        id,
    })
}

/// The secrets of these, the newest first.
fn secrets(
    session: &mut Session,
    of: &[Endpoint],
) -> Result<HashMap<String, Vec<SigningSecret>>, StoreError> {
    let ids: Vec<&str> = of.iter().map(|endpoint| endpoint.id.as_str()).collect();
    let sql = "SELECT endpoint, text, created_at_ms, expires_at_ms FROM endpoint_secret
         WHERE endpoint = ANY($1)
         ORDER BY endpoint, expires_at_ms IS NULL DESC, created_at_ms DESC, text";
    let mut secrets: HashMap<String, Vec<SigningSecret>> = HashMap::new();
    for row in &session.rows(sql, &[&ids])? {
        secrets.entry(owned(row, 0)?).or_default().push(SigningSecret {
            text: owned(row, 1)?,
            created_at_ms: number(row, 2)?,
            expires_at_ms: number_if_any(row, 3)?,
        });
    }
    Ok(secrets)
}
