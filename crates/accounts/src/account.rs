//! Accounts: who belongs to them and how much they may use.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Email, InvitationId, PersonId, Role, Unfit};

/// Some people and their apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name for the machine.
    pub id: AccountId,
    /// Its name for people.
    pub name: String,
    /// How much it may use.
    pub plan: Plan,
    /// When it was made, in milliseconds since the epoch.
    pub created_at_ms: u64,
}

/// How much an account may use; 0: no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// What the operator calls it.
    pub name: String,
    /// Apps.
    pub max_apps: u32,
    /// Connections of each app at one time.
    pub max_connections_per_app: u32,
    /// Messages of all apps together in a day (UTC).
    pub max_messages_per_day: u64,
    /// Webhooks of each app.
    pub max_webhooks_per_app: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            name: "Unlimited".into(),
            max_apps: 0,
            max_connections_per_app: 0,
            max_messages_per_day: 0,
            max_webhooks_per_app: 0,
        }
    }
}

/// Somebody who belongs to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// By which they sign in.
    pub email: Email,
    /// What people call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Since when, in milliseconds since the epoch.
    pub joined_at_ms: u64,
}

/// A link by which somebody may join an account, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its name for people who look at what is open.
    pub id: InvitationId,
    /// Where it leads.
    pub account: AccountId,
    /// Whom it is for; none: whoever has the link.
    pub email: Option<Email>,
    /// What they may do then.
    pub role: Role,
    /// Who invites, by name.
    pub invited_by: String,
    /// When, in milliseconds since the epoch.
    pub created_at_ms: u64,
    /// From when on it opens nothing.
    pub expires_at_ms: u64,
}

impl Invitation {
    /// How long an invitation is good for.
    pub const LASTS_MS: u64 = 7 * 86_400_000;
}

/// Characters of a name for people.
const NAME_CHARS: usize = 100;

/// A name for people, without blanks around it.
///
/// # Errors
/// When it is empty, too long, or holds what cannot be shown.
pub(crate) fn name(text: &str) -> Result<String, Unfit> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 || chars > NAME_CHARS || text.chars().any(char::is_control) {
        return Err(Unfit(format!("expected 1 to {NAME_CHARS} characters that can be shown")));
    }
    Ok(text.to_owned())
}

impl Account {
    /// A name for an account, an app or a person, without blanks around it.
    ///
    /// # Errors
    /// When it is empty, too long, or holds what cannot be shown.
    pub fn name(text: &str) -> Result<String, Unfit> {
        name(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_shown() {
        assert_eq!(Account::name("  Ada & Söhne <b> ").unwrap(), "Ada & Söhne <b>");
        for bad in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert!(Account::name(bad).is_err(), "{bad:?}");
        }
    }
}
