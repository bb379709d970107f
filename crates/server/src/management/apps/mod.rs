//! Apps: listing, making, changing and deleting them, and their keys.

mod keys;
mod list;
mod view;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::{Account, AccountId, Role, changes};
use bellwire_hub::{App, AppSpec, Settings};
use bellwire_protocol::AppId;
use bellwire_store::owner_of;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[cfg(test)]
pub(crate) use keys::KEYS_MAX;

use super::Desk;
use super::auth::{Access, Within};
use super::input::{self, Given};
use super::paths::AppPath;
use super::people::name;
use super::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::ops::clock::now_ms;
use crate::ops::random::{free_app_id, new_key};
use view::{AppCreated, AppView, SettingsView};

/// The paths of apps.
pub(super) fn paths() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create))
        .routes(routes!(show, patch, remove))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::patch, keys::remove))
        .routes(routes!(keys::reveal))
}

/// Why an app of the config file cannot be changed.
const READ_ONLY: &str = "The config file declares this app: change it there";

/// An app to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApp {
    /// The account that it will belong to.
    #[schema(example = "acc_0123456789abcdef")]
    account_id: String,
    /// What people call it.
    #[schema(example = "Chat")]
    name: String,
    /// A label that is shown; nothing depends on it.
    #[serde(default)]
    #[schema(example = "eu")]
    cluster: String,
    /// Toggles and limits that differ from the usual ones.
    #[serde(default)]
    #[schema(value_type = Option<SettingsView>)]
    settings: Value,
}

/// Make an app
///
/// With a first key. The answer shows its secret; later it has to be asked for.
#[utoipa::path(
    post, path = "/apps", tag = "apps", operation_id = "create_app", request_body = NewApp,
    responses((status = 201, description = "It is made", body = AppCreated), BadBody, Refusals)
)]
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    access: Access,
    Given(given): Given<NewApp>,
) -> Result<(StatusCode, Json<AppCreated>), Problem> {
    let none = || Problem::invalid("account_id", "there is no such account");
    let role = access.role_in(Some(&given.account_id)).ok_or_else(none)?;
    let id: AccountId = given.account_id.parse().map_err(|_| none())?;
    super::auth::need(role, Role::Developer)?;
    let settings = with_settings(Settings::default(), given.settings)?;
    let settings = Settings { name: name(&given.name)?, cluster: given.cluster, ..settings };
    check(&settings)?;
    let made = desk.change_apps(move |desk| {
        let account = desk.store.account(&id)?.ok_or_else(none)?;
        desk.check_plan(&account)?;
        let spec = desk.made(settings, &account)?;
        desk.store.put(&spec)?;
        let told = changes(&Value::Null, &told(&spec.settings), &[]);
        let entry = access.did("app.created", &spec.settings.name, told);
        let (account, app) = (Some(account.id), Some(spec.id.clone()));
        desk.note(&bellwire_accounts::Entry { account, app, ..entry });
        Ok(spec)
    });
    let spec = made.await?;
    let app = desk.apps.by_id(spec.id.as_str()).ok_or_else(|| Problem::not_found("app"))?;
    let secret = spec.keys.first().map(|key| key.secret.reveal().to_owned()).unwrap_or_default();
    let app = AppView::of(&app, role, desk.channels_of(&app), spec.created_at_ms);
    Ok((StatusCode::CREATED, Json(AppCreated { app, secret })))
}

/// The settings with these changes.
fn with_settings(base: Settings, given: Value) -> Result<Settings, Problem> {
    let given = if given.is_null() { json!({}) } else { given };
    let view =
        serde_json::to_value(SettingsView::of(&base)).map_err(|error| Problem::internal(&error))?;
    let merged = input::merged(view, given).map_err(|problem| problem.within("settings"))?;
    let view: SettingsView = input::read(merged).map_err(|problem| problem.within("settings"))?;
    Ok(view.onto(base))
}

fn check(settings: &Settings) -> Result<(), Problem> {
    if settings.cluster.len() > CLUSTER_BYTES || settings.cluster.chars().any(char::is_control) {
        let expected = format!("expected at most {CLUSTER_BYTES} bytes that can be shown");
        return Err(Problem::invalid("cluster", &expected));
    }
    settings.check().map_err(|sentence| match sentence.split_once(" = ") {
        Some((field, rest)) => Problem::invalid(&format!("settings.{field}"), rest),
        None => Problem::said(&sentence),
    })
}

/// Bytes of a cluster's label.
const CLUSTER_BYTES: usize = 40;

/// Settings as their changes are told.
fn told(settings: &Settings) -> Value {
    json!({
        "name": settings.name,
        "enabled": settings.enabled,
        "cluster": settings.cluster,
        "settings": SettingsView::of(settings),
    })
}

