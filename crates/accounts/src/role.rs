//! What a member of an account may do.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Unfit;

/// The roles, the smaller first: each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything but secrets, changes nothing.
    Viewer,
    /// Makes and changes apps, keys and webhooks, and sees secrets.
    Developer,
    /// Also invites and removes members, makes tokens, deletes apps.
    Owner,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Developer, Self::Owner];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for Role {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| Unfit("expected owner, developer or viewer".into()))
    }
}
