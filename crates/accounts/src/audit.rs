//! Who changed what, and when. Secrets are never in it.

use bellwire_protocol::AppId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::AccountId;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place; newer ones are larger.
    pub id: u64,
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
    /// In which account; none: it concerns the server.
    pub account: Option<AccountId>,
    /// In which app.
    pub app: Option<AppId>,
    /// Who.
    pub actor: Actor,
    /// What was done, for instance `app.created`.
    pub action: String,
    /// To what, as people know it.
    pub target: String,
    /// What is different now.
    pub changes: Vec<Change>,
}

/// Who changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of being it is.
    pub kind: ActorKind,
    /// Its name for the machine.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// From where.
    pub address: Option<String>,
}

/// What kind of being changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// Somebody who signed in.
    User,
    /// A program with a token.
    Token,
}

impl ActorKind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
        }
    }

    /// The one with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::User, Self::Token].into_iter().find(|kind| kind.name() == name)
    }
}

/// One field that is different now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub field: String,
    /// What it was; null: it was not there.
    pub from: Value,
    /// What it is; null: it is not there.
    pub to: Value,
}

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this account; none: of all.
    pub account: Option<AccountId>,
    /// Of this app.
    pub app: Option<AppId>,
    /// By this actor's id.
    pub actor: Option<String>,
    /// Actions that are this or begin with it and a dot.
    pub action: Option<String>,
    /// Not before.
    pub from_ms: Option<u64>,
    /// Not after.
    pub to_ms: Option<u64>,
    /// Older than this entry.
    pub before: Option<u64>,
    /// So many at most.
    pub limit: u32,
}

/// How long a value may be in the audit, in characters.
const SHOWN: usize = 200;

/// What is different between two objects, field by field; objects inside are compared by their own
/// fields. `hidden` names fields whose values are never shown.
#[must_use]
pub fn changes(before: &Value, after: &Value, hidden: &[&str]) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", before, after, hidden, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, hidden: &[&str], found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let name = path.split('.').next().unwrap_or_default();
    if hidden.contains(&name) {
        let shown = |value: &Value| if value.is_null() { Value::Null } else { "***".into() };
        let (from, to) = (shown(before), shown(after));
        return found.push(Change { field: name.into(), from, to });
    }
    let empty = serde_json::Map::new();
    match (before, after) {
        (Value::Object(_) | Value::Null, Value::Object(_) | Value::Null) => {
            let (old, new) =
                (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
            let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let value = |of: &serde_json::Map<String, Value>| of.get(name).cloned();
                let (old, new) = (value(old).unwrap_or_default(), value(new).unwrap_or_default());
                compare(&below, &old, &new, hidden, found);
            }
        }
        _ => found.push(Change { field: path.into(), from: cut(before), to: cut(after) }),
    }
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > SHOWN => {
            let shown: String = text.chars().take(SHOWN).collect();
            format!("{shown}…").into()
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_named_and_secrets_are_not_shown() {
        let before = json!({ "name": "a", "same": 1, "settings": { "x": 1, "y": [] }, "headers": { "K": "old" } });
        let after = json!({ "name": "b", "same": 1, "settings": { "x": 2, "y": [] }, "headers": { "K": "new" } });
        let found = changes(&before, &after, &["headers"]);
        let lines: Vec<String> =
            found.iter().map(|c| format!("{} {} {}", c.field, c.from, c.to)).collect();
        assert_eq!(lines, ["headers \"***\" \"***\"", "name \"a\" \"b\"", "settings.x 1 2"]);
    }

    #[test]
    fn what_is_made_comes_from_nothing() {
        let found = changes(&Value::Null, &json!({ "name": "a" }), &[]);
        assert_eq!(found.len(), 1);
        assert!(found[0].from.is_null());
    }
}