/// Show an app
#[utoipa::path(
    get, path = "/apps/{app_id}", tag = "apps", operation_id = "show_app", params(AppPath),
    responses((status = 200, description = "The app", body = AppView), Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<Json<AppView>, Problem> {
    desk.ask(move |desk| {
        let app = desk.served(&within.app)?;
        let created_at_ms = desk.store.app(&within.app)?.and_then(|spec| spec.created_at_ms);
        Ok(Json(AppView::of(&app, within.role, desk.channels_of(&app), created_at_ms)))
    })
    .await
}

/// A change of an app: a JSON merge patch (RFC 7396). What is not named stays as it is, `null` gives
/// the default.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description is made of it; a change is merged, not read")]
pub(super) struct AppPatch {
    /// What people call it.
    #[schema(nullable = false)]
    name: Option<String>,
    /// A disabled app refuses connections and requests.
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// A label that is shown.
    cluster: Option<String>,
    /// Toggles and limits.
    #[schema(nullable = false)]
    settings: Option<SettingsView>,
}

/// What of an app can be changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patched {
    name: Option<String>,
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "input::present")]
    cluster: Option<Option<String>>,
    #[serde(default)]
    settings: Value,
}

/// Change an app
///
/// In force at once. Apps of the config file are read-only.
#[utoipa::path(
    patch, path = "/apps/{app_id}", tag = "apps", operation_id = "change_app", params(AppPath),
    request_body(content(
        (AppPatch = "application/merge-patch+json"), (AppPatch = "application/json")
    )),
    responses(
        (status = 200, description = "As it is now", body = AppView), BadBody, Conflicts, Refusals
    )
)]
pub(super) async fn patch(
    State(desk): State<Arc<Desk>>,
    within: Within,
    Given(patch): Given<Patched>,
) -> Result<Json<AppView>, Problem> {
    let role = within.role;
    let spec = desk.change_apps(move |desk| {
        let before = desk.changeable(&within.app)?;
        let settings = patch.onto(before.settings.clone())?;
        check(&settings)?;
        let spec = AppSpec { settings, ..before.clone() };
        desk.store.put(&spec)?;
        let changed = changes(&told(&before.settings), &told(&spec.settings), &[]);
        desk.note(&within.did("app.changed", &spec.settings.name, changed));
        Ok(spec)
    });
    let spec = spec.await?;
    let app = desk.served(&spec.id)?;
    Ok(Json(AppView::of(&app, role, desk.channels_of(&app), spec.created_at_ms)))
}

impl Patched {
    fn onto(self, base: Settings) -> Result<Settings, Problem> {
        let mut settings = with_settings(base, self.settings)?;
        if let Some(text) = self.name {
            settings.name = name(&text)?;
        }
        settings.enabled = self.enabled.unwrap_or(settings.enabled);
        settings.cluster = match self.cluster {
            Some(given) => given.unwrap_or_default(),
            None => settings.cluster,
        };
        Ok(settings)
    }
}

/// Delete an app
///
/// For owners. With its keys, webhooks, deliveries and tokens; its connections are closed.
#[utoipa::path(
    delete, path = "/apps/{app_id}", tag = "apps", operation_id = "delete_app", params(AppPath),
    responses((status = 204, description = "It is gone"), Conflicts, Refusals)
)]
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    within: Within,
) -> Result<StatusCode, Problem> {
    within.need(Role::Owner)?;
    desk.change_apps(move |desk| {
        let spec = desk.changeable(&within.app)?;
        desk.store.delete(&spec.id)?;
        desk.note(&within.did("app.deleted", &spec.settings.name, Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    /// An app as it is kept, if it can be changed here.
    fn changeable(&self, id: &AppId) -> Result<AppSpec, Problem> {
        if self.served(id)?.live().is_declared {
            return Err(Problem::conflict(READ_ONLY));
        }
        self.store.app(id)?.ok_or_else(|| Problem::not_found("app"))
    }

    /// Refuses an account whose plan allows no more apps.
    fn check_plan(&self, account: &Account) -> Result<(), Problem> {
        let max = account.plan.max_apps as usize;
        let there = self.apps_of(account.id.as_str()).len();
        if max == 0 || there < max {
            return Ok(());
        }
        let plan = &account.plan.name;
        let why = format!("The plan {plan:?} allows {max} apps, and there are {there}");
        Err(Problem::refused(&why))
    }

    /// A new app of an account.
    fn made(&self, settings: Settings, account: &Account) -> Result<AppSpec, Problem> {
        let internal = |error: anyhow::Error| Problem::internal(&error);
        let is_taken = |id: &AppId| self.apps.by_id(id.as_str()).is_some();
        let (id, now_ms) = (free_app_id(is_taken).map_err(internal)?, now_ms());
        let keys = vec![new_key(now_ms).map_err(internal)?];
        let owner = owner_of(account.id.as_str(), &account.plan);
        let app = AppSpec::new(id, settings, keys);
        Ok(AppSpec { owner: Some(owner), created_at_ms: Some(now_ms), ..app })
    }

    /// Occupied channels of an app.
    fn channels_of(&self, app: &App) -> usize {
        self.hub.channel_count(app)
    }
}
