//! Those who sign in, and their sessions.

use crate::{Email, PersonId, SessionId};

/// Somebody who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its name for the machine.
    pub id: PersonId,
    /// By which they sign in; nobody else has it.
    pub email: Email,
    /// What people call them.
    pub name: String,
    /// Whether they run the server: sees every account, makes accounts, sets plans.
    pub is_operator: bool,
    /// When they came, in milliseconds since the epoch.
    pub created_at_ms: u64,
}

/// A browser in which somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name for people who look at their sessions.
    pub id: SessionId,
    /// Who is signed in.
    pub person: PersonId,
    /// When it began, in milliseconds since the epoch.
    pub created_at_ms: u64,
    /// When it was last used, to the minute.
    pub seen_at_ms: u64,
    /// From where it began.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub agent: String,
}

impl Session {
    /// How long a session lasts without being used.
    pub const IDLE_MS: u64 = 14 * DAY_MS;
    /// How long it lasts at all.
    pub const AGE_MS: u64 = 90 * DAY_MS;
    /// How much later a use must be to be written down.
    pub const SEEN_EVERY_MS: u64 = 60_000;

    /// When it ends if it is not used again.
    #[must_use]
    pub fn ends_ms(&self) -> u64 {
        (self.seen_at_ms + Self::IDLE_MS).min(self.created_at_ms + Self::AGE_MS)
    }

    /// Whether it opens anything now.
    #[must_use]
    pub fn is_good(&self, now_ms: u64) -> bool {
        now_ms < self.ends_ms()
    }

    /// Whether a use now is worth writing down.
    #[must_use]
    pub fn is_due(&self, now_ms: u64) -> bool {
        now_ms >= self.seen_at_ms + Self::SEEN_EVERY_MS
    }
}

const DAY_MS: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_unused_and_ends_anyhow() {
        let session = |seen_at_ms| Session {
            id: "ses_1".parse().unwrap(),
            person: "usr_1".parse().unwrap(),
            created_at_ms: 0,
            seen_at_ms,
            address: None,
            agent: String::new(),
        };
        assert!(session(0).is_good(Session::IDLE_MS - 1));
        assert!(!session(0).is_good(Session::IDLE_MS));
        assert!(!session(Session::AGE_MS - 1).is_good(Session::AGE_MS));
        assert!(session(0).is_due(60_000) && !session(0).is_due(59_999));
    }
}
