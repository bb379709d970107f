//! The keys of an app.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::{Change, Role};
use bellwire_hub::{App, AppSpec, KeySpec};
use bellwire_protocol::AppKey;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::management::Desk;
use crate::management::auth::{Named, Within};
use crate::management::input::Given;
use crate::management::paths::{AppPath, KeyPath};
use crate::management::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;
use crate::ops::random::new_key;

/// The keys of an app.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// Oldest first: the oldest active one signs webhooks.
    keys: Vec<KeyView>,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppKey)]
pub(crate) struct KeyView {
    /// The key.
    #[schema(example = "278d425bdf160c739803")]
    key: String,
    /// Only active keys are good for anything.
    active: bool,
    /// When it was made, if anybody knows.
    #[schema(required)]
    created_at: Option<Moment>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyCreated {
    #[serde(flatten)]
    key: KeyView,
    /// Its secret.
    secret: String,
}

/// The secret of a key.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeySecret {
    /// The secret.
    secret: String,
}

/// What is to be different about a key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyPatch {
    /// Whether it is good for anything.
    active: bool,
}

impl KeyView {
    fn of(key: &KeySpec) -> Self {
        Self {
            key: key.key.to_string(),
            active: key.active,
            created_at: key.created_at_ms.map(Moment),
        }
    }
}

/// List keys
#[utoipa::path(
    get, path = "/apps/{app_id}/keys", tag = "apps", operation_id = "list_keys", params(AppPath),
    responses((status = 200, description = "The keys", body = KeyList), Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<Json<KeyList>, Problem> {
    desk.ask(move |desk| {
        let app = desk.served(&within.app)?;
        let dates = desk.store.app(&within.app)?.map_or(Vec::new(), |spec| spec.keys);
        Ok(Json(KeyList { keys: served_keys(&app, &dates) }))
    })
    .await
}

/// The keys that are served, with the dates of those that are kept.
fn served_keys(app: &App, kept: &[KeySpec]) -> Vec<KeyView> {
    let view = |key: &bellwire_hub::app::Key| {
        let kept = kept.iter().find(|kept| kept.key == key.key);
        KeyView {
            key: key.key.to_string(),
            active: key.active,
            created_at: kept.and_then(|kept| kept.created_at_ms).map(Moment),
        }
    };
    app.live().keys.iter().map(view).collect()
}

/// Make a key
///
/// Active at once. The answer shows its secret.
#[utoipa::path(
    post, path = "/apps/{app_id}/keys", tag = "apps", operation_id = "create_key", params(AppPath),
    responses((status = 201, description = "It is made", body = KeyCreated), Conflicts, Refusals)
)]
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<(StatusCode, Json<KeyCreated>), Problem> {
    let key = new_key(now_ms()).map_err(|error| Problem::internal(&error))?;
    let created = KeyCreated { key: KeyView::of(&key), secret: key.secret.reveal().to_owned() };
    desk.change_apps(move |desk| {
        let mut spec = desk.changeable(&within.app)?;
        if spec.keys.len() >= KEYS_MAX {
            return Err(Problem::conflict("The app has as many keys as it can: delete one first"));
        }
        let name = key.key.to_string();
        spec.keys.push(key);
        desk.store.put(&spec)?;
        desk.note(&within.did("key.created", &name, Vec::new()));
        Ok(())
    })
    .await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Keys of an app at most.
pub(crate) const KEYS_MAX: usize = 50;

/// Switch a key on or off
///
/// In force at once. An app keeps an active key: make another first.
#[utoipa::path(
    patch, path = "/apps/{app_id}/keys/{id}", tag = "apps", operation_id = "change_key",
    params(KeyPath), request_body = KeyPatch,
    responses(
        (status = 200, description = "As it is now", body = KeyView), BadBody, Conflicts, Refusals
    )
)]
pub(crate) async fn patch(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<AppKey>,
    Given(patch): Given<KeyPatch>,
) -> Result<Json<KeyView>, Problem> {
    let changed = desk.change_apps(move |desk| {
        let mut spec = desk.changeable(&within.app)?;
        let before = key(&mut spec, &id)?.active;
        key(&mut spec, &id)?.active = patch.active;
        keeps_an_active_key(&spec)?;
        desk.store.put(&spec)?;
        let (from, to) = (before.into(), patch.active.into());
        let change = Change { field: "active".into(), from, to };
        desk.note(&within.did("key.changed", id.as_str(), vec![change]));
        Ok(KeyView::of(key(&mut spec, &id)?))
    });
    changed.await.map(Json)
}

/// Delete a key
///
/// For good, in force at once. An app keeps an active key.
#[utoipa::path(
    delete, path = "/apps/{app_id}/keys/{id}", tag = "apps", operation_id = "delete_key",
    params(KeyPath),
    responses((status = 204, description = "It is gone"), Conflicts, Refusals)
)]
pub(crate) async fn remove(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<AppKey>,
) -> Result<StatusCode, Problem> {
    desk.change_apps(move |desk| {
        let mut spec = desk.changeable(&within.app)?;
        key(&mut spec, &id)?;
        spec.keys.retain(|key| key.key != id);
        keeps_an_active_key(&spec)?;
        desk.store.put(&spec)?;
        desk.note(&within.did("key.deleted", id.as_str(), Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reveal the secret of a key
///
/// For developers and owners; who did it is in the audit.
#[utoipa::path(
    post, path = "/apps/{app_id}/keys/{id}/reveal", tag = "apps", operation_id = "reveal_key",
    params(KeyPath),
    responses((status = 200, description = "The secret", body = KeySecret), Conflicts, Refusals)
)]
pub(crate) async fn reveal(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Named(id): Named<AppKey>,
) -> Result<Json<KeySecret>, Problem> {
    within.need(Role::Developer)?;
    let secret = desk.ask(move |desk| {
        let mut spec = desk.changeable(&within.app)?;
        let secret = key(&mut spec, &id)?.secret.reveal().to_owned();
        desk.note(&within.did("key.revealed", id.as_str(), Vec::new()));
        Ok(KeySecret { secret })
    });
    secret.await.map(Json)
}

fn key<'spec>(spec: &'spec mut AppSpec, id: &AppKey) -> Result<&'spec mut KeySpec, Problem> {
    let found = spec.keys.iter_mut().find(|key| key.key == *id);
    found.ok_or_else(|| Problem::not_found("key"))
}

fn keeps_an_active_key(spec: &AppSpec) -> Result<(), Problem> {
    match spec.keys.iter().any(|key| key.active) {
        true => Ok(()),
        false => Err(Problem::conflict("The app would have no active key: make another first")),
    }
}
