//! Signing in and out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use bellwire_accounts::{Password, Person, Session, Verdict};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Begun;
use crate::management::Desk;
use crate::management::auth::{Access, COOKIE, From, SignedIn};
use crate::management::input::Given;
use crate::management::problem::{BadBody, Problem, Refusals, TooMany};
use crate::moment::Moment;
use crate::ops::clock::now_ms;

/// By what somebody signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// The e-mail address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The password.
    password: String,
}

/// Somebody who signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionView {
    user: UserView,
    /// What every change has to carry in the header `X-CSRF-Token`.
    csrf_token: String,
    /// When the session ends if it is not used again.
    expires_at: Moment,
    /// The accounts that they may see.
    accounts: Vec<Belongs>,
}

/// Somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    /// Their id.
    #[schema(example = "usr_0123456789abcdef")]
    id: String,
    /// By which they sign in.
    #[schema(example = "ada@example.com")]
    email: String,
    /// What people call them.
    #[schema(example = "Ada")]
    name: String,
    /// Whether they run the server.
    operator: bool,
}

/// An account that somebody belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Belongs {
    /// Its id.
    #[schema(example = "acc_0123456789abcdef")]
    id: String,
    /// Its name.
    #[schema(example = "Main")]
    name: String,
    /// What they may do there: `owner`, `developer` or `viewer`.
    #[schema(example = "owner")]
    role: &'static str,
}

impl UserView {
    /// Somebody as they see themselves.
    pub(super) fn of(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            email: person.email.to_string(),
            name: person.name.clone(),
            operator: person.is_operator,
        }
    }
}

impl SessionView {
    fn of(begun: &Begun) -> Self {
        let belongs = |(account, role): &(bellwire_accounts::Account, bellwire_accounts::Role)| {
            Belongs { id: account.id.to_string(), name: account.name.clone(), role: role.name() }
        };
        Self {
            user: UserView::of(&begun.person),
            csrf_token: begun.secret.csrf_token(),
            expires_at: Moment(begun.session.ends_ms()),
            accounts: begun.accounts.iter().map(belongs).collect(),
        }
    }
}

/// Sign in
///
/// The answer sets the cookie `bellwire_session`. After some failures, further tries have to wait.
#[utoipa::path(
    post, path = "/session", tag = "people", operation_id = "sign_in", security(()),
    request_body = Credentials,
    responses((status = 200, description = "Signed in", body = SessionView), BadBody, TooMany, Refusals)
)]
pub(super) async fn sign_in(
    State(desk): State<Arc<Desk>>,
    Extension(from): Extension<From>,
    headers: HeaderMap,
    Given(given): Given<Credentials>,
) -> Result<Response, Problem> {
    let who = given.email.trim().to_lowercase();
    let place = from.place();
    desk.may_try(&who, &place)?;
    let agent = agent(&headers);
    let begun = desk.compare(move |desk| {
        let known = match given.email.parse() {
            Ok(email) => desk.store.person_by_email(&email)?,
            Err(_) => None,
        };
        let password = Password::said(&given.password);
        let is_right = password.is(known.as_ref().map(|(_, hash)| hash));
        match known.filter(|_| is_right) {
            Some((person, _)) => desk.begin(person, from, agent),
            None => Err(Problem::unauthorized("Wrong e-mail or password")),
        }
    });
    let begun = begun.await?;
    desk.throttle().succeeded(&who, &place);
    Ok(signed_in(&desk, from, StatusCode::OK, &begun))
}

/// Who is signed in
#[utoipa::path(
    get, path = "/session", tag = "people", operation_id = "show_session",
    responses((status = 200, description = "Somebody", body = SessionView), Refusals)
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    access: Access,
) -> Result<Json<SessionView>, Problem> {
    let SignedIn { person, session, secret, .. } = access.signed_in()?.clone();
    let view = desk.ask(move |desk| {
        let accounts = desk.accounts_of(&person)?;
        Ok(SessionView::of(&Begun { person, accounts, session, secret }))
    });
    view.await.map(Json)
}

/// Sign out
#[utoipa::path(
    delete, path = "/session", tag = "people", operation_id = "sign_out",
    responses((status = 204, description = "Signed out"), Refusals)
)]
pub(super) async fn sign_out(
    State(desk): State<Arc<Desk>>,
    Extension(from): Extension<From>,
    access: Access,
) -> Result<Response, Problem> {
    let Session { id, person, .. } = access.signed_in()?.session.clone();
    desk.ask(move |desk| Ok(desk.store.end_session(&person, &id)?)).await?;
    Ok(([(header::SET_COOKIE, cookie(&desk, from, "", 0))], StatusCode::NO_CONTENT).into_response())
}

/// The answer to whoever has just signed in.
pub(super) fn signed_in(desk: &Desk, from: From, status: StatusCode, begun: &Begun) -> Response {
    let cookie = cookie(desk, from, begun.secret.reveal(), Session::AGE_MS / 1000);
    (status, [(header::SET_COOKIE, cookie)], Json(SessionView::of(begun))).into_response()
}

/// No other page can make a browser send it (`Strict`), and no script can read it (`HttpOnly`).
fn cookie(desk: &Desk, from: From, secret: &str, seconds: u64) -> HeaderValue {
    let secure = if from.tls { "; Secure" } else { "" };
    let path = &desk.path_prefix;
    let text = format!(
        "{COOKIE}={secret}; Path={path}/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    // Letters and digits, and a prefix that was checked when the config was read.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// What a browser calls itself, as far as anybody wants to read it.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.unwrap_or_default().chars().take(200).collect()
}

impl Desk {
    pub(super) fn throttle(&self) -> std::sync::MutexGuard<'_, bellwire_accounts::Throttle> {
        self.order.throttle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Refuses who has failed too often of late.
    pub(super) fn may_try(&self, who: &str, place: &str) -> Result<(), Problem> {
        match self.throttle().tries(now_ms(), who, place) {
            Verdict::Now => Ok(()),
            Verdict::After(seconds) => {
                tracing::warn!(place, seconds, "somebody guesses passwords");
                Err(Problem::too_many(seconds))
            }
        }
    }
}
