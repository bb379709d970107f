//! What a log must not say: again what is announced, or that something ends which is not.

use bellwire_webhooks::event::{Event, Kind};

use crate::StoreError;

/// It was announced and not taken back.
pub(crate) const AGAIN: &str = "is announced already";
/// It was never announced, or was taken back.
pub(crate) const NEVER: &str = "is not announced";

/// Of whom an event speaks, as the key of what is announced has it.
pub(crate) fn subject(event: &Event) -> Result<&str, StoreError> {
    match (event.kind, &event.user) {
        (Kind::MemberAdded | Kind::MemberRemoved, Some(user)) => Ok(user.as_str()),
        (Kind::MemberAdded | Kind::MemberRemoved, None) => Err(contradiction(event, "has no user")),
        _ => Ok(""),
    }
}

/// Says what is wrong with an event.
pub(crate) fn contradiction(event: &Event, what: &str) -> StoreError {
    let Event { app, seq, kind, channel, user, .. } = event;
    let user = user.as_ref().map_or(String::new(), |user| format!(" of user {user}"));
    let kind = kind.name();
    StoreError::Contradiction(format!(
        "app {app}, place {seq}: {kind}{user} on {channel}, which {what}"
    ))
}
