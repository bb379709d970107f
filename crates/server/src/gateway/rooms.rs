//! Who of a worker's connections is in which channel. Membership changes only by the hub's
//! messages, and when a connection ends.

use std::collections::HashMap;
use std::sync::Arc;

use bellwire_hub::{App, ChannelId};

use super::connection::Membership;
use super::worker::Slots;

/// The members of every channel on this worker.
#[derive(Debug, Default)]
pub(crate) struct Rooms(HashMap<ChannelId, Room, foldhash::fast::RandomState>);

/// The members of one channel on this worker.
#[derive(Debug)]
pub(crate) struct Room {
    /// Whose messages the deliveries are.
    pub(crate) app: Arc<App>,
    /// In no order.
    pub(crate) members: Vec<Member>,
}

/// One member, with the place of the room in its own list: either list finds the other in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) slot: u32,
    membership: u32,
}

impl Rooms {
    /// The members of a channel, if it has any here.
    pub(crate) fn room(&self, channel: ChannelId) -> Option<&Room> {
        self.0.get(&channel)
    }

    /// Adds a connection to a channel.
    pub(crate) fn enter(
        &mut self,
        slots: &mut Slots,
        slot: usize,
        channel: ChannelId,
        app: Arc<App>,
    ) {
        let Some(connection) = slots.at(slot) else {
            return;
        };
        let room = self.0.entry(channel).or_insert_with(|| Room {
            app,
            members: Vec::new(),
        });
        let membership = connection.memberships.len() as u32;
        if membership == 0 {
            connection.memberships.reserve_exact(1);
        }
        connection.memberships.push(Membership {
            channel,
            seat: room.members.len() as u32,
        });
        room.members.push(Member {
            slot: slot as u32,
            membership,
        });
    }

    /// Takes a connection out of a channel; whether it was in it.
    pub(crate) fn leave(&mut self, slots: &mut Slots, slot: usize, channel: ChannelId) -> bool {
        let Some(connection) = slots.at(slot) else {
            return false;
        };
        let at = connection
            .memberships
            .iter()
            .position(|m| m.channel == channel);
        let Some(at) = at else { return false };
        let gone = connection.memberships.swap_remove(at);
        let moved = connection.memberships.get(at).copied();
        if let Some(moved) = moved
            && let Some(room) = self.0.get_mut(&moved.channel)
        {
            room.members[moved.seat as usize].membership = at as u32;
        }
        self.vacate(slots, gone);
        true
    }

    /// Takes a connection that is ending out of everything.
    pub(crate) fn leave_all(&mut self, slots: &mut Slots, memberships: Vec<Membership>) {
        for gone in memberships {
            self.vacate(slots, gone);
        }
    }

    fn vacate(&mut self, slots: &mut Slots, gone: Membership) {
        let Some(room) = self.0.get_mut(&gone.channel) else {
            return;
        };
        room.members.swap_remove(gone.seat as usize);
        if let Some(moved) = room.members.get(gone.seat as usize)
            && let Some(connection) = slots.at(moved.slot as usize)
            && let Some(membership) = connection.memberships.get_mut(moved.membership as usize)
        {
            membership.seat = gone.seat;
        }
        if room.members.is_empty() {
            self.0.remove(&gone.channel);
            if self.0.capacity() > 64 && self.0.len() < self.0.capacity() / 8 {
                self.0.shrink_to(64);
            }
        } else if room.members.capacity() > 64 && room.members.len() < room.members.capacity() / 4 {
            room.members.shrink_to(room.members.len() * 2);
        }
    }
}
