//! Accounts: who belongs to them, what they may use, what was done in them.

mod audit;
mod invitations;
mod members;
mod tokens;
pub(super) mod usage;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::{Account, AccountId, Plan, Role, changes};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::auth::{Access, OfAccount};
use super::input::{self, Given};
use super::paths::AccountPath;
use super::people::{name, named};
use super::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;

/// The paths of accounts.
pub(super) fn paths() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, patch, remove))
        .routes(routes!(usage::show))
        .routes(routes!(members::list))
        .routes(routes!(members::patch, members::remove))
        .routes(routes!(invitations::list, invitations::create))
        .routes(routes!(invitations::remove))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::remove))
        .routes(routes!(audit::list))
}

/// Some people and their apps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountView {
    /// Its id.
    #[schema(example = "acc_0123456789abcdef")]
    id: String,
    /// Its name.
    #[schema(example = "Main")]
    name: String,
    /// What whoever asks may do there: `owner`, `developer` or `viewer`.
    #[schema(example = "owner")]
    role: &'static str,
    plan: PlanView,
    /// When it was made.
    created_at: Moment,
}

/// How much an account may use; 0: no limit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Plan)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PlanView {
    /// What the operator calls it.
    #[schema(example = "Startup")]
    name: String,
    /// Apps.
    max_apps: u32,
    /// Connections of each app at one time.
    max_connections_per_app: u32,
    /// Messages of all apps together in a day (UTC).
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    max_messages_per_day: u64,
    /// Webhooks of each app.
    max_webhooks_per_app: u32,
}

impl Default for PlanView {
    fn default() -> Self {
        Self::of(&Plan::default())
    }
}

impl PlanView {
    fn of(plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            max_apps: plan.max_apps,
            max_connections_per_app: plan.max_connections_per_app,
            max_messages_per_day: plan.max_messages_per_day,
            max_webhooks_per_app: plan.max_webhooks_per_app,
        }
    }

    fn into_plan(self) -> Result<Plan, Problem> {
        let name = Account::name(&self.name)
            .map_err(|unfit| Problem::invalid("plan.name", &unfit.to_string()))?;
        if self.max_messages_per_day > MESSAGES_MAX {
            let expected = format!("expected at most {MESSAGES_MAX}");
            return Err(Problem::invalid("plan.max_messages_per_day", &expected));
        }
        Ok(Plan {
            name,
            max_apps: self.max_apps,
            max_connections_per_app: self.max_connections_per_app,
            max_messages_per_day: self.max_messages_per_day,
            max_webhooks_per_app: self.max_webhooks_per_app,
        })
    }
}

/// The largest number that every reader of JSON keeps as it is: 2^53 − 1.
const MESSAGES_MAX: u64 = 9_007_199_254_740_991;

impl AccountView {
    pub(super) fn of(account: &Account, role: Role) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name.clone(),
            role: role.name(),
            plan: PlanView::of(&account.plan),
            created_at: Moment(account.created_at_ms),
        }
    }
}

/// Accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountList {
    /// By name.
    accounts: Vec<AccountView>,
}

/// List accounts
///
/// Those that whoever asks belongs to; an operator sees all.
#[utoipa::path(
    get, path = "/accounts", tag = "accounts", operation_id = "list_accounts",
    responses((status = 200, description = "The accounts", body = AccountList), Refusals)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    access: Access,
) -> Result<Json<AccountList>, Problem> {
    let accounts = desk.ask(|desk| Ok(desk.store.accounts()?)).await?;
    let seen = accounts.iter().filter_map(|account| {
        let role = access.role_in(Some(account.id.as_str()))?;
        Some(AccountView::of(account, role))
    });
    Ok(Json(AccountList { accounts: seen.collect() }))
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    /// Its name.
    #[schema(example = "Shop")]
    name: String,
    /// How much it may use; nothing said: no limit.
    #[serde(default)]
    plan: PlanView,
}

