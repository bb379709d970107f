//! Who is on a presence channel: distinct users with the number of their connections.

use bellwire_protocol::presence::Member;
use bellwire_protocol::server::{self, Spelled};
use bellwire_protocol::{ChannelName, Frame, UserId};
use indexmap::IndexMap;

/// The members of one presence channel.
#[derive(Debug, Default)]
pub(crate) struct Members {
    users: IndexMap<UserId, Seat>,
    /// The `subscription_succeeded` of everyone who comes before a change.
    snapshot: Option<Frame>,
}

#[derive(Debug)]
struct Seat {
    /// With what the user's first connection said (contract 5.11).
    spelled: Spelled,
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

    /// The users that are there, each with what it said and how many connections it has.
    pub(crate) fn seats(&self) -> impl Iterator<Item = (&UserId, &Spelled, u32)> {
        self.users.iter().map(|(user, seat)| (user, &seat.spelled, seat.connections))
    }

    /// One more connection of a user; whether it is the first.
    pub(crate) fn join(&mut self, member: &Member) -> bool {
        let seat = self.users.entry(member.id.clone()).or_insert_with(|| Seat::new(member));
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

    /// What a newcomer hears, itself included.
    pub(crate) fn succeeded(&mut self, channel: &ChannelName) -> Frame {
        let seats = self.users.values().map(|seat| &seat.spelled);
        let snapshot = || server::presence_succeeded(channel, seats);
        self.snapshot.get_or_insert_with(snapshot).clone()
    }
}

impl Seat {
    fn new(member: &Member) -> Self {
        Self { spelled: Spelled::new(&member.id, member.info.as_deref()), connections: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, info: Option<&str>) -> Member {
        Member { id: id.parse().unwrap(), info: info.map(Into::into) }
    }

    fn snapshot(members: &mut Members) -> String {
        let frame = members.succeeded(&"presence-room".parse().unwrap());
        String::from_utf8(frame.payload().to_vec()).unwrap()
    }

    // contract: 5.7, 5.9, 5.11
    #[test]
    fn a_user_comes_with_the_first_connection_and_goes_with_the_last() {
        let mut members = Members::default();
        assert!(members.join(&member("a", Some(r#"{"n":1}"#))));
        assert!(!members.join(&member("a", Some(r#"{"n":2}"#))));
        assert_eq!(members.count(), 1);
        assert!(snapshot(&mut members).contains(r#"\"a\":{\"n\":1}"#));
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
        assert!(snapshot(&mut members).contains(r#"\"count\":1"#));
        members.join(&member("b", None));
        assert!(snapshot(&mut members).contains(r#"\"count\":2"#));
        members.leave(&"a".parse().unwrap());
        assert!(snapshot(&mut members).contains(r#"\"ids\":[\"b\"]"#));
    }
}
