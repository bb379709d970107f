//! People: signing in and out, the first operator, invitations, and what each may change of their own.

mod invited;
mod me;
mod session;
mod setup;

use std::sync::Arc;

use bellwire_accounts::{
    Account, Digest, Email, Password, PasswordHash, Person, PersonId, Role, Secret, Session,
    SessionId,
};
use http::Method;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::auth::From;
use super::problem::Problem;
use crate::ops::clock::now_ms;
use crate::ops::people;
use crate::ops::random::{new_id, random_letters};

/// The paths of people.
pub(super) fn paths() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(session::show, session::sign_in, session::sign_out))
        .routes(routes!(me::change))
        .routes(routes!(me::sessions))
        .routes(routes!(me::end_session))
        .routes(routes!(setup::show, setup::create))
        .routes(routes!(invited::show))
        .routes(routes!(invited::accept))
}

/// Whether a path is there for those who have not signed in.
pub(super) fn is_for_everybody(method: &Method, path: &str) -> bool {
    let Some(path) = path.strip_prefix("/management/v1/") else { return false };
    match path {
        "session" => *method == Method::POST,
        "setup" | "invitation" | "invitation/accept" => true,
        _ => false,
    }
}

/// A session that has just begun, and what opens it.
pub(super) struct Begun {
    pub(super) person: Person,
    pub(super) accounts: Vec<(Account, Role)>,
    pub(super) session: Session,
    pub(super) secret: Secret,
}

impl Desk {
    /// Begins a session of somebody.
    fn begin(&self, person: Person, from: From, agent: String) -> Result<Begun, Problem> {
        let now_ms = now_ms();
        let secret = new_secret()?;
        let session = Session {
            id: named(SessionId::PREFIX)?,
            person: person.id.clone(),
            created_at_ms: now_ms,
            seen_at_ms: now_ms,
            address: from.text(),
            agent,
        };
        self.store.put_session(&session, &secret.digest())?;
        let accounts = self.accounts_of(&person)?;
        Ok(Begun { person, accounts, session, secret })
    }

    /// The accounts that somebody sees; an operator sees all.
    pub(super) fn accounts_of(&self, person: &Person) -> Result<Vec<(Account, Role)>, Problem> {
        if person.is_operator {
            let all = self.store.accounts()?.into_iter();
            return Ok(all.map(|account| (account, Role::Owner)).collect());
        }
        Ok(self.store.memberships(&person.id)?)
    }

    /// Writes somebody new down.
    fn welcome(&self, newcomer: Newcomer, is_operator: bool) -> Result<Person, Problem> {
        let person = Person {
            id: named(PersonId::PREFIX)?,
            email: newcomer.email,
            name: newcomer.name,
            is_operator,
            created_at_ms: now_ms(),
        };
        match self.store.put_person(&person, Some(&newcomer.password))? {
            true => Ok(person),
            false => Err(Problem::invalid("email", "somebody has this address already: sign in")),
        }
    }
}

/// Somebody who is not known yet.
struct Newcomer {
    name: String,
    email: Email,
    password: PasswordHash,
}

/// Hashes a new password, which takes a while on purpose.
fn hashed(password: &str) -> Result<PasswordHash, Problem> {
    people::hash(&new_password(password)?).map_err(|error| Problem::internal(&error))
}

fn new_password(password: &str) -> Result<Password, Problem> {
    Password::new(password).map_err(|unfit| Problem::invalid("password", &unfit.to_string()))
}

fn email(text: &str) -> Result<Email, Problem> {
    text.parse()
        .map_err(|unfit: bellwire_accounts::Unfit| Problem::invalid("email", &unfit.to_string()))
}

/// A name for people.
pub(super) fn name(text: &str) -> Result<String, Problem> {
    Account::name(text).map_err(|unfit| Problem::invalid("name", &unfit.to_string()))
}

/// A random name for something new.
pub(super) fn named<T: std::str::FromStr<Err = bellwire_accounts::Unfit>>(
    prefix: &str,
) -> Result<T, Problem> {
    new_id(prefix).map_err(|error| Problem::internal(&error))
}

/// Something that opens something.
pub(super) fn new_secret() -> Result<Secret, Problem> {
    random_letters().map(Secret::new).map_err(|error| Problem::internal(&error))
}

/// Whether a text has a digest; takes as long either way.
fn opens(text: &str, digest: &Digest) -> bool {
    use subtle::ConstantTimeEq as _;
    Secret::new(text).digest().ct_eq(digest).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signing_in_and_links_are_for_everybody() {
        let open = |method: Method, path: &str| is_for_everybody(&method, path);
        assert!(open(Method::POST, "/management/v1/session"));
        assert!(open(Method::GET, "/management/v1/setup"));
        assert!(open(Method::POST, "/management/v1/invitation/accept"));
        assert!(!open(Method::GET, "/management/v1/session"));
        assert!(!open(Method::DELETE, "/management/v1/session"));
        assert!(!open(Method::GET, "/management/v1/setup/more"));
        assert!(!open(Method::POST, "/management/v1/session/user"));
        assert!(!open(Method::GET, "/management/v1/apps"));
        assert!(!open(Method::GET, "/management/v1/accounts/acc_1/invitations"));
    }
}
