//! The port to the place where people, accounts and what they did are kept.

use crate::{
    Account, AccountId, AuditFilter, Digest, Email, Entry, Invitation, InvitationId, Member,
    PasswordHash, Person, PersonId, Role, Secret, Session, SessionId, Token, TokenId,
};

/// Keeps people and accounts. Each call is all or nothing.
pub trait AccountStore: Send + Sync {
    /// What can go wrong there.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Whether anybody runs the server.
    ///
    /// # Errors
    /// When the store cannot be read, as with every question below.
    fn has_operator(&self) -> Result<bool, Self::Error>;

    /// What makes somebody the first operator: this from now on, if nothing does yet. It is forgotten when
    /// there is one.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn setup(&self, fresh: Secret) -> Result<Secret, Self::Error>;

    /// Somebody.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn person(&self, id: &PersonId) -> Result<Option<Person>, Self::Error>;

    /// Somebody by e-mail, with what is kept of the password.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn person_by_email(&self, email: &Email)
    -> Result<Option<(Person, PasswordHash)>, Self::Error>;

    /// Writes somebody down, new or changed; without a password the old one stays. False: somebody
    /// else has the e-mail, or is new and has no password.
    ///
    /// # Errors
    /// When the store cannot be written, as with every change below.
    fn put_person(
        &self,
        person: &Person,
        password: Option<&PasswordHash>,
    ) -> Result<bool, Self::Error>;

    /// Everybody who signs in, by e-mail.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn people(&self) -> Result<Vec<Person>, Self::Error>;

    /// Forgets somebody, with their sessions and memberships. False: they are not there, or an account
    /// would have no owner.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remove_person(&self, id: &PersonId) -> Result<bool, Self::Error>;

    /// Every account, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn accounts(&self) -> Result<Vec<Account>, Self::Error>;

    /// One account.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn account(&self, id: &AccountId) -> Result<Option<Account>, Self::Error>;

    /// Writes an account down, new or changed.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_account(&self, account: &Account) -> Result<(), Self::Error>;

    /// Removes an account with its members, invitations and tokens; not if it has apps. Whether it
    /// did.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn delete_account(&self, id: &AccountId) -> Result<bool, Self::Error>;

    /// Gives every stored app that belongs to nobody to an account; how many there were.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn adopt_apps(&self, id: &AccountId) -> Result<usize, Self::Error>;

    /// The accounts that somebody belongs to, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn memberships(&self, id: &PersonId) -> Result<Vec<(Account, Role)>, Self::Error>;

    /// Who belongs to an account, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn members(&self, id: &AccountId) -> Result<Vec<Member>, Self::Error>;

    /// Makes somebody a member, or gives a member a role. False: the account would have no owner.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_member(
        &self,
        account: &AccountId,
        person: &PersonId,
        role: Role,
        now_ms: u64,
    ) -> Result<bool, Self::Error>;

    /// Takes somebody out. False: the account would have no owner.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remove_member(&self, account: &AccountId, person: &PersonId) -> Result<bool, Self::Error>;

    /// Writes an invitation down; `digest` is that of its link's secret.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_invitation(&self, invitation: &Invitation, digest: &Digest) -> Result<(), Self::Error>;

    /// Invitations of an account that are good, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn invitations(&self, account: &AccountId, now_ms: u64)
    -> Result<Vec<Invitation>, Self::Error>;

    /// The invitation that a link opens.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn invitation(&self, digest: &Digest, now_ms: u64) -> Result<Option<Invitation>, Self::Error>;

    /// Takes an invitation back, or uses it up. Whether it was there: whoever gets false must let
    /// nobody in.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn end_invitation(&self, account: &AccountId, id: &InvitationId) -> Result<bool, Self::Error>;

    /// Writes a session down; `digest` is that of its secret.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_session(&self, session: &Session, digest: &Digest) -> Result<(), Self::Error>;

    /// The session that a secret opens, good or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn session(&self, digest: &Digest) -> Result<Option<Session>, Self::Error>;

    /// Notes that a session is used.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn session_seen(&self, id: &SessionId, now_ms: u64) -> Result<(), Self::Error>;

    /// The sessions of somebody, latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sessions(&self, person: &PersonId) -> Result<Vec<Session>, Self::Error>;

    /// Ends a session of somebody; whether it was there.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn end_session(&self, person: &PersonId, id: &SessionId) -> Result<bool, Self::Error>;

    /// Ends every session of somebody but one; how many there were.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn end_sessions(
        &self,
        person: &PersonId,
        but: Option<&SessionId>,
    ) -> Result<usize, Self::Error>;

    /// Writes a token down; `digest` is its own.
    ///
    /// # Errors
    /// When the store cannot be written, or another token has the digest.
    fn put_token(&self, token: &Token, digest: &Digest) -> Result<(), Self::Error>;

    /// Tokens, oldest first; of an account, or all.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tokens(&self, account: Option<&AccountId>) -> Result<Vec<Token>, Self::Error>;

    /// The token with a digest.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn token_by_digest(&self, digest: &Digest) -> Result<Option<Token>, Self::Error>;

    /// Notes that a token, as it was found, is used. Most uses write nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn token_used(&self, token: &Token, now_ms: u64) -> Result<(), Self::Error>;

    /// Revokes a token; whether it was there.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn revoke_token(&self, id: &TokenId) -> Result<bool, Self::Error>;

    /// Writes down what somebody did; its place is given here.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn record(&self, entry: &Entry) -> Result<(), Self::Error>;

    /// What was done, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn audit(&self, filter: &AuditFilter) -> Result<Vec<Entry>, Self::Error>;

    /// Forgets sessions and invitations that open nothing any more, and what was done before
    /// `audit_before_ms`.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn sweep_accounts(&self, now_ms: u64, audit_before_ms: u64) -> Result<(), Self::Error>;
}
