//! People, accounts, and what they did.

pub(crate) mod audit;
mod people;
mod sessions;
pub(crate) mod tokens;

use bellwire_accounts::{
    Account, AccountId, AccountStore, AuditFilter, Digest, Email, Entry, Invitation, InvitationId,
    Member, PasswordHash, Person, PersonId, Plan, Role, Secret, Session, SessionId, Token, TokenId,
};
use rusqlite::{Connection, Params, Row, params};

use crate::rows::{collect, int, number, parse, run, text};
use crate::{Sqlite, StoreError};

impl AccountStore for Sqlite {
    type Error = StoreError;

    fn has_operator(&self) -> Result<bool, StoreError> {
        self.read(people::has_operator)
    }

    fn setup(&self, fresh: Secret) -> Result<Secret, StoreError> {
        self.write(|connection| people::setup(connection, fresh))
    }

    fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.read(|connection| people::person(connection, id))
    }

    fn person_by_email(&self, email: &Email) -> Result<Option<(Person, PasswordHash)>, StoreError> {
        self.read(|connection| people::by_email(connection, email))
    }

    fn put_person(
        &self,
        person: &Person,
        password: Option<&PasswordHash>,
    ) -> Result<bool, StoreError> {
        self.write(|connection| people::put(connection, person, password))
    }

    fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.read(people::all)
    }

    fn remove_person(&self, id: &PersonId) -> Result<bool, StoreError> {
        self.attempt(|connection| {
            let accounts = memberships(connection, id)?;
            let is_there = people::remove(connection, id)?;
            let mut all_have_owners = true;
            for (account, role) in accounts {
                all_have_owners &=
                    role != Role::Owner || people::has_owner(connection, &account.id)?;
            }
            Ok(is_there && all_have_owners)
        })
    }

    fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read(|connection| find(connection, "TRUE ORDER BY name COLLATE NOCASE, id", []))
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        self.read(|connection| Ok(find(connection, "id = ?1", [id.as_str()])?.pop()))
    }

    fn put_account(&self, account: &Account) -> Result<(), StoreError> {
        self.write(|connection| put(connection, account))
    }

    fn delete_account(&self, id: &AccountId) -> Result<bool, StoreError> {
        self.write(|connection| delete(connection, id))
    }

    fn adopt_apps(&self, id: &AccountId) -> Result<usize, StoreError> {
        let sql = "UPDATE app SET account = ?1 WHERE account IS NULL";
        self.write(|connection| run(connection, sql, [id.as_str()]))
    }

    fn memberships(&self, id: &PersonId) -> Result<Vec<(Account, Role)>, StoreError> {
        self.read(|connection| memberships(connection, id))
    }

    fn members(&self, id: &AccountId) -> Result<Vec<Member>, StoreError> {
        self.read(|connection| people::members(connection, id))
    }

    fn put_member(
        &self,
        account: &AccountId,
        person: &PersonId,
        role: Role,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        self.attempt(|connection| {
            people::put_member(connection, account, person, role, now_ms)?;
            people::has_owner(connection, account)
        })
    }

    fn remove_member(&self, account: &AccountId, person: &PersonId) -> Result<bool, StoreError> {
        self.attempt(|connection| {
            people::remove_member(connection, account, person)?;
            people::has_owner(connection, account)
        })
    }

    fn put_invitation(&self, invitation: &Invitation, digest: &Digest) -> Result<(), StoreError> {
        self.write(|connection| people::put_invitation(connection, invitation, digest))
    }

    fn invitations(&self, account: &AccountId, now_ms: u64) -> Result<Vec<Invitation>, StoreError> {
        self.read(|connection| people::invitations(connection, account, now_ms))
    }

    fn invitation(&self, digest: &Digest, now_ms: u64) -> Result<Option<Invitation>, StoreError> {
        self.read(|connection| people::invitation(connection, digest, now_ms))
    }

    fn end_invitation(&self, account: &AccountId, id: &InvitationId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM invitation WHERE account = ?1 AND id = ?2";
        let which = (account.as_str(), id.as_str());
        self.write(|connection| Ok(run(connection, sql, which)? > 0))
    }

    fn put_session(&self, session: &Session, digest: &Digest) -> Result<(), StoreError> {
        self.write(|connection| sessions::put(connection, session, digest))
    }

    fn session(&self, digest: &Digest) -> Result<Option<Session>, StoreError> {
        self.read(|connection| Ok(sessions::find(connection, "hash = ?1", [digest])?.pop()))
    }

    fn session_seen(&self, id: &SessionId, now_ms: u64) -> Result<(), StoreError> {
        let sql = "UPDATE session SET seen_at_ms = ?2 WHERE id = ?1";
        self.write(|connection| run(connection, sql, params![id.as_str(), int(now_ms)]))?;
        Ok(())
    }

    fn sessions(&self, person: &PersonId) -> Result<Vec<Session>, StoreError> {
        let which = "person = ?1 ORDER BY seen_at_ms DESC, id";
        self.read(|connection| sessions::find(connection, which, [person.as_str()]))
    }

    fn end_session(&self, person: &PersonId, id: &SessionId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM session WHERE person = ?1 AND id = ?2";
        let which = (person.as_str(), id.as_str());
        self.write(|connection| Ok(run(connection, sql, which)? > 0))
    }

    fn end_sessions(
        &self,
        person: &PersonId,
        but: Option<&SessionId>,
    ) -> Result<usize, StoreError> {
        let sql = "DELETE FROM session WHERE person = ?1 AND id IS NOT ?2";
        let which = (person.as_str(), but.map(SessionId::as_str));
        self.write(|connection| run(connection, sql, which))
    }

    fn put_token(&self, token: &Token, digest: &Digest) -> Result<(), StoreError> {
        self.write(|connection| tokens::put(connection, token, digest))
    }

    fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<Token>, StoreError> {
        let which = "?1 IS NULL OR account = ?1";
        self.read(|connection| tokens::find(connection, which, [account.map(AccountId::as_str)]))
    }

    fn token_by_digest(&self, digest: &Digest) -> Result<Option<Token>, StoreError> {
        self.read(|connection| Ok(tokens::find(connection, "hash = ?1", [digest])?.pop()))
    }

    fn token_used(&self, token: &Token, now_ms: u64) -> Result<(), StoreError> {
        if !tokens::is_due(token, now_ms) {
            return Ok(());
        }
        let sql = "UPDATE token SET last_used_ms = ?2 WHERE id = ?1";
        self.write(|connection| run(connection, sql, params![token.id.as_str(), int(now_ms)]))?;
        Ok(())
    }

    fn revoke_token(&self, id: &TokenId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM token WHERE id = ?1";
        self.write(|connection| Ok(run(connection, sql, [id.as_str()])? > 0))
    }

    fn record(&self, entry: &Entry) -> Result<(), StoreError> {
        self.write(|connection| audit::record(connection, entry))
    }

    fn audit(&self, filter: &AuditFilter) -> Result<Vec<Entry>, StoreError> {
        self.read(|connection| audit::find(connection, filter))
    }

    fn sweep_accounts(&self, now_ms: u64, audit_before_ms: u64) -> Result<(), StoreError> {
        self.write(|connection| {
            sessions::sweep(connection, now_ms)?;
            run(connection, "DELETE FROM invitation WHERE expires_at_ms <= ?1", [int(now_ms)])?;
            run(connection, "DELETE FROM audit WHERE at_ms < ?1", [int(audit_before_ms)])?;
            Ok(())
        })
    }
}

