//! Who of a worker's connections is in which channel. Membership changes only by the hub's
//! messages, and when a connection ends.

use std::collections::HashMap;
use std::sync::Arc;

use bellwire_hub::{App, ChannelId};

use super::congestion::{Congestion, is_crowd};
use super::connection::{Membership, Pace};
use super::slots::Slots;

/// The members of every channel on this worker.
#[derive(Debug)]
pub(crate) struct Rooms {
    rooms: HashMap<ChannelId, Room, foldhash::fast::RandomState>,
    /// Told when the members of a channel cannot keep up.
    congestion: Arc<Congestion>,
}

/// The members of one channel on this worker.
#[derive(Debug)]
pub(crate) struct Room {
    /// Whose messages the deliveries are.
    pub(crate) app: Arc<App>,
    /// In no order.
    pub(crate) members: Vec<Member>,
    /// Members that are behind.
    behind: usize,
    /// Whether they were reported as a crowd.
    congested: bool,
}

/// One member, with the place of the room in its own list: either list finds the other in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) slot: u32,
    membership: u32,
}

impl Rooms {
    pub(crate) fn new(congestion: Arc<Congestion>) -> Self {
        Self { rooms: HashMap::default(), congestion }
    }

    /// A member of these rooms has fallen behind, or has caught up.
    pub(crate) fn keep_pace(&mut self, memberships: &[Membership], behind: bool) {
        for Membership { channel, .. } in memberships {
            if let Some(room) = self.rooms.get_mut(channel) {
                room.behind = if behind { room.behind + 1 } else { room.behind.saturating_sub(1) };
                room.report(*channel, &self.congestion);
            }
        }
    }

    /// The members of a channel, if it has any here.
    pub(crate) fn room(&self, channel: ChannelId) -> Option<&Room> {
        self.rooms.get(&channel)
    }

    /// Adds a connection to a channel.
    pub(crate) fn enter(
        &mut self,
        slots: &mut Slots,
        slot: usize,
        channel: ChannelId,
        app: Arc<App>,
    ) {
        let Some(connection) = slots.at(slot) else { return };
        let room = self.rooms.entry(channel).or_insert_with(|| Room {
            app,
            members: Vec::new(),
            behind: 0,
            congested: false,
        });
        let membership = connection.memberships.len() as u32;
        if membership == 0 {
            connection.memberships.reserve_exact(1);
        }
        connection.memberships.push(Membership { channel, seat: room.members.len() as u32 });
        room.members.push(Member { slot: slot as u32, membership });
        room.behind += usize::from(connection.pace == Pace::Behind);
    }

    /// Takes a connection out of a channel, if it is in it.
    pub(crate) fn leave(&mut self, slots: &mut Slots, slot: usize, channel: ChannelId) {
        let Some(connection) = slots.at(slot) else { return };
        let at = connection.memberships.iter().position(|m| m.channel == channel);
        let Some(at) = at else { return };
        let gone = connection.memberships.swap_remove(at);
        let behind = connection.pace == Pace::Behind;
        let moved = connection.memberships.get(at).copied();
        if let Some(moved) = moved
            && let Some(room) = self.rooms.get_mut(&moved.channel)
        {
            room.members[moved.seat as usize].membership = at as u32;
        }
        self.vacate(slots, gone, behind);
    }

    /// Takes a connection that is ending out of everything; `behind` is how it was when it ended.
    pub(crate) fn leave_all(
        &mut self,
        slots: &mut Slots,
        memberships: Vec<Membership>,
        behind: bool,
    ) {
        for gone in memberships {
            self.vacate(slots, gone, behind);
        }
    }

    fn vacate(&mut self, slots: &mut Slots, gone: Membership, behind: bool) {
        let Some(room) = self.rooms.get_mut(&gone.channel) else { return };
        room.members.swap_remove(gone.seat as usize);
        room.behind -= usize::from(behind).min(room.behind);
        room.report(gone.channel, &self.congestion);
        if let Some(moved) = room.members.get(gone.seat as usize)
            && let Some(connection) = slots.at(moved.slot as usize)
            && let Some(membership) = connection.memberships.get_mut(moved.membership as usize)
        {
            membership.seat = gone.seat;
        }
        if room.members.is_empty() {
            self.rooms.remove(&gone.channel);
            if self.rooms.capacity() > 64 && self.rooms.len() < self.rooms.capacity() / 8 {
                self.rooms.shrink_to(64);
            }
        } else if room.members.capacity() > 64 && room.members.len() < room.members.capacity() / 4 {
            room.members.shrink_to(room.members.len() * 2);
        }
    }
}

impl Room {
    /// Says when a crowd of members has fallen behind, and when it has caught up or gone.
    fn report(&mut self, channel: ChannelId, congestion: &Congestion) {
        let crowd = is_crowd(self.behind, self.members.len());
        if crowd != self.congested {
            self.congested = crowd;
            congestion.change(channel, crowd);
        }
    }
}
