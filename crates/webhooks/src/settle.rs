//! From facts to announcements: what the outside world is told of what happened, and when. Facts
//! come as they happen, the outside hears of a leave only if nobody is back within the grace
//! (contract 16.7), so what is *here* and what has been *told* may differ for a while.

mod counts;
mod nodes;

use std::collections::VecDeque;

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::{AppId, ChannelName, UserId};
use hashbrown::HashMap;

use crate::announcement::Announcement;
use crate::hashing::Hashing;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::seat::Seat;
use crate::standing::{Channel, Standing, UNHEARD};

/// How facts settle.
#[derive(Debug, Clone, Copy)]
pub struct SettleRules {
    /// How long a leave waits for a return, in milliseconds.
    pub grace_ms: u64,
    /// How much longer after a restart, when clients have to find the server again.
    pub reconnect_ms: u64,
}

/// Up to so many subscribers, every count is announced.
pub const COUNTS_AT_ONCE: usize = 100;
/// Above that, one count in this time.
pub const COUNT_EVERY_MS: u64 = 5_000;

/// What is here, what was told, and what waits.
#[derive(Debug)]
pub struct Settle {
    rules: SettleRules,
    apps: HashMap<AppId, Channels, Hashing>,
    /// Leaves in the order of their ends, which is that of the leaves, as the grace is one for all.
    leaves: VecDeque<Leave>,
    /// Counts above the threshold, in the order of their ends.
    counts: VecDeque<(u64, AppId, ChannelName)>,
    /// What differs from what was told because there was no room to tell it; the oldest first.
    deferred: VecDeque<Thing>,
    /// When what a former run has told is taken back, app by app, unless it is here again.
    returns: Vec<(u64, AppId)>,
    /// Whether the server is going down: whoever leaves now was told to come back.
    is_closing: bool,
    /// Whether there are several nodes.
    is_shared: bool,
    /// Whether nodes have not said yet who is there: nobody has left for certain.
    is_hearing: bool,
    /// Until when everything that nodes had said is heard: whoever was back by then is known to be.
    heard_ms: u64,
    /// When what is on the seats of nodes that have ended leaves.
    departures: Vec<(u64, Seat)>,
}

type Channels = HashMap<ChannelName, Channel, Hashing>;

/// A channel, or a user on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thing {
    app: AppId,
    channel: ChannelName,
    user: Option<UserId>,
}

/// Somebody left, or a channel was vacated.
#[derive(Debug)]
struct Leave {
    ends_ms: u64,
    thing: Thing,
}

/// Where announcements go. It says first whether there is room.
pub trait Announce {
    /// Whether anything can be announced now.
    fn has_room(&self) -> bool;

    /// Announces.
    fn announce(&mut self, announcement: Announcement);

    /// This came and went while there was no room: it is lost, and has to be said so.
    fn pass_over(&mut self, announcement: &Announcement);
}

impl Settle {
    /// Nothing is here and nothing was told.
    #[must_use]
    pub fn new(rules: SettleRules) -> Self {
        Self {
            rules,
            apps: HashMap::default(),
            leaves: VecDeque::new(),
            counts: VecDeque::new(),
            deferred: VecDeque::new(),
            returns: Vec::new(),
            is_closing: false,
            is_shared: false,
            is_hearing: false,
            heard_ms: 0,
            departures: Vec::new(),
        }
    }

    /// Something that a former run has told and not taken back.
    pub fn told_before(&mut self, app: &AppId, channel: ChannelName, user: Option<UserId>) {
        let channels = self.apps.entry_ref(app).or_default();
        let channel = channels.entry(channel).or_default();
        match user {
            Some(user) => channel.member(&user).set_told(true),
            None => channel.standing.set_told(true),
        }
    }

    /// Begins after [`Settle::told_before`]: what was told gets the grace and the time to reconnect.
    pub fn begin(&mut self, now_ms: u64) {
        #[cfg(test)]
        if sabotaged(Sabotage::GhostsStay) {
            return;
        }
        self.wait_for_returns(now_ms + self.rules.grace_ms + self.rules.reconnect_ms);
    }

    fn wait_for_returns(&mut self, ends_ms: u64) {
        self.returns = self.apps.keys().map(|app| (ends_ms, app.clone())).collect();
    }

