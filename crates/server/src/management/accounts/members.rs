//! Who belongs to an account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::{Change, Member, PersonId, Role, Unfit};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::management::Desk;
use crate::management::auth::{Named, OfAccount};
use crate::management::input::Given;
use crate::management::paths::{AccountPath, AccountThingPath};
use crate::management::problem::{BadBody, Conflicts, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;

/// Who belongs to an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberList {
    /// Oldest first.
    members: Vec<MemberView>,
}

/// Somebody who belongs to an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberView {
    /// Their id.
    #[schema(example = "usr_0123456789abcdef")]
    user_id: String,
    /// By which they sign in.
    #[schema(example = "ada@example.com")]
    email: String,
    /// What people call them.
    #[schema(example = "Ada")]
    name: String,
    /// What they may do: `owner`, `developer` or `viewer`.
    #[schema(example = "owner")]
    role: &'static str,
    /// Since when.
    joined_at: Moment,
}

impl MemberView {
    fn of(member: &Member) -> Self {
        Self {
            user_id: member.person.to_string(),
            email: member.email.to_string(),
            name: member.name.clone(),
            role: member.role.name(),
            joined_at: Moment(member.joined_at_ms),
        }
    }
}

/// What a member may do from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberPatch {
    /// `owner`, `developer` or `viewer`.
    #[schema(example = "viewer")]
    role: String,
}

/// A role by its name.
pub(super) fn role(text: &str) -> Result<Role, Problem> {
    text.parse().map_err(|unfit: Unfit| Problem::invalid("role", &unfit.to_string()))
}

/// List members
#[utoipa::path(
    get, path = "/accounts/{account_id}/members", tag = "accounts", operation_id = "list_members",
    params(AccountPath),
    responses((status = 200, description = "The members", body = MemberList), Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
) -> Result<Json<MemberList>, Problem> {
    let members = desk.ask(move |desk| Ok(desk.store.members(&of.account.id)?)).await?;
    Ok(Json(MemberList { members: members.iter().map(MemberView::of).collect() }))
}

/// Change what a member may do
///
/// An account always has an owner.
#[utoipa::path(
    patch, path = "/accounts/{account_id}/members/{id}", tag = "accounts",
    operation_id = "change_member", params(AccountThingPath), request_body = MemberPatch,
    responses(
        (status = 200, description = "As it is now", body = MemberView),
        BadBody, Conflicts, Refusals
    )
)]
pub(crate) async fn patch(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    Named(id): Named<PersonId>,
    Given(patch): Given<MemberPatch>,
) -> Result<Json<MemberView>, Problem> {
    let role = role(&patch.role)?;
    let member = desk.change(move |desk| {
        let before = desk.member(&of, &id)?;
        if !desk.store.put_member(&of.account.id, &id, role, now_ms())? {
            return Err(Problem::conflict("The account would have no owner"));
        }
        let (from, to) = (before.role.name().into(), role.name().into());
        let change = Change { field: "role".into(), from, to };
        desk.note(&of.did("member.changed", before.email.as_str(), vec![change]));
        Ok(Member { role, ..before })
    });
    Ok(Json(MemberView::of(&member.await?)))
}

/// Remove a member
///
/// An account always has an owner.
#[utoipa::path(
    delete, path = "/accounts/{account_id}/members/{id}", tag = "accounts",
    operation_id = "remove_member", params(AccountThingPath),
    responses((status = 204, description = "They are out"), Conflicts, Refusals)
)]
pub(crate) async fn remove(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    Named(id): Named<PersonId>,
) -> Result<StatusCode, Problem> {
    desk.change(move |desk| {
        let member = desk.member(&of, &id)?;
        if !desk.store.remove_member(&of.account.id, &id)? {
            return Err(Problem::conflict("The account would have no owner"));
        }
        desk.note(&of.did("member.removed", member.email.as_str(), Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    fn member(&self, of: &OfAccount, id: &PersonId) -> Result<Member, Problem> {
        let members = self.store.members(&of.account.id)?;
        let found = members.into_iter().find(|member| member.person == *id);
        found.ok_or_else(|| Problem::not_found("member"))
    }
}
