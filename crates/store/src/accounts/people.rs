//! People, who belongs to an account, and who is invited.

use bellwire_accounts::{
    AccountId, Digest, Email, Invitation, Member, PasswordHash, Person, PersonId, Role, Secret,
};
use rusqlite::{Connection, Params, Row, params};

use crate::StoreError;
use crate::rows::{collect, int, number, parse, run, text};

/// The columns of [`read_person`].
const PERSON: &str = "id, email, name, is_operator, created_at_ms";
/// The columns of [`read_invitation`].
const INVITATION: &str = "id, account, email, role, invited_by, created_at_ms, expires_at_ms";

pub(super) fn has_operator(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached("SELECT 1 FROM person WHERE is_operator")?.exists([])?)
}

/// The secret that is kept is the one that was there first.
pub(super) fn setup(connection: &Connection, fresh: Secret) -> Result<Secret, StoreError> {
    let kept = collect(connection, "SELECT secret FROM setup", [], |row| {
        Ok(Secret::new(row.get::<_, String>(0)?))
    })?;
    if let Some(kept) = kept.into_iter().next() {
        return Ok(kept);
    }
    run(connection, "INSERT INTO setup (secret) VALUES (?1)", [fresh.reveal()])?;
    Ok(fresh)
}

pub(super) fn person(connection: &Connection, id: &PersonId) -> Result<Option<Person>, StoreError> {
    let sql = format!("SELECT {PERSON} FROM person WHERE id = ?1");
    Ok(collect(connection, &sql, [id.as_str()], read_person)?.pop())
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Person>, StoreError> {
    collect(connection, &format!("SELECT {PERSON} FROM person ORDER BY email"), [], read_person)
}

/// What belongs to them goes along.
pub(super) fn remove(connection: &Connection, id: &PersonId) -> Result<bool, StoreError> {
    Ok(run(connection, "DELETE FROM person WHERE id = ?1", [id.as_str()])? > 0)
}

pub(super) fn by_email(
    connection: &Connection,
    email: &Email,
) -> Result<Option<(Person, PasswordHash)>, StoreError> {
    let sql = format!("SELECT {PERSON}, password FROM person WHERE email = ?1");
    let mut found = collect(connection, &sql, [email.as_str()], |row| {
        Ok((read_person(row)?, PasswordHash::kept(row.get(5)?)))
    })?;
    Ok(found.pop())
}

fn read_person(row: &Row<'_>) -> Result<Person, StoreError> {
    Ok(Person {
        id: parse("person", text(row, 0)?)?,
        email: parse("person", text(row, 1)?)?,
        name: row.get(2)?,
        is_operator: row.get(3)?,
        created_at_ms: number(row, 4)?,
    })
}

pub(super) fn put(
    connection: &Connection,
    person: &Person,
    password: Option<&PasswordHash>,
) -> Result<bool, StoreError> {
    let (id, email) = (person.id.as_str(), person.email.as_str());
    let mut others =
        connection.prepare_cached("SELECT 1 FROM person WHERE email = ?1 AND id <> ?2")?;
    if others.exists([email, id])? {
        return Ok(false);
    }
    if person.is_operator {
        run(connection, "DELETE FROM setup", [])?;
    }
    let changed = run(
        connection,
        "UPDATE person SET email = ?2, name = ?3, is_operator = ?4,
             password = COALESCE(?5, password) WHERE id = ?1",
        params![id, email, person.name, person.is_operator, password.map(PasswordHash::as_str)],
    )?;
    let Some(password) = password.filter(|_| changed == 0) else { return Ok(changed > 0) };
    run(
        connection,
        "INSERT INTO person (id, email, name, password, is_operator, created_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            id,
            email,
            person.name,
            password.as_str(),
            person.is_operator,
            int(person.created_at_ms)
        ],
    )?;
    Ok(true)
}

pub(super) fn members(
    connection: &Connection,
    account: &AccountId,
) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT p.id, p.email, p.name, m.role, m.joined_at_ms
         FROM member m JOIN person p ON p.id = m.person
         WHERE m.account = ?1 ORDER BY m.joined_at_ms, p.id";
    collect(connection, sql, [account.as_str()], |row| {
        Ok(Member {
            person: parse("member", text(row, 0)?)?,
            email: parse("member", text(row, 1)?)?,
            name: row.get(2)?,
            role: parse("member", text(row, 3)?)?,
            joined_at_ms: number(row, 4)?,
        })
    })
}

pub(super) fn put_member(
    connection: &Connection,
    account: &AccountId,
    person: &PersonId,
    role: Role,
    now_ms: u64,
) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO member (account, person, role, joined_at_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (account, person) DO UPDATE SET role = excluded.role",
        params![account.as_str(), person.as_str(), role.name(), int(now_ms)],
    )?;
    Ok(())
}

pub(super) fn remove_member(
    connection: &Connection,
    account: &AccountId,
    person: &PersonId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM member WHERE account = ?1 AND person = ?2";
    run(connection, sql, [account.as_str(), person.as_str()])?;
    Ok(())
}

pub(super) fn has_owner(connection: &Connection, account: &AccountId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM member WHERE account = ?1 AND role = 'owner'";
    Ok(connection.prepare_cached(sql)?.exists([account.as_str()])?)
}

pub(super) fn put_invitation(
    connection: &Connection,
    invitation: &Invitation,
    digest: &Digest,
) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO invitation
             (id, account, hash, email, role, invited_by, created_at_ms, expires_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            invitation.id.as_str(),
            invitation.account.as_str(),
            digest,
            invitation.email.as_ref().map(Email::as_str),
            invitation.role.name(),
            invitation.invited_by,
            int(invitation.created_at_ms),
            int(invitation.expires_at_ms),
        ],
    )?;
    Ok(())
}

pub(super) fn invitations(
    connection: &Connection,
    account: &AccountId,
    now_ms: u64,
) -> Result<Vec<Invitation>, StoreError> {
    let which = "account = ?1 AND expires_at_ms > ?2 ORDER BY created_at_ms DESC, id";
    find_invitations(connection, which, params![account.as_str(), int(now_ms)])
}

pub(super) fn invitation(
    connection: &Connection,
    digest: &Digest,
    now_ms: u64,
) -> Result<Option<Invitation>, StoreError> {
    let which = "hash = ?1 AND expires_at_ms > ?2";
    Ok(find_invitations(connection, which, params![digest, int(now_ms)])?.pop())
}

fn find_invitations(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<Invitation>, StoreError> {
    let sql = format!("SELECT {INVITATION} FROM invitation WHERE {which}");
    collect(connection, &sql, params, read_invitation)
}

fn read_invitation(row: &Row<'_>) -> Result<Invitation, StoreError> {
    let email: Option<String> = row.get(2)?;
    Ok(Invitation {
        id: parse("invitation", text(row, 0)?)?,
        account: parse("invitation", text(row, 1)?)?,
        email: email.map(|email| parse("invitation", &email)).transpose()?,
        role: parse("invitation", text(row, 3)?)?,
        invited_by: row.get(4)?,
        created_at_ms: number(row, 5)?,
        expires_at_ms: number(row, 6)?,
    })
}