    /// Nobody wants to hear of an app any more: whoever is not heard of again within the grace is
    /// taken back.
    pub fn forget(&mut self, now_ms: u64, app: &AppId) {
        let Some(channels) = self.apps.get_mut(app) else { return };
        for channel in channels.values_mut() {
            channel.lose_sight();
        }
        let ends_ms = now_ms + self.rules.grace_ms;
        match self.returns.iter_mut().find(|(_, other)| other == app) {
            // What a former run has told keeps the time that it has to reconnect.
            Some((back_ms, _)) => *back_ms = ends_ms.max(*back_ms),
            None => self.returns.push((ends_ms, app.clone())),
        }
    }

    /// The server goes down: from now on nobody leaves.
    pub fn close(&mut self) {
        self.is_closing = true;
    }

    /// Takes a fact from the node on a seat. `quietly`: the log hears of it, no endpoint does,
    /// because it happened before anybody wanted to know.
    pub fn take(
        &mut self,
        now_ms: u64,
        seat: Seat,
        fact: Fact,
        quietly: bool,
        out: &mut impl Announce,
    ) {
        self.catch_up(now_ms, out);
        let Fact { app, channel, at_ms, what } = fact;
        let thing = |user| Thing { app: app.clone(), channel: channel.clone(), user };
        match what {
            What::Occupied => self.arrives(seat, &thing(None), at_ms, quietly, out),
            What::MemberAdded(user) => self.arrives(seat, &thing(Some(user)), at_ms, quietly, out),
            What::Vacated => self.leaves(now_ms, seat, thing(None), at_ms, out),
            What::MemberRemoved(user) => self.leaves(now_ms, seat, thing(Some(user)), at_ms, out),
            What::CacheMiss => self.misses(app, channel, at_ms, out),
            What::CacheFilled => self.fills(&app, &channel),
            What::SubscriptionCount(count) => {
                if let Some(count) = self.sum(seat, &app, &channel, count, quietly) {
                    self.counts(now_ms, app, channel, at_ms, count, out);
                }
            }
            What::ClientEvent { event, data, socket_id, user } => {
                #[cfg(test)]
                let user = user.filter(|_| !sabotaged(Sabotage::NoSender));
                let (event, data) = (&event, &data);
                out.announce(Announcement::client_event(
                    app, channel, at_ms, event, data, socket_id, user,
                ));
            }
        }
    }

    /// Does what time brings.
    pub fn tick(&mut self, now_ms: u64, out: &mut impl Announce) {
        self.catch_up(now_ms, out);
        self.depart(now_ms, out);
        let sure_ms = self.sure_ms(now_ms);
        self.take_back(sure_ms);
        while out.has_room() && self.leaves.front().is_some_and(|leave| leave.ends_ms <= sure_ms) {
            let Some(leave) = self.leaves.pop_front() else { break };
            if !self.is_closing {
                self.ends(now_ms, &leave, out);
            }
        }
        while out.has_room() && self.counts.front().is_some_and(|(ends, ..)| *ends <= now_ms) {
            let Some((_, app, channel)) = self.counts.pop_front() else { break };
            self.count_again(now_ms, app, channel, out);
        }
    }

