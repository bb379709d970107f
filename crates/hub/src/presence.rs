//! Who is on a presence channel: distinct users with the number of their connections.

use bellwire_protocol::presence::Member;
use bellwire_protocol::server::{self, Spelled};
use bellwire_protocol::{ChannelName, Frame, UserId};
use indexmap::IndexMap;

use crate::peers::{Seat as Node, Seats as Nodes};

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
    /// Connections on this node.
    connections: u32,
    /// Other nodes on which the user is.
    elsewhere: Nodes,
}

/// What a coming or going means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The user's first or last connection on this node.
    pub(crate) here: bool,
    /// The user's first or last connection at all.
    pub(crate) anywhere: bool,
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

    /// One more connection of a user.
    pub(crate) fn join(&mut self, member: &Member) -> Turn {
        let seat = self.users.entry(member.id.clone()).or_insert_with(|| Seat::new(member));
        seat.connections += 1;
        let here = seat.connections == 1;
        let anywhere = here && seat.elsewhere.is_empty();
        self.changed(Turn { here, anywhere })
    }

    /// One connection of a user fewer.
    pub(crate) fn leave(&mut self, user: &UserId) -> Turn {
        let Some(seat) = self.users.get_mut(user).filter(|seat| seat.connections > 0) else {
            return Turn::default();
        };
        seat.connections -= 1;
        let here = seat.connections == 0;
        let anywhere = seat.is_free();
        self.vacate(user, Turn { here, anywhere })
    }

    /// A user is on another node; whether nobody knew of the user before.
    pub(crate) fn join_elsewhere(&mut self, node: Node, member: &Member) -> bool {
        let seat = self.users.entry(member.id.clone()).or_insert_with(|| Seat::new(member));
        let anywhere = seat.is_free();
        seat.elsewhere.add(node);
        self.changed(Turn { here: false, anywhere }).anywhere
    }

    /// A user is no more on another node; whether the user is nowhere else.
    pub(crate) fn leave_elsewhere(&mut self, node: Node, user: &UserId) -> bool {
        let Some(seat) = self.users.get_mut(user).filter(|seat| seat.elsewhere.has(node)) else {
            return false;
        };
        seat.elsewhere.remove(node);
        let anywhere = seat.is_free();
        self.vacate(user, Turn { here: false, anywhere }).anywhere
    }

    /// The users on another node.
    pub(crate) fn users_of(&self, node: Node) -> impl Iterator<Item = &UserId> {
        self.users.iter().filter(move |(_, seat)| seat.elsewhere.has(node)).map(|(user, _)| user)
    }

    /// The users with connections on this node, each with what it said.
    pub(crate) fn users_here(&self) -> impl Iterator<Item = (&UserId, &Spelled)> {
        let here = self.users.iter().filter(|(_, seat)| seat.connections > 0);
        here.map(|(user, seat)| (user, &seat.spelled))
    }

    fn vacate(&mut self, user: &UserId, turn: Turn) -> Turn {
        if turn.anywhere {
            self.users.swap_remove(user);
        }
        self.changed(turn)
    }

    fn changed(&mut self, turn: Turn) -> Turn {
        if turn.anywhere {
            self.snapshot = None;
        }
        turn
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
        let spelled = Spelled::new(&member.id, member.info.as_deref());
        Self { spelled, connections: 0, elsewhere: Nodes::default() }
    }

    fn is_free(&self) -> bool {
        self.connections == 0 && self.elsewhere.is_empty()
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
        assert!(members.join(&member("a", Some(r#"{"n":1}"#))).anywhere);
        assert!(!members.join(&member("a", Some(r#"{"n":2}"#))).here);
        assert_eq!(members.count(), 1);
        assert!(snapshot(&mut members).contains(r#"\"a\":{\"n\":1}"#));
        let a = "a".parse().unwrap();
        assert!(!members.leave(&a).here);
        assert!(members.leave(&a).anywhere);
        assert_eq!(members.leave(&a), Turn::default());
        assert_eq!(members.count(), 0);
    }

    // contract: 5.7, 5.9
    #[test]
    fn a_user_of_several_nodes_goes_with_the_last_of_them() {
        let (mut members, [one, two]) = (Members::default(), [1, 2].map(|n| Node::new(n).unwrap()));
        let a = member("a", None);
        assert!(members.join_elsewhere(one, &a));
        assert!(!members.join_elsewhere(one, &a), "said again");
        assert!(!members.join_elsewhere(two, &a));
        assert_eq!(members.join(&a), Turn { here: true, anywhere: false });
        assert_eq!(members.users_of(one).count(), 1);
        assert!(!members.leave_elsewhere(one, &a.id));
        assert!(!members.leave_elsewhere(one, &a.id), "said again");
        assert_eq!(members.leave(&a.id), Turn { here: true, anywhere: false });
        assert_eq!(members.leave(&a.id), Turn::default(), "nobody is here");
        assert_eq!(members.users_here().count(), 0);
        assert!(members.leave_elsewhere(two, &a.id));
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
