//! What is known of one channel: whether it is here and whether the outside was told so, for itself
//! and for each of its members. There may be a million of these.

use bellwire_protocol::UserId;
use hashbrown::HashMap;

use crate::hashing::Hashing;

/// What is known of a channel.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// Of the channel itself.
    pub(crate) standing: Standing,
    /// Of its members; boxed, because most channels have none.
    members: Option<Box<Members>>,
    /// Its count, while it is throttled.
    pub(crate) count: Option<Box<Count>>,
    /// Whether its cache was empty when last asked for, and that was told.
    pub(crate) has_missed: bool,
}

type Members = HashMap<UserId, Standing, Hashing>;

/// Whether somebody is here, and whether the outside was told.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Standing {
    /// What the last fact said.
    pub(crate) is_here: bool,
    /// What the last announcement said.
    pub(crate) is_told: bool,
    /// When it left last, or [`UNHEARD`], or [`LONG_AGO`].
    pub(crate) left_ms: u64,
}

/// Nothing was heard of it in this run.
pub(crate) const UNHEARD: u64 = 0;
/// It has not come back in time.
const LONG_AGO: u64 = 1;

/// A count that is told now and then only.
#[derive(Debug)]
pub(crate) struct Count {
    /// When the next may be told.
    pub(crate) next_ms: u64,
    /// What it will be.
    pub(crate) waiting: Option<usize>,
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
        members.filter(|member| member.is_told)
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
    fn lose_sight(&mut self) {
        if self.is_here {
            self.is_here = false;
            self.left_ms = UNHEARD;
        }
    }

    /// Lets it be gone, if it was told and nothing was heard since; whether that is so.
    fn take_back(&mut self) -> bool {
        let is_gone = self.is_told && !self.is_here && self.left_ms == UNHEARD;
        if is_gone {
            self.left_ms = LONG_AGO;
        }
        is_gone
    }

    fn is_nothing(&self) -> bool {
        !self.is_here && !self.is_told
    }
}
