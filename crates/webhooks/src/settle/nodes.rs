//! Settling for many nodes: somebody is here while any of them says so.

use bellwire_protocol::{AppId, ChannelName};

use super::{Announce, Leave, Settle, Thing};
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::seat::Seat;

/// How long a leave whose grace is over waits for the desk to have heard all that nodes had said by
/// then. More than a desk that keeps up is ever behind; one that does not keep up tells what it has
/// heard, which alternates and converges, rather than nothing.
const HELD_MS: u64 = 30_000;

impl Settle {
    /// Begins after [`Settle::told_before`] where there are several nodes: until all of them have
    /// said who is there, nobody is known to have left.
    pub(crate) fn begin_hearing(&mut self) {
        (self.is_shared, self.is_hearing) = (true, true);
        self.returns.clear();
    }

    /// Everything is heard that nodes had said by then.
    pub(crate) fn has_heard(&mut self, until_ms: u64) {
        self.heard_ms = until_ms.max(self.heard_ms);
    }

    /// Until when it is known who is back: of several nodes one may have said so where it is not heard
    /// yet. A desk that never comes to the end of what they say does not wait for that any longer.
    pub(super) fn sure_ms(&self, now_ms: u64) -> u64 {
        #[cfg(test)]
        if sabotaged(Sabotage::HastyLeaves) {
            return now_ms;
        }
        if !self.is_shared {
            return now_ms;
        }
        self.heard_ms.max(now_ms.saturating_sub(HELD_MS)).min(now_ms)
    }

    /// When something that ends at a time can be told at the latest, whatever is heard.
    pub(super) fn told_ms(&self, ends_ms: u64) -> u64 {
        let waits = self.is_shared && ends_ms > self.heard_ms;
        if waits { ends_ms.saturating_add(HELD_MS) } else { ends_ms }
    }

    /// The end of the first grace of which it is not heard yet whether anybody was back by then.
    pub(crate) fn unsure_ms(&self) -> Option<u64> {
        self.next_end_ms().filter(|ends_ms| self.is_shared && *ends_ms > self.heard_ms)
    }

    /// Whether there are several nodes.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// All nodes have said who is there: whoever is not has the grace, and so much longer. `counts`:
    /// somebody may be missing of whom nobody says so, so every sum is told.
    pub(crate) fn all_heard(
        &mut self,
        now_ms: u64,
        longer_ms: u64,
        counts: bool,
        out: &mut impl Announce,
    ) {
        self.is_hearing = false;
        self.wait_for_returns(now_ms + self.rules.grace_ms + longer_ms);
        let mut channels = Vec::new();
        for (app, name, channel) in all(&mut self.apps) {
            let Some(count) = channel.count.as_deref_mut() else { continue };
            if count.waiting.take().is_some() || (counts && count.sum() > 0) {
                channels.push((app.clone(), name.clone()));
            }
        }
        self.recount(now_ms, channels, out);
    }

    /// The node on a seat has ended: whoever was there leaves at a time.
    pub(crate) fn departs(&mut self, at_ms: u64, seat: Seat) {
        self.departures.push((at_ms, seat));
    }

    /// Whether somebody has yet to leave with the node that had this seat.
    pub(crate) fn is_departing(&self, seat: Seat) -> bool {
        self.departures.iter().any(|(_, other)| other.is_of(seat))
    }

    /// Lets those leave whose node has ended.
    pub(super) fn depart(&mut self, now_ms: u64, out: &mut impl Announce) {
        while let Some(at) = self.departures.iter().position(|(at_ms, _)| *at_ms <= now_ms) {
            let (_, seat) = self.departures.swap_remove(at);
            #[cfg(test)]
            if sabotaged(Sabotage::GoneStays) {
                continue;
            }
            let channels = self.vacate(now_ms, seat, seat.both(), None);
            if !self.is_hearing {
                self.recount(now_ms, channels, out);
            }
        }
    }

    /// A node has said its whole state anew: what is still where it sat before is not there any
    /// more.
    pub(crate) fn retold(&mut self, now_ms: u64, seat: Seat, out: &mut impl Announce) {
        #[cfg(test)]
        if sabotaged(Sabotage::RetellKeeps) {
            return;
        }
        let channels = self.vacate(now_ms, seat, seat.turned().here(), None);
        if !self.is_hearing {
            self.recount(now_ms, channels, out);
        }
    }

    /// A node that was saying its whole state anew begins with that once more: what it has said so
    /// far is as old as what it had said before.
    pub(crate) fn turn_back(&mut self, seat: Seat) {
        for (_, _, channel) in all(&mut self.apps) {
            channel.turn_back(seat);
        }
    }

    /// A node says all it has to say of an app anew, or says nothing of it any more.
    pub(crate) fn anew(&mut self, now_ms: u64, seat: Seat, app: &AppId) {
        // What changes of counts by that is of no interest: nobody has heard of them.
        let _ = self.vacate(now_ms, seat, seat.both(), Some(app));
    }

    /// Takes places from everybody who has them, of all apps or of one; who is nowhere else leaves.
    /// Returns the channels whose count has changed by that and that are still there.
    fn vacate(
        &mut self,
        now_ms: u64,
        seat: Seat,
        places: u64,
        of: Option<&AppId>,
    ) -> Vec<(AppId, ChannelName)> {
        let (ends_ms, is_hearing) = (now_ms + self.rules.grace_ms, self.is_hearing);
        let leaves = &mut self.leaves;
        let mut counted = Vec::new();
        let channels = all(&mut self.apps).filter(|(app, ..)| of.is_none_or(|of| of == *app));
        for (app, name, channel) in channels {
            channel.vacate(places, |user, standing| {
                if standing.goes(now_ms, is_hearing) {
                    let thing = Thing { app: app.clone(), channel: name.clone(), user };
                    leaves.push_back(Leave { ends_ms, thing });
                }
            });
            if channel.drop_part(seat) && channel.standing.is_here() {
                counted.push((app.clone(), name.clone()));
            }
        }
        counted
    }
}

type Apps = hashbrown::HashMap<AppId, super::Channels, crate::hashing::Hashing>;

/// Every channel with its name and its app.
fn all(
    apps: &mut Apps,
) -> impl Iterator<Item = (&AppId, &ChannelName, &mut crate::standing::Channel)> {
    let of_app = |(app, channels)| {
        let channels: &mut super::Channels = channels;
        channels.iter_mut().map(move |(name, channel)| (app, name, channel))
    };
    apps.iter_mut().flat_map(of_app)
}
