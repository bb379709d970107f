//! Who is invited to an account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::{Email, Invitation, InvitationId, Unfit};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::role;
use crate::management::Desk;
use crate::management::auth::{Named, OfAccount};
use crate::management::input::Given;
use crate::management::paths::{AccountPath, AccountThingPath};
use crate::management::people::{named, new_secret};
use crate::management::problem::{BadBody, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;

/// Open invitations of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationList {
    /// Newest first.
    invitations: Vec<InvitationView>,
}

/// An open invitation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(crate) struct InvitationView {
    /// Its id.
    #[schema(example = "inv_0123456789abcdef")]
    id: String,
    /// Whom it is for; `null`: whoever has the link.
    #[schema(required, example = "bob@example.com")]
    email: Option<String>,
    /// What they may do then: `owner`, `developer` or `viewer`.
    #[schema(example = "developer")]
    role: &'static str,
    /// Who invites.
    #[schema(example = "Ada")]
    invited_by: String,
    /// When.
    created_at: Moment,
    /// From when on the link opens nothing.
    expires_at: Moment,
}

/// An invitation that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationCreated {
    #[serde(flatten)]
    invitation: InvitationView,
    /// The path of the link on this server. It is not shown again.
    #[schema(example = "/dashboard/invite#…")]
    link: String,
}

impl InvitationView {
    fn of(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.as_ref().map(Email::to_string),
            role: invitation.role.name(),
            invited_by: invitation.invited_by.clone(),
            created_at: Moment(invitation.created_at_ms),
            expires_at: Moment(invitation.expires_at_ms),
        }
    }
}

/// Whom to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvitation {
    /// What they may do: `owner`, `developer` or `viewer`.
    #[schema(example = "developer")]
    role: String,
    /// Only whoever signs in with this address may come; nothing: whoever has the link.
    #[serde(default)]
    #[schema(example = "bob@example.com")]
    email: Option<String>,
}

/// List open invitations
#[utoipa::path(
    get, path = "/accounts/{account_id}/invitations", tag = "accounts",
    operation_id = "list_invitations", params(AccountPath),
    responses((status = 200, description = "The invitations", body = InvitationList), Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
) -> Result<Json<InvitationList>, Problem> {
    let found = desk.ask(move |desk| Ok(desk.store.invitations(&of.account.id, now_ms())?)).await?;
    Ok(Json(InvitationList { invitations: found.iter().map(InvitationView::of).collect() }))
}

/// Invite somebody
///
/// The answer is the only one with the link, which is good once, for seven days. Send it yourself.
#[utoipa::path(
    post, path = "/accounts/{account_id}/invitations", tag = "accounts",
    operation_id = "create_invitation", params(AccountPath), request_body = NewInvitation,
    responses((status = 201, description = "It is made", body = InvitationCreated), BadBody, Refusals)
)]
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    Given(given): Given<NewInvitation>,
) -> Result<(StatusCode, Json<InvitationCreated>), Problem> {
    let unfit = |unfit: Unfit| Problem::invalid("email", &unfit.to_string());
    let (secret, now_ms) = (new_secret()?, now_ms());
    let invitation = Invitation {
        id: named(InvitationId::PREFIX)?,
        account: of.account.id.clone(),
        email: given.email.as_deref().map(str::parse).transpose().map_err(unfit)?,
        role: role(&given.role)?,
        invited_by: of.access.actor.name.clone(),
        created_at_ms: now_ms,
        expires_at_ms: now_ms + Invitation::LASTS_MS,
    };
    let created = InvitationCreated {
        invitation: InvitationView::of(&invitation),
        link: format!("{}/dashboard/invite#{}", desk.path_prefix, secret.reveal()),
    };
    desk.change(move |desk| {
        desk.store.put_invitation(&invitation, &secret.digest())?;
        desk.note(&of.did("invitation.created", &whom(&invitation), Vec::new()));
        Ok(())
    })
    .await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Take an invitation back
#[utoipa::path(
    delete, path = "/accounts/{account_id}/invitations/{id}", tag = "accounts",
    operation_id = "remove_invitation", params(AccountThingPath),
    responses((status = 204, description = "The link opens nothing any more"), Refusals)
)]
pub(crate) async fn remove(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    Named(id): Named<InvitationId>,
) -> Result<StatusCode, Problem> {
    desk.change(move |desk| {
        let open = desk.store.invitations(&of.account.id, now_ms())?;
        let found = open.iter().find(|invitation| invitation.id == id);
        let found = found.ok_or_else(|| Problem::not_found("invitation"))?;
        desk.store.end_invitation(&of.account.id, &id)?;
        desk.note(&of.did("invitation.removed", &whom(found), Vec::new()));
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn whom(invitation: &Invitation) -> String {
    let who = invitation.email.as_ref().map_or("whoever has the link", Email::as_str);
    format!("{who}, {}", invitation.role.name())
}
