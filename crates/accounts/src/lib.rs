//! People who manage apps, the accounts they belong to, and what each may do. Values and rules only:
//! the time is an argument, randomness too, and where all of it is kept is a port.

mod account;
mod audit;
mod email;
mod ids;
mod password;
mod person;
mod role;
mod secret;
mod store;
mod throttle;
mod token;

pub use account::{Account, Invitation, Member, Plan};
pub use audit::{Actor, ActorKind, AuditFilter, Change, Entry, changes};
pub use email::Email;
pub use ids::{AccountId, InvitationId, PersonId, SessionId, TokenId};
pub use password::{Password, PasswordHash};
pub use person::{Person, Session};
pub use role::Role;
pub use secret::{Digest, Secret};
pub use store::AccountStore;
pub use throttle::{Throttle, Verdict};
pub use token::{Scope, Token};

/// A text that is not what it should be; says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);
