//! Who is on a presence channel: distinct users with the number of their connections.

use std::sync::Arc;

use bellwire_protocol::presence::Member;
use bellwire_protocol::{UserId, server};
use indexmap::IndexMap;

/// The members of one presence channel.
#[derive(Debug, Default)]
pub(crate) struct Members {
    users: IndexMap<UserId, Seat>,
    /// The data of `subscription_succeeded`, made once for everyone who comes before a change.
    snapshot: Option<Arc<str>>,
}

#[derive(Debug)]
struct Seat {
    /// What the user's first connection said (contract 5.11).
    info: Option<Box<str>>,
    connections: u32,
}

impl Members {
    /// How many users are there.
    pub(crate) fn count(&self) -> usize {
        self.users.len()
    }

    /// Whether the user is there already.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.users.contains_key(user)
    }

    /// The users that are there.
    pub(crate) fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users.keys()
    }

    /// One more connection of a user; whether it is the first.
    pub(crate) fn join(&mut self, member: &Member) -> bool {
        let seat = self
            .users
            .entry(member.id.clone())
            .or_insert_with(|| Seat { info: member.info.clone(), connections: 0 });
        seat.connections += 1;
        let first = seat.connections == 1;
        if first {
            self.snapshot = None;
        }
        first
    }

    /// One connection of a user fewer; whether it was the last.
    pub(crate) fn leave(&mut self, user: &UserId) -> bool {
        let Some(seat) = self.users.get_mut(user) else {
            return false;
        };
        seat.connections -= 1;
        let last = seat.connections == 0;
        if last {
            self.users.swap_remove(user);
            self.snapshot = None;
        }
        last
    }

    /// The data of `subscription_succeeded`.
    pub(crate) fn snapshot(&mut self) -> Arc<str> {
        let users = &self.users;
        let snapshot = self.snapshot.get_or_insert_with(|| {
            let members = users.iter().map(|(id, seat)| (id, seat.info.as_deref()));
            server::presence_snapshot(members).into()
        });
        Arc::clone(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, info: Option<&str>) -> Member {
        Member { id: id.parse().unwrap(), info: info.map(Into::into) }
    }

    // contract: 5.7, 5.9, 5.11
    #[test]
    fn a_user_comes_with_the_first_connection_and_goes_with_the_last() {
        let mut members = Members::default();
        assert!(members.join(&member("a", Some(r#"{"n":1}"#))));
        assert!(!members.join(&member("a", Some(r#"{"n":2}"#))));
        assert_eq!(members.count(), 1);
        assert!(members.snapshot().contains(r#""a":{"n":1}"#));
        let a = "a".parse().unwrap();
        assert!(!members.leave(&a));
        assert!(members.leave(&a));
        assert!(!members.leave(&a));
        assert_eq!(members.count(), 0);
    }

    // contract: 5.4
    #[test]
    fn the_snapshot_follows_every_change() {
        let mut members = Members::default();
        members.join(&member("a", None));
        assert!(members.snapshot().contains(r#""count":1"#));
        members.join(&member("b", None));
        assert!(members.snapshot().contains(r#""count":2"#));
        members.leave(&"a".parse().unwrap());
        assert!(members.snapshot().contains(r#""ids":["b"]"#));
    }
}