/// Make an account
///
/// For operators. It has no members: invite an owner.
#[utoipa::path(
    post, path = "/accounts", tag = "accounts", operation_id = "create_account",
    request_body = NewAccount,
    responses((status = 201, description = "It is made", body = AccountView), BadBody, Refusals)
)]
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    access: Access,
    Given(given): Given<NewAccount>,
) -> Result<(StatusCode, Json<AccountView>), Problem> {
    access.need_operator()?;
    let account = Account {
        id: named(AccountId::PREFIX)?,
        name: name(&given.name)?,
        plan: given.plan.into_plan()?,
        created_at_ms: now_ms(),
    };
    let view = AccountView::of(&account, Role::Owner);
    desk.change(move |desk| {
        desk.store.put_account(&account)?;
        let made = changes(&Value::Null, &said(&account), &[]);
        let entry = access.did("account.created", &account.name, made);
        desk.note(&bellwire_accounts::Entry { account: Some(account.id), ..entry });
        Ok(())
    })
    .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// An account as its changes are told.
fn said(account: &Account) -> Value {
    serde_json::json!({ "name": account.name, "plan": account.plan })
}

/// Show an account
#[utoipa::path(
    get, path = "/accounts/{account_id}", tag = "accounts", operation_id = "show_account",
    params(AccountPath),
    responses((status = 200, description = "The account", body = AccountView), Refusals)
)]
pub(super) async fn show(of: OfAccount) -> Json<AccountView> {
    Json(AccountView::of(&of.account, of.role))
}

/// A change of an account: a JSON merge patch (RFC 7396).
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description is made of it; a change is merged, not read")]
pub(super) struct AccountPatch {
    /// Its name.
    #[schema(nullable = false)]
    name: Option<String>,
    /// How much it may use; only operators change that.
    plan: Option<PlanView>,
}

/// Change an account
///
/// Owners change the name, operators also the plan; it is in force at once.
#[utoipa::path(
    patch, path = "/accounts/{account_id}", tag = "accounts", operation_id = "change_account",
    params(AccountPath),
    request_body(content(
        (AccountPatch = "application/merge-patch+json"), (AccountPatch = "application/json")
    )),
    responses((status = 200, description = "As it is now", body = AccountView), BadBody, Refusals)
)]
pub(super) async fn patch(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    input::Json(patch): input::Json,
) -> Result<Json<AccountView>, Problem> {
    let role = of.role;
    let account = desk.change_apps(move |desk| {
        let before = desk.store.account(&of.account.id)?;
        let before = before.ok_or_else(|| Problem::not_found("account"))?;
        let base = serde_json::json!({ "name": before.name, "plan": PlanView::of(&before.plan) });
        let given: NewAccount = input::read(input::merged(base, patch)?)?;
        let (name, plan) = (name(&given.name)?, given.plan.into_plan()?);
        if plan != before.plan {
            of.access.need_operator()?;
        }
        let account = Account { name, plan, ..before.clone() };
        desk.store.put_account(&account)?;
        let changed = changes(&said(&before), &said(&account), &[]);
        desk.note(&of.did("account.changed", &account.name, changed));
        Ok(account)
    });
    Ok(Json(AccountView::of(&account.await?, role)))
}

/// Remove an account
///
/// For operators. With its members, invitations and tokens; only once it has no apps.
#[utoipa::path(
    delete, path = "/accounts/{account_id}", tag = "accounts", operation_id = "remove_account",
    params(AccountPath),
    responses((status = 204, description = "It is gone"), Conflicts, Refusals)
)]
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
) -> Result<StatusCode, Problem> {
    of.access.need_operator()?;
    desk.change(move |desk| {
        if !desk.store.delete_account(&of.account.id)? {
            return Err(Problem::conflict("The account has apps: delete them first"));
        }
        desk.note(&of.access.did("account.removed", &of.account.name, Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
