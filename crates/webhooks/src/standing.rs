//! What is known of one channel: where it is here and whether the outside was told so, for itself
//! and for each of its members. There may be a million of these.

use bellwire_protocol::UserId;
use hashbrown::HashMap;

use crate::hashing::Hashing;
use crate::seat::Seat;

/// What is known of a channel.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// Of the channel itself.
    pub(crate) standing: Standing,
    /// Of its members; boxed, because most channels have none.
    members: Option<Box<Members>>,
    /// Its count, while it is throttled or several nodes have a part in it.
    pub(crate) count: Option<Box<Count>>,
    /// Whether its cache was empty when last asked for, and that was told.
    pub(crate) has_missed: bool,
}

type Members = HashMap<UserId, Standing, Hashing>;

/// Where somebody is here, and whether the outside was told. As small as it would be for one node.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Standing {
    /// The seats of which the last fact said that it is here, a bit each.
    seats: u64,
    /// When it left last, or [`UNHEARD`], or [`LONG_AGO`]; the first bit is what the last
    /// announcement said.
    left: u64,
}

/// Nothing was heard of it in this run.
pub(crate) const UNHEARD: u64 = 0;
/// It has not come back in time.
const LONG_AGO: u64 = 1;
/// The bit of [`Standing::left`] that says whether the outside was told.
const TOLD: u64 = 1 << 63;

/// A count that is told now and then only.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// When the next may be told.
    pub(crate) next_ms: u64,
    /// What it will be.
    pub(crate) waiting: Option<usize>,
    /// What each node has said last, by its seat; empty where there is no cluster.
    parts: Vec<(Seat, usize)>,
}

impl Count {
    /// Takes what a node says; the sum of all.
    pub(crate) fn says(&mut self, seat: Seat, count: usize) -> usize {
        self.parts.retain(|(other, _)| !other.is_of(seat));
        if count > 0 {
            self.parts.push((seat, count));
        }
        self.sum()
    }

    /// What all nodes have said.
    pub(crate) fn sum(&self) -> usize {
        self.parts.iter().map(|(_, count)| count).sum()
    }

    /// Whether it can be forgotten.
    pub(crate) fn is_nothing(&self) -> bool {
        self.parts.is_empty() && self.waiting.is_none()
    }
}

impl Channel {
    /// The standing of a member, known or new.
    pub(crate) fn member(&mut self, user: &UserId) -> &mut Standing {
        let members = self.members.get_or_insert_default();
        members.entry_ref(user).or_default()
    }

    /// Whoever is here is so no more, as after a restart.
    pub(crate) fn lose_sight(&mut self) {
        self.has_missed = false;
        if let Some(count) = self.count.as_deref_mut() {
            count.waiting = None;
        }
        self.standing.lose_sight();
        for member in self.members.iter_mut().flat_map(|members| members.values_mut()) {
            member.lose_sight();
        }
    }

    /// Takes these seats from everybody, and names those who are nowhere any more: members, then
    /// the channel.
    pub(crate) fn vacate(
        &mut self,
        seats: u64,
        mut gone: impl FnMut(Option<UserId>, &mut Standing),
    ) {
        for (user, member) in self.members.iter_mut().flat_map(|members| members.iter_mut()) {
            if member.is_on(seats) && !member.leaves(seats) {
                gone(Some(user.clone()), member);
            }
        }
        if self.standing.is_on(seats) && !self.standing.leaves(seats) {
            gone(None, &mut self.standing);
        }
    }

    /// Whoever is on this place is on the other one of the seat instead.
    pub(crate) fn turn_back(&mut self, seat: Seat) {
        let members = self.members.iter_mut().flat_map(|members| members.values_mut());
        for standing in members.chain([&mut self.standing]) {
            if standing.is_on(seat.here()) {
                standing.arrives(seat.turned().here());
                standing.leaves(seat.here());
            }
        }
    }

    /// Forgets the part in the count of a node that is not here; whether it had any.
    pub(crate) fn drop_part(&mut self, seat: Seat) -> bool {
        let Some(count) = self.count.as_deref_mut() else { return false };
        let before = count.sum();
        !self.standing.is_on(seat.both()) && count.says(seat, 0) != before
    }

    /// Lets go of a member who is neither here nor told.
    pub(crate) fn forget(&mut self, user: &UserId) {
        let Some(members) = &mut self.members else { return };
        if members.get(user).is_some_and(Standing::is_nothing) {
            members.remove(user);
        }
        if members.is_empty() {
            self.members = None;
        }
    }

    /// The members in whom the outside believes.
    pub(crate) fn members_told(&self) -> impl Iterator<Item = &Standing> {
        let members = self.members.iter().flat_map(|members| members.values());
        members.filter(|member| member.is_told())
    }

    /// Whether there is nothing to know.
    pub(crate) fn is_nothing(&self) -> bool {
        self.standing.is_nothing() && self.members.is_none()
    }

    /// Names everything that was told and of which nothing was heard since: members, then the
    /// channel. What has left since has a grace of its own.
    pub(crate) fn take_back(&mut self, mut gone: impl FnMut(Option<UserId>)) {
        for (user, member) in self.members.iter_mut().flat_map(|members| members.iter_mut()) {
            if member.take_back() {
                gone(Some(user.clone()));
            }
        }
        if self.standing.take_back() {
            gone(None);
        }
    }
}

impl Standing {
    /// Whether it is anywhere.
    pub(crate) fn is_here(self) -> bool {
        self.seats != 0
    }

    /// Whether it is on any of these seats.
    pub(crate) fn is_on(self, seats: u64) -> bool {
        self.seats & seats != 0
    }

    /// Whether the outside believes that it is here.
    pub(crate) fn is_told(self) -> bool {
        self.left & TOLD != 0
    }

    /// When it left last, or [`UNHEARD`].
    pub(crate) fn left_ms(self) -> u64 {
        self.left & !TOLD
    }

    /// It is on this seat from now on.
    pub(crate) fn arrives(&mut self, seat: u64) {
        self.seats |= seat;
    }

    /// It is on none of these seats from now on; whether it is anywhere else.
    pub(crate) fn leaves(&mut self, seats: u64) -> bool {
        self.seats &= !seats;
        self.seats != 0
    }

    /// It is nowhere any more; whether that is news. While it is not known who is there, nobody is
    /// known to have left: what the outside believes is taken back with what is not heard of again.
    pub(crate) fn goes(&mut self, now_ms: u64, is_hearing: bool) -> bool {
        let is_unsure = is_hearing && self.is_told();
        self.set_left(if is_unsure { UNHEARD } else { now_ms });
        !is_unsure
    }

    pub(crate) fn set_told(&mut self, is_told: bool) {
        self.left = self.left_ms() | if is_told { TOLD } else { 0 };
    }

    pub(crate) fn set_left(&mut self, left_ms: u64) {
        self.left = self.left & TOLD | left_ms;
    }

    fn lose_sight(&mut self) {
        if self.is_here() {
            self.seats = 0;
            self.set_left(UNHEARD);
        }
    }

    /// Lets it be gone, if it was told and nothing was heard since; whether that is so.
    fn take_back(&mut self) -> bool {
        let is_gone = self.is_told() && !self.is_here() && self.left_ms() == UNHEARD;
        if is_gone {
            self.set_left(LONG_AGO);
        }
        is_gone
    }

    fn is_nothing(&self) -> bool {
        !self.is_here() && !self.is_told()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_channel_is_as_small_as_for_one_node() {
        assert_eq!(size_of::<Standing>(), 16);
        assert_eq!(size_of::<Channel>(), 40);
    }
}
