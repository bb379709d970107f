//! Who takes part in a mixed load: the crowd, the talkers, the residents of presence rooms with one
//! visitor to each room, and the wanderers. Connections are numbered in this order.

use std::ops::Range;
use std::rc::Rc;

use clap::Args;

use crate::scenario::channels::Spread;
use crate::scenario::load_channel;
use crate::sign::Credentials;
use crate::topics::{Pass, Topics};

/// How many of each.
#[derive(Debug, Clone, Args)]
pub(super) struct Cast {
    /// How many connections hear the broadcasts, and small channels besides.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) crowd: u32,
    /// How many small channels there are.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    channels: u32,
    /// How many small channels each of the crowd listens to.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    subscriptions: u32,
    /// How many pairs say client events to each other.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// How many presence rooms there are, each with a visitor who comes and goes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rooms: u32,
    /// How many members of a room stay in it.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    residents: u32,
    /// How many hear the broadcasts but leave, lose their connection and come back.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) wanderers: u32,
}

/// What a connection is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Hears broadcasts and small channels.
    Crowd,
    /// Says client events, and hears those of its partner.
    Talker,
    /// Stays in this room and is told of its visitor.
    Resident(u32),
    /// Comes to this room and goes.
    Visitor(u32),
    /// Hears broadcasts while it is there.
    Wanderer,
}

impl Cast {
    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.wanderer_numbers().end
    }

    /// Small channels and who of the crowd hears them.
    pub(super) fn spread(&self) -> Spread {
        let Self { channels, crowd, subscriptions, .. } = *self;
        Spread { channels, connections: crowd, subscriptions }
    }

    pub(super) fn role(&self, socket: usize) -> Role {
        let number = |range: Range<usize>| (socket - range.start) as u32;
        match socket {
            _ if socket < self.talker_numbers().start => Role::Crowd,
            _ if socket < self.resident_numbers().start => Role::Talker,
            _ if socket < self.visitor_numbers().start => {
                Role::Resident(number(self.resident_numbers()) / self.residents)
            }
            _ if socket < self.wanderer_numbers().start => {
                Role::Visitor(number(self.visitor_numbers()))
            }
            _ => Role::Wanderer,
        }
    }

    /// What a connection subscribes to when it opens.
    pub(super) fn topics(&self, socket: usize, credentials: &Rc<Credentials>) -> Topics {
        match self.role(socket) {
            Role::Crowd => Topics::public(
                [load_channel()].into_iter().chain(self.spread().names(socket)).collect(),
            ),
            Role::Talker => {
                let pass = Pass { credentials: Rc::clone(credentials), member: None };
                Topics::signed(self.talk(socket), pass)
            }
            Role::Resident(room) => {
                Topics::signed(room_name(room), member(credentials, &format!("resident-{socket}")))
            }
            Role::Visitor(_) => Topics::default(),
            Role::Wanderer => load_channel().into(),
        }
    }

    /// The private channel of a talker and its partner.
    pub(super) fn talk(&self, socket: usize) -> Rc<str> {
        format!("private-talk-{:06}", (socket - self.talker_numbers().start) / 2).into()
    }

    /// The talker whose turn it is.
    pub(super) fn talker(&self, turn: u32) -> usize {
        turn_of(&self.talker_numbers(), turn)
    }

    /// How many of the first so many client events a talker hears: those of its partner.
    pub(super) fn said_to(&self, socket: usize, events: u32) -> u64 {
        let Range { start, end } = self.talker_numbers();
        if !(start..end).contains(&socket) {
            return 0;
        }
        let (partner, talkers) = (((socket - start) ^ 1) as u32, (end - start) as u32);
        u64::from(events / talkers + u32::from(partner < events % talkers))
    }

    /// How many comings and goings a resident is told of, if there were so many visits in all.
    pub(super) fn told_to(&self, socket: usize, visits: u32) -> u64 {
        let Role::Resident(room) = self.role(socket) else { return 0 };
        2 * u64::from(visits / self.rooms + u32::from(room < visits % self.rooms))
    }

    /// How often somebody is told of so many visits.
    pub(super) fn told(&self, visits: u32) -> u64 {
        2 * u64::from(visits) * u64::from(self.residents)
    }

    /// The room that a visit is to, and the connection that makes it.
    pub(super) fn visitor(&self, visit: u32) -> (Rc<str>, usize) {
        (room_name(visit % self.rooms), turn_of(&self.visitor_numbers(), visit))
    }

    /// The wanderer whose turn it is.
    pub(super) fn wanderer(&self, turn: u32) -> usize {
        turn_of(&self.wanderer_numbers(), turn)
    }

    pub(super) fn wanderer_numbers(&self) -> Range<usize> {
        after(&self.visitor_numbers(), self.wanderers)
    }

    fn visitor_numbers(&self) -> Range<usize> {
        after(&self.resident_numbers(), self.rooms)
    }

    fn resident_numbers(&self) -> Range<usize> {
        after(&self.talker_numbers(), self.rooms * self.residents)
    }

    pub(super) fn talker_numbers(&self) -> Range<usize> {
        after(&(0..self.crowd as usize), 2 * self.pairs)
    }
}

/// Who opens a presence channel, under this name.
pub(super) fn member(credentials: &Rc<Credentials>, user: &str) -> Pass {
    let member = format!("{{\"user_id\":\"{user}\"}}");
    Pass { credentials: Rc::clone(credentials), member: Some(member.into()) }
}

fn room_name(room: u32) -> Rc<str> {
    format!("presence-room-{room:06}").into()
}

fn after(range: &Range<usize>, count: u32) -> Range<usize> {
    range.end..range.end + count as usize
}

fn turn_of(range: &Range<usize>, turn: u32) -> usize {
    range.start + turn as usize % range.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Cast {
        Cast {
            crowd: 3,
            channels: 5,
            subscriptions: 2,
            pairs: 2,
            rooms: 2,
            residents: 2,
            wanderers: 2,
        }
    }

    #[test]
    fn everybody_has_one_role_in_order() {
        let cast = small();
        let roles: Vec<Role> = (0..cast.len()).map(|socket| cast.role(socket)).collect();
        let wanted = [
            vec![Role::Crowd; 3],
            vec![Role::Talker; 4],
            vec![Role::Resident(0), Role::Resident(0), Role::Resident(1), Role::Resident(1)],
            vec![Role::Visitor(0), Role::Visitor(1)],
            vec![Role::Wanderer; 2],
        ];
        assert_eq!(roles, wanted.concat());
    }

    #[test]
    fn what_each_hears_adds_up_to_what_is_said() {
        let cast = small();
        for count in [0, 1, 3, 4, 10] {
            let said: u64 = (0..cast.len()).map(|socket| cast.said_to(socket, count)).sum();
            assert_eq!(said, u64::from(count));
            let told: u64 = (0..cast.len()).map(|socket| cast.told_to(socket, count)).sum();
            assert_eq!(told, cast.told(count));
        }
        assert_eq!(cast.talker(0), 3);
        assert_eq!([3, 4].map(|socket| cast.said_to(socket, 1)), [0, 1], "the partner hears it");
    }

    #[test]
    fn partners_share_a_channel_and_nobody_else_does() {
        let cast = small();
        assert_eq!(cast.talk(3), cast.talk(4));
        assert_ne!(cast.talk(4), cast.talk(5));
    }
}
