//! How many listen: at once up to a hundred, above that now and then; the sum over all nodes.

use bellwire_protocol::{AppId, ChannelName};

use super::{Announce, COUNT_EVERY_MS, COUNTS_AT_ONCE, Settle};
use crate::announcement::Announcement;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::seat::Seat;

impl Settle {
    /// What follows for all nodes from what one of them counts; nothing, if there is nothing to
    /// tell or not yet.
    pub(super) fn sum(
        &mut self,
        seat: Seat,
        app: &AppId,
        channel: &ChannelName,
        count: usize,
        quietly: bool,
    ) -> Option<usize> {
        if !self.is_shared {
            return Some(count);
        }
        let is_hearing = self.is_hearing;
        let state = self.channel(app, channel.clone()).count.get_or_insert_default();
        let before = state.sum();
        let sum = state.says(seat, count);
        #[cfg(test)]
        let sum = if sabotaged(Sabotage::CountOfOne) { count } else { sum };
        if is_hearing && !quietly {
            // Of some nodes nothing is known yet.
            state.waiting = Some(sum);
        }
        Some(sum).filter(|sum| *sum != before && !quietly && !is_hearing)
    }

    /// Tells the sums of these channels anew.
    pub(super) fn recount(
        &mut self,
        now_ms: u64,
        channels: Vec<(AppId, ChannelName)>,
        out: &mut impl Announce,
    ) {
        for (app, channel) in channels {
            let sum = self.channel(&app, channel.clone()).count.as_deref().map(|count| count.sum());
            if let Some(sum) = sum {
                self.counts(now_ms, app, channel, now_ms, sum, out);
            }
        }
    }

    pub(super) fn counts(
        &mut self,
        now_ms: u64,
        app: AppId,
        channel: ChannelName,
        at_ms: u64,
        count: usize,
        out: &mut impl Announce,
    ) {
        let state = &mut self.channel(&app, channel.clone()).count;
        if let Some(state) = state.as_deref_mut() {
            state.waiting = None;
        }
        #[cfg(test)]
        let count_every = if sabotaged(Sabotage::EveryCount) { 0 } else { COUNT_EVERY_MS };
        #[cfg(not(test))]
        let count_every = COUNT_EVERY_MS;
        if count <= COUNTS_AT_ONCE {
            // The throttle stays, or a count about the threshold would get around it.
            out.announce(Announcement::count(app, channel, at_ms, count));
            return;
        }
        if let Some(state) = state.as_deref_mut().filter(|state| now_ms < state.next_ms) {
            #[cfg(test)]
            let count = Some(count).filter(|_| !sabotaged(Sabotage::LastCountLost));
            #[cfg(not(test))]
            let count = Some(count);
            state.waiting = count;
            return;
        }
        let next_ms = now_ms + count_every;
        state.get_or_insert_default().next_ms = next_ms;
        self.counts.push_back((next_ms, app.clone(), channel.clone()));
        out.announce(Announcement::count(app, channel, at_ms, count));
    }

    /// The throttle of a count has passed: the last one that waited is told.
    pub(super) fn count_again(
        &mut self,
        now_ms: u64,
        app: AppId,
        channel: ChannelName,
        out: &mut impl Announce,
    ) {
        let state = self.apps.get_mut(&app).and_then(|channels| channels.get_mut(&channel));
        let Some(state) = state else { return };
        let count = state.count.as_deref_mut().filter(|count| count.next_ms <= now_ms);
        let Some(count) = count else { return };
        let Some(value) = count.waiting.take() else {
            if count.is_nothing() {
                state.count = None;
            }
            return;
        };
        count.next_ms = now_ms + COUNT_EVERY_MS;
        self.counts.push_back((count.next_ms, app.clone(), channel.clone()));
        out.announce(Announcement::count(app, channel, now_ms, value));
    }
}
