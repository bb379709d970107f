//! Who asks, and what they may do: a bearer token, or the session of somebody who signed in. Secrets
//! are known by their SHA-256 only.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use bellwire_accounts::{
    Account, AccountId, Actor, ActorKind, Change, Entry, Person, Role, Scope, Secret, Session,
};
use bellwire_protocol::AppId;
use http::request::Parts;
use http::{HeaderMap, Method, header};

use super::Desk;
use super::problem::Problem;
use crate::ops::clock::now_ms;

/// From where a request comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From {
    /// The other end.
    pub(crate) address: Option<IpAddr>,
    /// Whether it is told by TLS.
    pub(crate) tls: bool,
}

impl From {
    /// The other end for people; none for a Unix socket.
    pub(super) fn text(&self) -> Option<String> {
        self.address.map(|address| address.to_canonical().to_string())
    }

    /// The same for who counts failures by place.
    pub(super) fn place(&self) -> String {
        self.text().unwrap_or_else(|| "here".into())
    }
}

/// The cookie of a session.
pub(super) const COOKIE: &str = "bellwire_session";
/// What a page sends along with every change.
const CSRF: &str = "x-csrf-token";

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// As the audit knows them.
    pub(super) actor: Actor,
    may: May,
}

/// What somebody may do.
#[derive(Debug, Clone)]
enum May {
    /// Everything of every account, as far as the scope goes: a token of the command line.
    Everything(Scope),
    /// What is one app's.
    App(AppId, Scope),
    /// What is one account's.
    Account(AccountId, Scope),
    /// What their roles allow.
    Person(Box<SignedIn>),
}

/// Somebody who signed in.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    /// Who.
    pub(super) person: Person,
    /// The accounts they belong to.
    pub(super) accounts: Vec<(Account, Role)>,
    /// The session by which they ask.
    pub(super) session: Session,
    /// Its secret.
    pub(super) secret: Secret,
}

/// Looks at the token or the cookie of a request.
pub(super) async fn access(
    desk: &Arc<Desk>,
    method: &Method,
    headers: &HeaderMap,
    from: From,
) -> Result<Access, Problem> {
    if let Some(token) = bearer(headers) {
        return by_token(desk, Secret::new(token), from).await;
    }
    let expected = "Expected the header Authorization: Bearer <token>, or a session";
    let secret = cookie(headers).ok_or_else(|| Problem::unauthorized(expected))?;
    let signed_in = desk.signed_in(secret).await?;
    check_csrf(method, headers, &signed_in.secret)?;
    let Person { id, name, .. } = &signed_in.person;
    let actor = actor(ActorKind::User, id.as_str(), name, from);
    Ok(Access { actor, may: May::Person(Box::new(signed_in)) })
}

async fn by_token(desk: &Arc<Desk>, secret: Secret, from: From) -> Result<Access, Problem> {
    let digest = secret.digest();
    // How long a look-up by hash takes tells nothing of how much of a token is right.
    let known = desk.ask(move |desk| {
        let known = desk.store.token_by_digest(&digest)?;
        if let Some(Err(error)) = known.as_ref().map(|token| desk.store.token_used(token, now_ms()))
        {
            tracing::warn!(%error, "the use of a management token is not written down");
        }
        Ok(known)
    });
    let known = known.await?;
    let known = known.ok_or_else(|| Problem::unauthorized("The token is unknown or revoked"))?;
    let actor = actor(ActorKind::Token, known.id.as_str(), &known.name, from);
    let may = match (known.app, known.account) {
        (Some(app), _) => May::App(app, known.scope),
        (None, Some(account)) => May::Account(account, known.scope),
        (None, None) => May::Everything(known.scope),
    };
    Ok(Access { actor, may })
}

fn actor(kind: ActorKind, id: &str, name: &str, from: From) -> Actor {
    Actor { kind, id: id.to_owned(), name: name.to_owned(), address: from.text() }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The secret of the session in a request.
pub(super) fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| name.trim() == COOKIE)?.1.trim();
    (!found.is_empty()).then(|| Secret::new(found))
}

/// A change needs what only our own page knows; the cookie alone is sent by the browser whoever asks.
fn check_csrf(method: &Method, headers: &HeaderMap, secret: &Secret) -> Result<(), Problem> {
    let given = headers.get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match is_looking(method) || secret.has_csrf_token(given) {
        true => Ok(()),
        false => Err(Problem::refused("Expected the header X-CSRF-Token that GET /session tells")),
    }
}

