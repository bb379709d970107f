//! What the official `pusher` command line asks of the dashboard: its apps and their keys (contract
//! D2). The API key that it is given is a token of an account.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use bellwire_accounts::Role;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use super::Desk;
use super::auth::{self, Access, From};
use super::problem::Problem;

/// Answers `/apps.json` and `/apps/{id}/tokens.json`.
pub(super) async fn answer(
    desk: &Arc<Desk>,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    from: From,
) -> Result<Response, Problem> {
    if *method != Method::GET && *method != Method::HEAD {
        return Err(Problem::method_not_allowed());
    }
    let access = auth::access(desk, method, &translated(headers)?, from).await?;
    let answer = match path.split('/').collect::<Vec<_>>()[..] {
        ["", "apps.json"] => apps(desk, &access),
        ["", "apps", id, "tokens.json"] => tokens(desk, &access, id.to_owned()).await?,
        _ => return Err(Problem::not_found("path")),
    };
    Ok(Json(answer).into_response())
}

/// `Token token=…` says what `Bearer …` says elsewhere.
fn translated(headers: &HeaderMap) -> Result<HeaderMap, Problem> {
    let expected =
        || Problem::unauthorized("Expected the header Authorization: Token token=<token>");
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|text| text.strip_prefix("Token token=")).ok_or_else(expected)?;
    let bearer = format!("Bearer {}", token.trim_matches('"'));
    let bearer = HeaderValue::from_str(&bearer).map_err(|_| expected())?;
    Ok(HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]))
}

fn apps(desk: &Desk, access: &Access) -> Value {
    let mut apps = desk.apps.all();
    apps.retain(|app| {
        let live = app.live();
        access.role_for(&app.id, live.owner.as_ref().map(|owner| &*owner.by.id)).is_some()
    });
    // Ids are numbers there.
    let of = |app: &bellwire_hub::App| -> Option<Value> {
        let id: u64 = app.id.as_str().parse().ok()?;
        let live = app.live();
        Some(json!({ "id": id, "name": live.settings.name, "cluster": live.settings.cluster }))
    };
    let mut all: Vec<Value> = apps.iter().filter_map(|app| of(app)).collect();
    all.sort_by_key(|app| app["id"].as_u64());
    Value::Array(all)
}

async fn tokens(desk: &Arc<Desk>, access: &Access, id: String) -> Result<Value, Problem> {
    let none = || Problem::not_found("app");
    let app = desk.apps.by_id(&id).ok_or_else(none)?;
    let owner = app.live().owner.as_ref().map(|owner| owner.by.id.clone());
    let role = access.role_for(&app.id, owner.as_deref()).ok_or_else(none)?;
    auth::need(role, Role::Developer)?;
    let app = app.id.clone();
    let spec = desk.ask(move |desk| Ok(desk.store.app(&app)?)).await?.ok_or_else(none)?;
    let keys = spec.keys.iter().filter(|key| key.active);
    let pairs = keys.map(|key| json!({ "key": key.key.as_str(), "secret": key.secret.reveal() }));
    Ok(pairs.collect())
}