    /// When time brings something next.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        let gone = self.next_end_ms().map(|ends_ms| self.told_ms(ends_ms));
        let count = self.counts.front().map(|(ends_ms, ..)| *ends_ms);
        let departure = self.departures.iter().map(|(ends_ms, _)| *ends_ms).min();
        [gone, count, departure].into_iter().flatten().min()
    }

    /// When a grace ends next, or a time to return.
    fn next_end_ms(&self) -> Option<u64> {
        let leave = self.leaves.front().map(|leave| leave.ends_ms);
        // Of a server that goes down nobody is taken back.
        let back = self.returns.iter().map(|(ends_ms, _)| *ends_ms).min();
        let back = back.filter(|_| !self.is_closing);
        [leave, back].into_iter().flatten().min()
    }

    /// How facts settle.
    pub(crate) fn rules(&self) -> SettleRules {
        self.rules
    }

    /// Channels that are here or were told.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.apps.values().map(HashMap::len).sum()
    }

    fn channel(&mut self, app: &AppId, channel: ChannelName) -> &mut Channel {
        self.apps.entry_ref(app).or_default().entry(channel).or_default()
    }

    fn standing(&mut self, thing: &Thing) -> &mut Standing {
        let channel = self.channel(&thing.app, thing.channel.clone());
        match &thing.user {
            Some(user) => channel.member(user),
            None => &mut channel.standing,
        }
    }

    fn arrives(
        &mut self,
        seat: Seat,
        thing: &Thing,
        at_ms: u64,
        quietly: bool,
        out: &mut impl Announce,
    ) {
        let has_room = out.has_room();
        if self.is_shared && thing.user.is_some() {
            // What said so of the channel may have been lost with a row that cannot be read.
            self.arrives(seat, &Thing { user: None, ..thing.clone() }, at_ms, quietly, out);
        }
        let standing = self.standing(thing);
        standing.arrives(seat.here());
        #[cfg(test)]
        if sabotaged(Sabotage::OccupiedAgain) {
            standing.set_told(false);
        }
        if standing.is_told() {
            return;
        }
        if !has_room {
            self.deferred.push_back(thing.clone());
            return;
        }
        standing.set_told(true);
        out.announce(thing.announcement(true, at_ms, quietly));
    }

    fn leaves(
        &mut self,
        now_ms: u64,
        seat: Seat,
        thing: Thing,
        at_ms: u64,
        out: &mut impl Announce,
    ) {
        if self.is_closing {
            return;
        }
        let (grace_ms, is_hearing) = (self.rules.grace_ms, self.is_hearing);
        let standing = self.standing(&thing);
        #[cfg(test)]
        let seat = if sabotaged(Sabotage::EachForItself) { Seat::EVERY } else { seat };
        if standing.leaves(seat.both()) || !standing.goes(now_ms, is_hearing) {
            return;
        }
        #[cfg(test)]
        if sabotaged(Sabotage::NoGrace) {
            standing.set_told(false);
            out.announce(thing.announcement(false, at_ms, false));
            return;
        }
        #[cfg(test)]
        if self.loses_one_of_many(now_ms, &thing) {
            return;
        }
        #[cfg(test)]
        let grace_ms =
            grace_ms + u64::from(sabotaged(Sabotage::VacatedFirst) && thing.user.is_some());
        let _ = (at_ms, out);
        self.leaves.push_back(Leave { ends_ms: now_ms + grace_ms, thing });
    }

    /// The grace of a leave is over. It counts only if nobody has come and left again since.
    fn ends(&mut self, now_ms: u64, leave: &Leave, out: &mut impl Announce) {
        let grace_ms = self.rules.grace_ms;
        let thing = &leave.thing;
        let standing = *self.standing(thing);
        let left_ms = standing.left_ms();
        let is_over = left_ms != UNHEARD && left_ms + grace_ms <= leave.ends_ms;
        #[cfg(test)]
        let is_over = is_over || sabotaged(Sabotage::EarlyEnd);
        let is_due = is_over && !standing.is_here() && standing.is_told();
        if is_due && !self.waits_for_members(leave) {
            self.standing(thing).set_told(false);
            out.announce(thing.announcement(false, now_ms, false));
        }
        self.tidy(thing);
    }

    /// Whether members of a channel have to go first. Those whom a former run has told have time to
    /// return even if others come and go: the channel is taken back with them. All others have left,
    /// so it is their turn before this leave ends again.
    fn waits_for_members(&mut self, leave: &Leave) -> bool {
        #[cfg(test)]
        if sabotaged(Sabotage::VacatedFirst) {
            return false;
        }
        let Leave { ends_ms, thing } = leave;
        let channel = self.channel(&thing.app, thing.channel.clone());
        if thing.user.is_some() || channel.members_told().next().is_none() {
            return false;
        }
        if channel.members_told().any(|member| member.left_ms() == UNHEARD) {
            channel.standing.set_left(UNHEARD);
            return true;
        }
        let Some(last_ms) = self.leaves.back().map(|last| last.ends_ms) else { return false };
        self.leaves.push_back(Leave { ends_ms: last_ms.max(*ends_ms), thing: thing.clone() });
        true
    }

    #[cfg(test)]
    fn loses_one_of_many(&self, now_ms: u64, thing: &Thing) -> bool {
        let ends_ms = now_ms + self.rules.grace_ms;
        let last = self.leaves.back().filter(|last| last.ends_ms == ends_ms);
        let is_one = last.is_some_and(|last| last.thing.channel != thing.channel);
        sabotaged(Sabotage::OneOfMany) && is_one
    }

    /// Lets go of what is neither here nor told.
    fn tidy(&mut self, thing: &Thing) {
        let Some(channels) = self.apps.get_mut(&thing.app) else { return };
        let Some(channel) = channels.get_mut(&thing.channel) else { return };
        if let Some(user) = &thing.user {
            channel.forget(user);
        }
        if channel.is_nothing() {
            channels.remove(&thing.channel);
            if channels.is_empty() {
                self.apps.remove(&thing.app);
            } else if channels.capacity() > 1024 && channels.len() < channels.capacity() / 8 {
                channels.shrink_to_fit();
            }
        }
    }

    /// Lets everything leave that a former run has told and that has not come back.
    fn take_back(&mut self, now_ms: u64) {
        if self.is_closing || !self.returns.iter().any(|(ends_ms, _)| *ends_ms <= now_ms) {
            return;
        }
        let (due, later) = self.returns.drain(..).partition(|(ends_ms, _)| *ends_ms <= now_ms);
        self.returns = later;
        let due: Vec<(u64, AppId)> = due;
        let mut gone = Vec::new();
        for (_, app) in due {
            let Some(channels) = self.apps.get_mut(&app) else { continue };
            for (name, channel) in channels {
                channel.take_back(|user| {
                    gone.push(Thing { app: app.clone(), channel: name.clone(), user });
                });
            }
        }
        // Members before their channels, and all of it before leaves that end later.
        gone.sort_by_key(|thing| thing.user.is_none());
        let ends_ms = self.leaves.front().map_or(now_ms, |leave| leave.ends_ms.min(now_ms));
        for thing in gone.into_iter().rev() {
            self.leaves.push_front(Leave { ends_ms, thing });
        }
    }

    /// Tells what there was no room for.
    fn catch_up(&mut self, now_ms: u64, out: &mut impl Announce) {
        while out.has_room() {
            let Some(thing) = self.deferred.pop_front() else { return };
            let standing = *self.standing(&thing);
            if standing.is_here() && !standing.is_told() {
                self.tell_late(now_ms, thing, out);
            } else {
                if !standing.is_here() && !standing.is_told() {
                    out.pass_over(&thing.announcement(true, now_ms, false));
                }
                self.tidy(&thing);
            }
        }
    }

    /// Tells of somebody for whom there was no room. Who has come back since may stand before the
    /// channel in the queue, but comes after it.
    fn tell_late(&mut self, now_ms: u64, mut thing: Thing, out: &mut impl Announce) {
        let channel = Thing { user: None, ..thing.clone() };
        if thing.user.is_some() && !self.standing(&channel).is_told() {
            self.deferred.push_front(std::mem::replace(&mut thing, channel));
        }
        self.standing(&thing).set_told(true);
        out.announce(thing.announcement(true, now_ms, false));
    }

    fn misses(&mut self, app: AppId, channel: ChannelName, at_ms: u64, out: &mut impl Announce) {
        let state = self.channel(&app, channel.clone());
        let again = std::mem::replace(&mut state.has_missed, true);
        #[cfg(test)]
        let again = again && !sabotaged(Sabotage::EveryMiss);
        if !again {
            out.announce(Announcement::cache_miss(app, channel, at_ms));
        }
    }

    fn fills(&mut self, app: &AppId, channel: &ChannelName) {
        let channels = self.apps.get_mut(app);
        if let Some(channel) = channels.and_then(|channels| channels.get_mut(channel)) {
            channel.has_missed = false;
        }
    }
}

impl Thing {
    fn announcement(&self, arrives: bool, at_ms: u64, quietly: bool) -> Announcement {
        let (app, channel) = (self.app.clone(), self.channel.clone());
        Announcement::standing(app, channel, self.user.clone(), arrives, at_ms, quietly)
    }
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