/// What needs no session must be asked by our own page or by a program: other pages could sign a
/// browser in as somebody else.
pub(super) fn check_own_page(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_own = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text("host")
        }
        (None, None) => true,
    };
    match is_looking(method) || is_own {
        true => Ok(()),
        false => Err(Problem::refused("The request comes from a page of another site")),
    }
}

/// An entry of the audit: what somebody did who has just come.
pub(super) fn person_did(
    person: &Person,
    from: From,
    account: &AccountId,
    action: &str,
    target: &str,
) -> Entry {
    Entry {
        id: 0,
        at_ms: now_ms(),
        account: Some(account.clone()),
        app: None,
        actor: actor(ActorKind::User, person.id.as_str(), &person.name, from),
        action: action.to_owned(),
        target: target.to_owned(),
        changes: Vec::new(),
    }
}

fn is_looking(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

impl Desk {
    /// Who is signed in with this secret.
    pub(super) async fn signed_in(self: &Arc<Self>, secret: Secret) -> Result<SignedIn, Problem> {
        let ended = || Problem::unauthorized("The session has ended: sign in again");
        self.ask(move |desk| {
            let now_ms = now_ms();
            let session = desk.store.session(&secret.digest())?;
            let session = session.filter(|session| session.is_good(now_ms)).ok_or_else(ended)?;
            if session.is_due(now_ms) {
                desk.store.session_seen(&session.id, now_ms)?;
            }
            let person = desk.store.person(&session.person)?.ok_or_else(ended)?;
            let accounts = desk.store.memberships(&person.id)?;
            Ok(SignedIn { person, accounts, session, secret })
        })
        .await
    }
}

impl Access {
    /// What they may do in an account, or with what belongs to none.
    pub(super) fn role_in(&self, account: Option<&str>) -> Option<Role> {
        let of_scope = |scope: &Scope| match scope {
            Scope::Read => Role::Viewer,
            Scope::Write => Role::Developer,
        };
        match &self.may {
            May::Everything(Scope::Write) => Some(Role::Owner),
            May::Everything(scope) => Some(of_scope(scope)),
            May::App(..) => None,
            May::Account(id, scope) => (account == Some(id.as_str())).then(|| of_scope(scope)),
            May::Person(signed_in) if signed_in.person.is_operator => Some(Role::Owner),
            May::Person(signed_in) => {
                let mut all = signed_in.accounts.iter();
                let found = all.find(|(own, _)| account == Some(own.id.as_str()));
                found.map(|(_, role)| *role)
            }
        }
    }

    /// What they may do with an app of an account, or of none.
    pub(super) fn role_for(&self, app: &AppId, account: Option<&str>) -> Option<Role> {
        match &self.may {
            May::App(own, scope) if own == app => match scope {
                Scope::Read => Some(Role::Viewer),
                Scope::Write => Some(Role::Developer),
            },
            _ => self.role_in(account),
        }
    }

    /// Whether they run the server.
    pub(super) fn is_operator(&self) -> bool {
        match &self.may {
            May::Everything(scope) => *scope == Scope::Write,
            May::Person(signed_in) => signed_in.person.is_operator,
            May::App(..) | May::Account(..) => false,
        }
    }

    /// Refuses those who do not run the server.
    pub(super) fn need_operator(&self) -> Result<(), Problem> {
        match self.is_operator() {
            true => Ok(()),
            false => Err(Problem::refused("Only an operator of this server can do that")),
        }
    }

    /// Who signed in; a token has nobody behind it.
    pub(super) fn signed_in(&self) -> Result<&SignedIn, Problem> {
        match &self.may {
            May::Person(signed_in) => Ok(signed_in),
            _ => Err(Problem::refused("This is for people who signed in, not for tokens")),
        }
    }

    /// An entry of the audit: what they did.
    pub(super) fn did(&self, action: &str, target: &str, changes: Vec<Change>) -> Entry {
        Entry {
            id: 0,
            at_ms: now_ms(),
            account: None,
            app: None,
            actor: self.actor.clone(),
            action: action.to_owned(),
            target: target.to_owned(),
            changes,
        }
    }
}

impl FromRequestParts<Arc<Desk>> for Access {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Desk>) -> Result<Self, Problem> {
        let access = parts.extensions.get::<Self>().cloned();
        access.ok_or_else(|| Problem::unauthorized("Expected a token or a session"))
    }
}

