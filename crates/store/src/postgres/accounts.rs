//! People, accounts, and what they did, as in [`crate::accounts`].

mod audit;
mod people;
mod sessions;
mod tokens;

use ::postgres::Row;
use bellwire_accounts::{
    Account, AccountId, AccountStore, AuditFilter, Digest, Email, Entry, Invitation, InvitationId,
    Member, PasswordHash, Person, PersonId, Role, Secret, Session, SessionId, Token, TokenId,
};

use super::Postgres;
use super::rows::{clean, number, owned, text};
use super::session::{self, Params};
use crate::StoreError;
use crate::accounts::{plan, plan_text, tokens::is_due};
use crate::rows::{int, parse};

impl AccountStore for Postgres {
    type Error = StoreError;

    fn has_operator(&self) -> Result<bool, StoreError> {
        self.alone(|session| session.exists("SELECT 1 FROM person WHERE is_operator", &[]))
    }

    fn setup(&self, fresh: Secret) -> Result<Secret, StoreError> {
        self.write(|session| people::setup(session, fresh))
    }

    fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.alone(|session| people::person(session, id))
    }

    fn person_by_email(&self, email: &Email) -> Result<Option<(Person, PasswordHash)>, StoreError> {
        self.alone(|session| people::by_email(session, email))
    }

    fn put_person(
        &self,
        person: &Person,
        password: Option<&PasswordHash>,
    ) -> Result<bool, StoreError> {
        self.write(|session| people::put(session, person, password))
    }

    fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.alone(people::all)
    }

    fn remove_person(&self, id: &PersonId) -> Result<bool, StoreError> {
        self.attempt(|session| {
            let accounts = memberships(session, id)?;
            let is_there = people::remove(session, id)?;
            let mut all_have_owners = true;
            for (account, role) in accounts {
                all_have_owners &= role != Role::Owner || people::has_owner(session, &account.id)?;
            }
            Ok(is_there && all_have_owners)
        })
    }

    fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.alone(|session| find(session, "TRUE ORDER BY lower(name), id", &[]))
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        self.alone(|session| Ok(find(session, "id = $1", &[&id.as_str()])?.pop()))
    }

    fn put_account(&self, account: &Account) -> Result<(), StoreError> {
        self.write(|session| put(session, account))
    }

    fn delete_account(&self, id: &AccountId) -> Result<bool, StoreError> {
        self.write(|session| delete(session, id))
    }

    fn adopt_apps(&self, id: &AccountId) -> Result<usize, StoreError> {
        let sql = "UPDATE app SET account = $1 WHERE account IS NULL";
        self.write(|session| Ok(session.run(sql, &[&id.as_str()])? as usize))
    }

    fn memberships(&self, id: &PersonId) -> Result<Vec<(Account, Role)>, StoreError> {
        self.alone(|session| memberships(session, id))
    }

    fn members(&self, id: &AccountId) -> Result<Vec<Member>, StoreError> {
        self.alone(|session| people::members(session, id))
    }

    fn put_member(
        &self,
        account: &AccountId,
        person: &PersonId,
        role: Role,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        self.attempt(|session| {
            people::put_member(session, account, person, role, now_ms)?;
            people::has_owner(session, account)
        })
    }

    fn remove_member(&self, account: &AccountId, person: &PersonId) -> Result<bool, StoreError> {
        self.attempt(|session| {
            people::remove_member(session, account, person)?;
            people::has_owner(session, account)
        })
    }

    fn put_invitation(&self, invitation: &Invitation, digest: &Digest) -> Result<(), StoreError> {
        self.write(|session| people::put_invitation(session, invitation, digest))
    }

    fn invitations(&self, account: &AccountId, now_ms: u64) -> Result<Vec<Invitation>, StoreError> {
        self.alone(|session| people::invitations(session, account, now_ms))
    }

    fn invitation(&self, digest: &Digest, now_ms: u64) -> Result<Option<Invitation>, StoreError> {
        self.alone(|session| people::invitation(session, digest, now_ms))
    }

    fn end_invitation(&self, account: &AccountId, id: &InvitationId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM invitation WHERE account = $1 AND id = $2";
        self.write(|session| Ok(session.run(sql, &[&account.as_str(), &id.as_str()])? > 0))
    }

    fn put_session(&self, session: &Session, digest: &Digest) -> Result<(), StoreError> {
        self.write(|connection| sessions::put(connection, session, digest))
    }

    fn session(&self, digest: &Digest) -> Result<Option<Session>, StoreError> {
        self.alone(|session| Ok(sessions::find(session, "hash = $1", &[&&digest[..]])?.pop()))
    }

    fn session_seen(&self, id: &SessionId, now_ms: u64) -> Result<(), StoreError> {
        let sql = "UPDATE session SET seen_at_ms = $2 WHERE id = $1";
        self.alone(|session| session.run(sql, &[&id.as_str(), &int(now_ms)]))?;
        Ok(())
    }

    fn sessions(&self, person: &PersonId) -> Result<Vec<Session>, StoreError> {
        let which = "person = $1 ORDER BY seen_at_ms DESC, id";
        self.alone(|session| sessions::find(session, which, &[&person.as_str()]))
    }

    fn end_session(&self, person: &PersonId, id: &SessionId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM session WHERE person = $1 AND id = $2";
        self.write(|session| Ok(session.run(sql, &[&person.as_str(), &id.as_str()])? > 0))
    }

    fn end_sessions(
        &self,
        person: &PersonId,
        but: Option<&SessionId>,
    ) -> Result<usize, StoreError> {
        let sql = "DELETE FROM session WHERE person = $1 AND id IS DISTINCT FROM $2";
        let but = but.map(SessionId::as_str);
        self.write(|session| Ok(session.run(sql, &[&person.as_str(), &but])? as usize))
    }

    fn put_token(&self, token: &Token, digest: &Digest) -> Result<(), StoreError> {
        self.write(|session| tokens::put(session, token, digest))
    }

    fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<Token>, StoreError> {
        let which = "$1::text IS NULL OR account = $1";
        self.alone(|session| tokens::find(session, which, &[&account.map(AccountId::as_str)]))
    }

    fn token_by_digest(&self, digest: &Digest) -> Result<Option<Token>, StoreError> {
        self.alone(|session| Ok(tokens::find(session, "hash = $1", &[&&digest[..]])?.pop()))
    }

    fn token_used(&self, token: &Token, now_ms: u64) -> Result<(), StoreError> {
        if !is_due(token, now_ms) {
            return Ok(());
        }
        let sql = "UPDATE token SET last_used_ms = $2 WHERE id = $1";
        self.alone(|session| session.run(sql, &[&token.id.as_str(), &int(now_ms)]))?;
        Ok(())
    }

    fn revoke_token(&self, id: &TokenId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM token WHERE id = $1";
        self.write(|session| Ok(session.run(sql, &[&id.as_str()])? > 0))
    }

    fn record(&self, entry: &Entry) -> Result<(), StoreError> {
        self.write(|session| audit::record(session, entry))
    }

    fn audit(&self, filter: &AuditFilter) -> Result<Vec<Entry>, StoreError> {
        self.alone(|session| audit::find(session, filter))
    }

    fn sweep_accounts(&self, now_ms: u64, audit_before_ms: u64) -> Result<(), StoreError> {
        self.write(|session| {
            sessions::sweep(session, now_ms)?;
            session.run("DELETE FROM invitation WHERE expires_at_ms <= $1", &[&int(now_ms)])?;
            session.run("DELETE FROM audit WHERE at_ms < $1", &[&int(audit_before_ms)])?;
            Ok(())
        })
    }
}