impl Sqlite {
    /// Writes if the work says so, and otherwise changes nothing.
    fn attempt(
        &self,
        work: impl FnOnce(&Connection) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        self.write_if(|connection| work(connection).map(|good| (good, good)))
    }
}

fn find(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<Account>, StoreError> {
    let sql = format!("SELECT id, name, plan, created_at_ms FROM account WHERE {which}");
    collect(connection, &sql, params, |row| account(row, 0))
}

/// An account in four columns.
fn account(row: &Row<'_>, at: usize) -> Result<Account, StoreError> {
    Ok(Account {
        id: parse("account", text(row, at)?)?,
        name: row.get(at + 1)?,
        plan: plan(text(row, at + 2)?)?,
        created_at_ms: number(row, at + 3)?,
    })
}

/// A plan as it is kept.
pub(crate) fn plan(json: &str) -> Result<Plan, StoreError> {
    serde_json::from_str(json)
        .map_err(|error| StoreError::Row { table: "account", why: error.to_string() })
}

/// A plan as it is to be kept.
pub(crate) fn plan_text(plan: &Plan) -> Result<String, StoreError> {
    serde_json::to_string(plan)
        .map_err(|error| StoreError::Row { table: "account", why: error.to_string() })
}

fn put(connection: &Connection, account: &Account) -> Result<(), StoreError> {
    let plan = plan_text(&account.plan)?;
    run(
        connection,
        "INSERT INTO account (id, name, plan, created_at_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, plan = excluded.plan",
        params![account.id.as_str(), account.name, plan, int(account.created_at_ms)],
    )?;
    Ok(())
}

fn delete(connection: &Connection, id: &AccountId) -> Result<bool, StoreError> {
    let mut apps = connection.prepare_cached("SELECT 1 FROM app WHERE account = ?1")?;
    if apps.exists([id.as_str()])? {
        return Ok(false);
    }
    for sql in ["DELETE FROM token WHERE account = ?1", "DELETE FROM audit WHERE account = ?1"] {
        run(connection, sql, [id.as_str()])?;
    }
    Ok(run(connection, "DELETE FROM account WHERE id = ?1", [id.as_str()])? > 0)
}

fn memberships(
    connection: &Connection,
    person: &PersonId,
) -> Result<Vec<(Account, Role)>, StoreError> {
    let sql = "SELECT a.id, a.name, a.plan, a.created_at_ms, m.role
         FROM member m JOIN account a ON a.id = m.account
         WHERE m.person = ?1 ORDER BY a.name COLLATE NOCASE, a.id";
    collect(connection, sql, [person.as_str()], |row| {
        Ok((account(row, 0)?, parse("member", text(row, 4)?)?))
    })
}