/// An app to which whoever asks may do what the method says.
#[derive(Debug, Clone)]
pub(super) struct Within {
    /// The app of the path.
    pub(super) app: AppId,
    /// The account that the app belongs to.
    pub(super) account: Option<AccountId>,
    /// Who asks.
    pub(super) access: Access,
    /// What they may do.
    pub(super) role: Role,
}

impl FromRequestParts<Arc<Desk>> for Within {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let id = parameter(parts, "app_id").await?;
        let access = Access::from_request_parts(parts, desk).await?;
        if matches!(&access.may, May::App(app, _) if app.as_str() != id) {
            return Err(Problem::forbidden());
        }
        let none = || Problem::not_found("app");
        let app = desk.apps.by_id(&id).ok_or_else(none)?;
        let account = app.live().owner.as_ref().map(|owner| owner.by.id.clone());
        // Whoever has no role there must not learn that it is there.
        let role = access.role_for(&app.id, account.as_deref()).ok_or_else(none)?;
        let account = account.and_then(|id| id.parse().ok());
        let within = Self { app: app.id.clone(), account, access, role };
        if !is_looking(&parts.method) {
            within.need(Role::Developer)?;
        }
        Ok(within)
    }
}

impl Within {
    /// Refuses those whose role is smaller.
    pub(super) fn need(&self, role: Role) -> Result<(), Problem> {
        need(self.role, role)
    }

    /// An entry of the audit: what they did to the app.
    pub(super) fn did(&self, action: &str, target: &str, changes: Vec<Change>) -> Entry {
        let (account, app) = (self.account.clone(), Some(self.app.clone()));
        Entry { account, app, ..self.access.did(action, target, changes) }
    }
}

/// An account in which whoever asks may do what the method says.
#[derive(Debug, Clone)]
pub(super) struct OfAccount {
    /// The account of the path.
    pub(super) account: Account,
    /// Who asks.
    pub(super) access: Access,
    /// What they may do.
    pub(super) role: Role,
}

impl FromRequestParts<Arc<Desk>> for OfAccount {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let none = || Problem::not_found("account");
        let id = parameter(parts, "account_id").await?;
        let access = Access::from_request_parts(parts, desk).await?;
        let role = access.role_in(Some(&id)).ok_or_else(none)?;
        let id: AccountId = id.parse().map_err(|_| none())?;
        let account = desk.ask(move |desk| Ok(desk.store.account(&id)?)).await?;
        let of_account = Self { account: account.ok_or_else(none)?, access, role };
        if !is_looking(&parts.method) {
            of_account.need(Role::Owner)?;
        }
        Ok(of_account)
    }
}

impl OfAccount {
    /// Refuses those whose role is smaller.
    pub(super) fn need(&self, role: Role) -> Result<(), Problem> {
        need(self.role, role)
    }

    /// An entry of the audit: what they did to the account.
    pub(super) fn did(&self, action: &str, target: &str, changes: Vec<Change>) -> Entry {
        let account = Some(self.account.id.clone());
        Entry { account, ..self.access.did(action, target, changes) }
    }
}

/// Refuses those whose role is smaller.
pub(super) fn need(has: Role, needs: Role) -> Result<(), Problem> {
    if has >= needs {
        return Ok(());
    }
    let (has, needs) = (has.name(), needs.name());
    Err(Problem::refused(&format!("A {has} cannot do that: it takes the role {needs}")))
}

/// The `{id}` of a path. One that cannot be is not there.
#[derive(Debug, Clone)]
pub(super) struct Named<T>(pub(super) T);

impl<T: std::str::FromStr> FromRequestParts<Arc<Desk>> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Desk>) -> Result<Self, Problem> {
        let id = parameter(parts, "id").await?;
        id.parse().map(Self).map_err(|_| Problem::not_found("id"))
    }
}

async fn parameter(parts: &mut Parts, name: &str) -> Result<String, Problem> {
    let none = || Problem::not_found("path");
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| none())?;
    params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).ok_or_else(none)
}