impl Postgres {
    /// Writes if the work says so, and otherwise changes nothing.
    fn attempt(
        &self,
        work: impl FnOnce(&mut session::Session) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        self.write_if(|session| work(session).map(|good| (good, good)))
    }
}

fn find(
    session: &mut session::Session,
    which: &str,
    params: Params<'_>,
) -> Result<Vec<Account>, StoreError> {
    let sql = format!("SELECT id, name, plan, created_at_ms FROM account WHERE {which}");
    session.collect(&sql, params, account)
}

/// An account in the first four columns.
fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: parse("account", text(row, 0)?)?,
        name: owned(row, 1)?,
        plan: plan(text(row, 2)?)?,
        created_at_ms: number(row, 3)?,
    })
}

fn put(session: &mut session::Session, account: &Account) -> Result<(), StoreError> {
    let (id, plan) = (account.id.as_str(), plan_text(&account.plan)?);
    session.run(
        "INSERT INTO account (id, name, plan, created_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, plan = excluded.plan",
        &[&id, &clean(&account.name), &plan, &int(account.created_at_ms)],
    )?;
    Ok(())
}

fn delete(session: &mut session::Session, id: &AccountId) -> Result<bool, StoreError> {
    let id = id.as_str();
    if session.exists("SELECT 1 FROM app WHERE account = $1 LIMIT 1", &[&id])? {
        return Ok(false);
    }
    session.run("DELETE FROM token WHERE account = $1", &[&id])?;
    session.run("DELETE FROM audit WHERE account = $1", &[&id])?;
    Ok(session.run("DELETE FROM account WHERE id = $1", &[&id])? > 0)
}

fn memberships(
    session: &mut session::Session,
    person: &PersonId,
) -> Result<Vec<(Account, Role)>, StoreError> {
    let sql = "SELECT a.id, a.name, a.plan, a.created_at_ms, m.role
         FROM member m JOIN account a ON a.id = m.account
         WHERE m.person = $1 ORDER BY lower(a.name), a.id";
    session.collect(sql, &[&person.as_str()], |row| {
        Ok((account(row)?, parse("member", text(row, 4)?)?))
    })
}
