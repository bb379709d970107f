//! Coming in by an invitation.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::Response;
use bellwire_accounts::{Account, Invitation, Person, Secret};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::{SessionView, agent, signed_in};
use super::{Newcomer, email, hashed, name, new_password};
use crate::management::Desk;
use crate::management::auth::{self, From};
use crate::management::input::Given;
use crate::management::problem::{BadBody, Problem, Refusals};
use crate::moment::Moment;
use crate::ops::clock::now_ms;

/// What somebody is invited to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Invited {
    account: InvitingAccount,
    /// Whom it is for; `null`: whoever has the link.
    #[schema(required, example = "bob@example.com")]
    email: Option<String>,
    /// What they may do then: `owner`, `developer` or `viewer`.
    #[schema(example = "developer")]
    role: &'static str,
    /// Who invites.
    #[schema(example = "Ada")]
    invited_by: String,
    /// From when on the link opens nothing.
    expires_at: Moment,
    /// Whether whoever it is for signs in here already: then they have to sign in first.
    known: bool,
}

/// The account that invites.
#[derive(Debug, Serialize, ToSchema)]
struct InvitingAccount {
    /// Its name.
    #[schema(example = "Main")]
    name: String,
}

/// The link of an invitation. It is no part of a path, which would be in logs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// What stands behind the `#` of the link.
    token: String,
}

/// Who comes; nothing but the token if somebody is signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrival {
    /// What stands behind the `#` of the link.
    token: String,
    /// What people call them.
    #[schema(nullable = false, example = "Bob")]
    name: Option<String>,
    /// By which they will sign in.
    #[schema(nullable = false, example = "bob@example.com")]
    email: Option<String>,
    /// 10 to 200 characters.
    #[schema(nullable = false)]
    password: Option<String>,
}

/// Show an invitation
#[utoipa::path(
    post, path = "/invitation", tag = "people", operation_id = "show_invitation", security(()),
    request_body = Link,
    responses((status = 200, description = "The invitation", body = Invited), BadBody, Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Given(link): Given<Link>,
) -> Result<Json<Invited>, Problem> {
    let token = Secret::new(link.token);
    let shown = desk.ask(move |desk| {
        let (invitation, account) = desk.invitation(&token)?;
        let known = match &invitation.email {
            Some(email) => desk.store.person_by_email(email)?.is_some(),
            None => false,
        };
        Ok(Invited {
            account: InvitingAccount { name: account.name },
            email: invitation.email.map(|email| email.to_string()),
            role: invitation.role.name(),
            invited_by: invitation.invited_by,
            expires_at: Moment(invitation.expires_at_ms),
            known,
        })
    });
    shown.await.map(Json)
}

/// Accept an invitation
///
/// With a session as whoever is signed in; without one somebody new is made and signed in.
#[utoipa::path(
    post, path = "/invitation/accept", tag = "people", operation_id = "accept_invitation",
    request_body = Arrival, security(()),
    responses((status = 200, description = "A member, signed in", body = SessionView), BadBody, Refusals)
)]
pub(super) async fn accept(
    State(desk): State<Arc<Desk>>,
    Extension(from): Extension<From>,
    headers: HeaderMap,
    Given(arrival): Given<Arrival>,
) -> Result<Response, Problem> {
    let (agent, token) = (agent(&headers), Secret::new(arrival.token.clone()));
    // It must be good before anybody spends time on a password.
    let found = token.clone();
    let (invitation, _) = desk.ask(move |desk| desk.invitation(&found)).await?;
    let who = match auth::cookie(&headers) {
        Some(secret) => desk.signed_in(secret).await.ok().map(|signed_in| signed_in.person),
        None => None,
    };
    let newcomer = match &who {
        Some(_) => None,
        None => Some(desk.newcomer(arrival, &invitation).await?),
    };
    if let (Some(person), Some(email)) = (&who, &invitation.email)
        && person.email != *email
    {
        let why = format!("The invitation is for {email}, and you are {}", person.email);
        return Err(Problem::refused(&why));
    }
    let begun = desk.change(move |desk| {
        let (invitation, account) = desk.invitation(&token)?;
        let person = match (who, newcomer) {
            (Some(person), _) => person,
            (None, Some(newcomer)) => desk.welcome(newcomer, false)?,
            (None, None) => return Err(Problem::unauthorized("Expected somebody")),
        };
        desk.let_in(&invitation, &account, &person, from)?;
        desk.begin(person, from, agent)
    });
    Ok(signed_in(&desk, from, StatusCode::OK, &begun.await?))
}

impl Desk {
    /// The invitation that a link opens, with its account.
    fn invitation(&self, token: &Secret) -> Result<(Invitation, Account), Problem> {
        let none = || Problem::not_found("invitation: it was used, taken back, or is too old");
        let found = self.store.invitation(&token.digest(), now_ms())?.ok_or_else(none)?;
        let account = self.store.account(&found.account)?.ok_or_else(none)?;
        Ok((found, account))
    }

    /// Reads who comes.
    async fn newcomer(
        self: &Arc<Self>,
        arrival: Arrival,
        invitation: &Invitation,
    ) -> Result<Newcomer, Problem> {
        let missing = |field| Problem::invalid(field, "it is missing");
        let name = name(&arrival.name.ok_or_else(|| missing("name"))?)?;
        let email = match (&invitation.email, &arrival.email) {
            (Some(email), None) => email.clone(),
            (None, None) => return Err(missing("email")),
            (wanted, Some(given)) => {
                let given = email(given)?;
                if wanted.as_ref().is_some_and(|wanted| *wanted != given) {
                    return Err(Problem::invalid("email", "the invitation is for another address"));
                }
                given
            }
        };
        let password = arrival.password.ok_or_else(|| missing("password"))?;
        new_password(&password)?;
        let password = self.compare(move |_| hashed(&password)).await?;
        Ok(Newcomer { name, email, password })
    }

    /// Uses an invitation up. Whoever is a member already keeps the larger role.
    fn let_in(
        &self,
        invitation: &Invitation,
        account: &Account,
        person: &Person,
        from: From,
    ) -> Result<(), Problem> {
        if !self.store.end_invitation(&account.id, &invitation.id)? {
            return Err(Problem::not_found("invitation: it was used a moment ago"));
        }
        let members = self.store.members(&account.id)?;
        let before = members.iter().find(|member| member.person == person.id);
        let role = before.map_or(invitation.role, |member| member.role.max(invitation.role));
        self.store.put_member(&account.id, &person.id, role, now_ms())?;
        let did =
            auth::person_did(person, from, &account.id, "member.joined", person.email.as_str());
        self.note(&did);
        Ok(())
    }
}
