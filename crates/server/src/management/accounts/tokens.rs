//! Tokens of an account: what its programs use.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::{Scope, Secret, Token, TokenId, Unfit};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::management::Desk;
use crate::management::auth::{Named, OfAccount};
use crate::management::input::Given;
use crate::management::paths::{AccountPath, AccountThingPath};
use crate::management::people::{name, named};
use crate::management::problem::{BadBody, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;
use crate::ops::random::new_token;

/// Tokens of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenList {
    /// Oldest first.
    tokens: Vec<TokenView>,
}

/// A token, without what opens anything.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenView {
    /// Its id.
    #[schema(example = "tok_0123456789abcdef")]
    id: String,
    /// What it is for.
    #[schema(example = "CI")]
    name: String,
    /// What may be done with it: `read`, or `write` as a developer does.
    #[schema(example = "read")]
    scope: &'static str,
    /// Who made it.
    #[schema(example = "Ada")]
    created_by: String,
    /// When.
    created_at: Moment,
    /// When it was last used, to the minute.
    #[schema(required)]
    last_used_at: Option<Moment>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenCreated {
    #[serde(flatten)]
    shown: TokenView,
    /// For the header `Authorization: Bearer …`. It is not shown again.
    #[schema(example = "blw_…")]
    token: String,
}

impl TokenView {
    fn of(token: &Token) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            scope: token.scope.name(),
            created_by: token.created_by.clone(),
            created_at: Moment(token.created_at_ms),
            last_used_at: token.last_used_ms.map(Moment),
        }
    }
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// What it is for.
    #[schema(example = "CI")]
    name: String,
    /// `read` or `write`.
    #[schema(example = "read")]
    scope: String,
}

/// List tokens
#[utoipa::path(
    get, path = "/accounts/{account_id}/tokens", tag = "accounts", operation_id = "list_tokens",
    params(AccountPath),
    responses((status = 200, description = "The tokens", body = TokenList), Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
) -> Result<Json<TokenList>, Problem> {
    let tokens = desk.ask(move |desk| Ok(desk.store.tokens(Some(&of.account.id))?)).await?;
    Ok(Json(TokenList { tokens: tokens.iter().map(TokenView::of).collect() }))
}

/// Make a token
///
/// It opens what is this account's. The answer is the only one with it.
#[utoipa::path(
    post, path = "/accounts/{account_id}/tokens", tag = "accounts", operation_id = "create_token",
    params(AccountPath), request_body = NewToken,
    responses((status = 201, description = "It is made", body = TokenCreated), BadBody, Refusals)
)]
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    Given(given): Given<NewToken>,
) -> Result<(StatusCode, Json<TokenCreated>), Problem> {
    let unfit = |unfit: Unfit| Problem::invalid("scope", &unfit.to_string());
    let scope: Scope = given.scope.parse().map_err(unfit)?;
    let secret = Secret::new(new_token().map_err(|error| Problem::internal(&error))?);
    let token = Token {
        id: named(TokenId::PREFIX)?,
        name: name(&given.name)?,
        account: Some(of.account.id.clone()),
        app: None,
        scope,
        created_by: of.access.actor.name.clone(),
        created_at_ms: now_ms(),
        last_used_ms: None,
    };
    let created = TokenCreated { shown: TokenView::of(&token), token: secret.reveal().to_owned() };
    desk.change(move |desk| {
        desk.store.put_token(&token, &secret.digest())?;
        let target = format!("{}, {}", token.name, scope.name());
        desk.note(&of.did("token.created", &target, Vec::new()));
        Ok(())
    })
    .await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revoke a token
#[utoipa::path(
    delete, path = "/accounts/{account_id}/tokens/{id}", tag = "accounts",
    operation_id = "revoke_token", params(AccountThingPath),
    responses((status = 204, description = "It opens nothing any more"), Refusals)
)]
pub(crate) async fn remove(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    Named(id): Named<TokenId>,
) -> Result<StatusCode, Problem> {
    desk.change(move |desk| {
        let tokens = desk.store.tokens(Some(&of.account.id))?;
        let found = tokens.into_iter().find(|token| token.id == id);
        let found = found.ok_or_else(|| Problem::not_found("token"))?;
        desk.store.revoke_token(&id)?;
        desk.note(&of.did("token.revoked", &found.name, Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
