//! People, who belongs to an account, and who is invited.

use ::postgres::Row;
use bellwire_accounts::{
    AccountId, Digest, Email, Invitation, Member, PasswordHash, Person, PersonId, Role, Secret,
};

use crate::StoreError;
use crate::postgres::rows::{clean, number, owned, text};
use crate::postgres::session::{Params, Session};
use crate::rows::{int, parse};

/// The columns of [`read_person`].
const PERSON: &str = "id, email, name, is_operator, created_at_ms";
/// The columns of [`read_invitation`].
const INVITATION: &str = "id, account, email, role, invited_by, created_at_ms, expires_at_ms";

/// The secret that is kept is the one that was there first.
pub(super) fn setup(session: &mut Session, fresh: Secret) -> Result<Secret, StoreError> {
    if let Some(kept) = session.one("SELECT secret FROM setup", &[], |row| owned(row, 0))? {
        return Ok(Secret::new(kept));
    }
    session.run("INSERT INTO setup (secret) VALUES ($1)", &[&fresh.reveal()])?;
    Ok(fresh)
}

pub(super) fn person(session: &mut Session, id: &PersonId) -> Result<Option<Person>, StoreError> {
    let sql = format!("SELECT {PERSON} FROM person WHERE id = $1");
    session.one(&sql, &[&id.as_str()], read_person)
}

pub(super) fn all(session: &mut Session) -> Result<Vec<Person>, StoreError> {
    session.collect(&format!("SELECT {PERSON} FROM person ORDER BY email"), &[], read_person)
}

/// What belongs to them goes along.
pub(super) fn remove(session: &mut Session, id: &PersonId) -> Result<bool, StoreError> {
    Ok(session.run("DELETE FROM person WHERE id = $1", &[&id.as_str()])? > 0)
}

pub(super) fn by_email(
    session: &mut Session,
    email: &Email,
) -> Result<Option<(Person, PasswordHash)>, StoreError> {
    let sql = format!("SELECT {PERSON}, password FROM person WHERE email = $1");
    session.one(&sql, &[&email.as_str()], |row| {
        Ok((read_person(row)?, PasswordHash::kept(owned(row, 5)?)))
    })
}

fn read_person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: parse("person", text(row, 0)?)?,
        email: parse("person", text(row, 1)?)?,
        name: owned(row, 2)?,
        is_operator: row.try_get(3)?,
        created_at_ms: number(row, 4)?,
    })
}

pub(super) fn put(
    session: &mut Session,
    person: &Person,
    password: Option<&PasswordHash>,
) -> Result<bool, StoreError> {
    let (id, email, name) = (person.id.as_str(), person.email.as_str(), clean(&person.name));
    let others = "SELECT 1 FROM person WHERE email = $1 AND id <> $2";
    if session.exists(others, &[&email, &id])? {
        return Ok(false);
    }
    if person.is_operator {
        session.run("DELETE FROM setup", &[])?;
    }
    let password = password.map(PasswordHash::as_str);
    let changed = session.run(
        "UPDATE person SET email = $2, name = $3, is_operator = $4,
             password = COALESCE($5, password) WHERE id = $1",
        &[&id, &email, &name, &person.is_operator, &password],
    )?;
    let Some(password) = password.filter(|_| changed == 0) else { return Ok(changed > 0) };
    session.run(
        "INSERT INTO person (id, email, name, password, is_operator, created_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[&id, &email, &name, &password, &person.is_operator, &int(person.created_at_ms)],
    )?;
    Ok(true)
}

pub(super) fn members(
    session: &mut Session,
    account: &AccountId,
) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT p.id, p.email, p.name, m.role, m.joined_at_ms
         FROM member m JOIN person p ON p.id = m.person
         WHERE m.account = $1 ORDER BY m.joined_at_ms, p.id";
    session.collect(sql, &[&account.as_str()], |row| {
        Ok(Member {
            person: parse("member", text(row, 0)?)?,
            email: parse("member", text(row, 1)?)?,
            name: owned(row, 2)?,
            role: parse("member", text(row, 3)?)?,
            joined_at_ms: number(row, 4)?,
        })
    })
}

pub(super) fn put_member(
    session: &mut Session,
    account: &AccountId,
    person: &PersonId,
    role: Role,
    now_ms: u64,
) -> Result<(), StoreError> {
    session.run(
        "INSERT INTO member (account, person, role, joined_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account, person) DO UPDATE SET role = excluded.role",
        &[&account.as_str(), &person.as_str(), &role.name(), &int(now_ms)],
    )?;
    Ok(())
}

pub(super) fn remove_member(
    session: &mut Session,
    account: &AccountId,
    person: &PersonId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM member WHERE account = $1 AND person = $2";
    session.run(sql, &[&account.as_str(), &person.as_str()])?;
    Ok(())
}

pub(super) fn has_owner(session: &mut Session, account: &AccountId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM member WHERE account = $1 AND role = 'owner' LIMIT 1";
    session.exists(sql, &[&account.as_str()])
}

pub(super) fn put_invitation(
    session: &mut Session,
    invitation: &Invitation,
    digest: &Digest,
) -> Result<(), StoreError> {
    session.run(
        "INSERT INTO invitation
             (id, account, hash, email, role, invited_by, created_at_ms, expires_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &invitation.id.as_str(),
            &invitation.account.as_str(),
            &&digest[..],
            &invitation.email.as_ref().map(Email::as_str),
            &invitation.role.name(),
            &clean(&invitation.invited_by),
            &int(invitation.created_at_ms),
            &int(invitation.expires_at_ms),
        ],
    )?;
    Ok(())
}

pub(super) fn invitations(
    session: &mut Session,
    account: &AccountId,
    now_ms: u64,
) -> Result<Vec<Invitation>, StoreError> {
    let which = "account = $1 AND expires_at_ms > $2 ORDER BY created_at_ms DESC, id";
    find_invitations(session, which, &[&account.as_str(), &int(now_ms)])
}

pub(super) fn invitation(
    session: &mut Session,
    digest: &Digest,
    now_ms: u64,
) -> Result<Option<Invitation>, StoreError> {
    let which = "hash = $1 AND expires_at_ms > $2";
    Ok(find_invitations(session, which, &[&&digest[..], &int(now_ms)])?.pop())
}

fn find_invitations(
    session: &mut Session,
    which: &str,
    params: Params<'_>,
) -> Result<Vec<Invitation>, StoreError> {
    let sql = format!("SELECT {INVITATION} FROM invitation WHERE {which}");
    session.collect(&sql, params, read_invitation)
}

fn read_invitation(row: &Row) -> Result<Invitation, StoreError> {
    let email: Option<&str> = row.try_get(2)?;
    Ok(Invitation {
        id: parse("invitation", text(row, 0)?)?,
        account: parse("invitation", text(row, 1)?)?,
        email: email.map(|email| parse("invitation", email)).transpose()?,
        role: parse("invitation", text(row, 3)?)?,
        invited_by: owned(row, 4)?,
        created_at_ms: number(row, 5)?,
        expires_at_ms: number(row, 6)?,
    })
}
