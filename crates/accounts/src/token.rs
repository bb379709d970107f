//! Tokens of the management API.

use std::str::FromStr;

use bellwire_protocol::AppId;

use crate::{AccountId, TokenId, Unfit};

/// A token as people see it after it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name for the machine.
    pub id: TokenId,
    /// Its name for people.
    pub name: String,
    /// The only account it is good for; none: all, if `app` does not say less.
    pub account: Option<AccountId>,
    /// The only app it is good for.
    pub app: Option<AppId>,
    /// What may be done with it.
    pub scope: Scope,
    /// Who made it, by name.
    pub created_by: String,
    /// When it was made, in milliseconds since the epoch.
    pub created_at_ms: u64,
    /// When it was last used, to the minute.
    pub last_used_ms: Option<u64>,
}

/// What may be done with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Only looking, as a viewer does.
    Read,
    /// Also changing, as a developer does.
    Write,
}

impl Scope {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl FromStr for Scope {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            _ => Err(Unfit("expected read or write".into())),
        }
    }
}
