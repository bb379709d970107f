//! What people may change of their own.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use bellwire_accounts::{Password, Session, SessionId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::UserView;
use super::{email, hashed, name, new_password};
use crate::management::Desk;
use crate::management::auth::{Access, From, Named};
use crate::management::input::Given;
use crate::management::paths::SessionPath;
use crate::management::problem::{BadBody, Problem, Refusals, TooMany};
use crate::moment::Moment;

/// What is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserPatch {
    /// What people call them.
    #[schema(nullable = false)]
    name: Option<String>,
    /// By which they sign in.
    #[schema(nullable = false)]
    email: Option<String>,
    /// The new password; every other session ends.
    #[schema(nullable = false)]
    password: Option<String>,
    /// The password so far: needed for another e-mail or password.
    #[schema(nullable = false)]
    current_password: Option<String>,
}

/// Change what is one's own
#[utoipa::path(
    patch, path = "/session/user", tag = "people", operation_id = "change_user",
    request_body = UserPatch,
    responses((status = 200, description = "As it is now", body = UserView), BadBody, TooMany, Refusals)
)]
pub(super) async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(from): Extension<From>,
    access: Access,
    Given(patch): Given<UserPatch>,
) -> Result<Json<UserView>, Problem> {
    let signed_in = access.signed_in()?;
    let mut person = signed_in.person.clone();
    let session = signed_in.session.id.clone();
    let needs_password = patch.email.is_some() || patch.password.is_some();
    if needs_password {
        let place = from.place();
        desk.check_password(&access, patch.current_password, &place).await?;
    }
    if let Some(text) = &patch.name {
        person.name = name(text)?;
    }
    if let Some(text) = &patch.email {
        person.email = email(text)?;
    }
    let hash = match patch.password {
        Some(text) => {
            new_password(&text)?;
            Some(desk.compare(move |_| hashed(&text)).await?)
        }
        None => None,
    };
    let person = desk.change(move |desk| {
        if !desk.store.put_person(&person, hash.as_ref())? {
            return Err(Problem::invalid("email", "somebody else has this address"));
        }
        if hash.is_some() {
            desk.store.end_sessions(&person.id, Some(&session))?;
        }
        Ok(person)
    });
    Ok(Json(UserView::of(&person.await?)))
}

impl Desk {
    /// Refuses who does not know the password of the session's owner.
    async fn check_password(
        self: &Arc<Self>,
        access: &Access,
        given: Option<String>,
        place: &str,
    ) -> Result<(), Problem> {
        let field = "current_password";
        let given = given.ok_or_else(|| Problem::invalid(field, "it is missing"))?;
        let email = access.signed_in()?.person.email.clone();
        let who = email.to_string();
        self.may_try(&who, place)?;
        let is_right = self.compare(move |desk| {
            let known = desk.store.person_by_email(&email)?;
            Ok(Password::said(&given).is(known.as_ref().map(|(_, hash)| hash)))
        });
        if !is_right.await? {
            return Err(Problem::invalid(field, "it is not the password"));
        }
        self.throttle().succeeded(&who, place);
        Ok(())
    }
}

/// Browsers in which somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionList {
    /// The last used first.
    sessions: Vec<OneSession>,
}

/// A browser in which somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct OneSession {
    /// Its id.
    #[schema(example = "ses_0123456789abcdef")]
    id: String,
    /// When it began.
    created_at: Moment,
    /// When it was last used, to the minute.
    last_seen_at: Moment,
    /// From where it began.
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
    /// What the browser calls itself.
    user_agent: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// List one's sessions
#[utoipa::path(
    get, path = "/session/list", tag = "people", operation_id = "list_sessions",
    responses((status = 200, description = "The sessions", body = SessionList), Refusals)
)]
pub(super) async fn sessions(
    State(desk): State<Arc<Desk>>,
    access: Access,
) -> Result<Json<SessionList>, Problem> {
    let Session { id: current, person, .. } = access.signed_in()?.session.clone();
    let sessions = desk.ask(move |desk| Ok(desk.store.sessions(&person)?)).await?;
    let view = |session: Session| OneSession {
        current: session.id == current,
        id: session.id.to_string(),
        created_at: Moment(session.created_at_ms),
        last_seen_at: Moment(session.seen_at_ms),
        address: session.address,
        user_agent: session.agent,
    };
    Ok(Json(SessionList { sessions: sessions.into_iter().map(view).collect() }))
}

/// End one of one's sessions
#[utoipa::path(
    delete, path = "/session/list/{id}", tag = "people", operation_id = "end_session",
    params(SessionPath),
    responses((status = 204, description = "It has ended"), Refusals)
)]
pub(super) async fn end_session(
    State(desk): State<Arc<Desk>>,
    access: Access,
    Named(id): Named<SessionId>,
) -> Result<StatusCode, Problem> {
    let person = access.signed_in()?.person.id.clone();
    match desk.ask(move |desk| Ok(desk.store.end_session(&person, &id)?)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("session")),
    }
}
