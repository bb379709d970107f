//! The logs: what is announced gets its place, and so does what there is no room for.

use std::sync::Arc;

use bellwire_protocol::AppId;

use super::{Desk, Overflow};
use crate::announcement::Announcement;
use crate::batch::Gap;
use crate::endpoint::Endpoint;
use crate::event::{Event, LANES, lane_of};
use crate::outbox::Step;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::settle::Announce;
use crate::turn::Notice;

impl Announce for Desk {
    fn pass_over(&mut self, announcement: &Announcement) {
        let log = self.logs.entry_ref(&announcement.app).or_default();
        log.last_seq += 1;
        let seq = log.last_seq;
        self.lose(announcement, seq);
    }

    fn has_room(&self) -> bool {
        self.pending_bytes < self.turn.rules.pending_bytes_max
    }

    fn announce(&mut self, announcement: Announcement) {
        let log = self.logs.entry_ref(&announcement.app).or_default();
        log.last_seq += 1;
        let seq = log.last_seq;
        if !self.has_room() {
            self.lose(&announcement, seq);
            return;
        }
        let Announcement { app, kind, channel, user, at_ms, quietly, body } = announcement;
        let event = Arc::new(Event { app, seq, kind, channel, user, at_ms, body });
        self.pending_bytes += cost(&event);
        self.turn.steps.push(Step::Append(Arc::clone(&event)));
        if quietly {
            return;
        }
        let in_memory = self.waiting < self.turn.rules.waiting_max;
        #[cfg(test)]
        if sabotaged(Sabotage::AppsMixed) {
            for courier in self.couriers.values_mut() {
                courier.hear(&event, in_memory);
            }
            self.touched.extend(self.couriers.keys().cloned());
            return;
        }
        let Some(log) = self.logs.get(&event.app) else { return };
        for id in &log.endpoints {
            let Some(courier) = self.couriers.get_mut(id) else { continue };
            if courier.wants(&event) {
                let waited = courier.waiting;
                let is_urgent = courier.hear(&event, in_memory);
                self.waiting += courier.waiting - waited;
                if is_urgent {
                    self.touched.insert(id.clone());
                }
            }
        }
    }
}

impl Desk {
    /// There was no room: the place in the log stays empty, and whoever wanted to hear will be told
    /// that something is missing.
    fn lose(&mut self, announcement: &Announcement, seq: u64) {
        let lane = lane_of(announcement.channel.as_str());
        let gap = Gap { first: seq, last: seq, count: 1 };
        self.skip(&announcement.app, gap, lane, |endpoint| {
            endpoint.terms.wants(announcement.kind, &announcement.channel)
        });
    }

    /// The same for events of which nothing is known but their lane.
    pub(super) fn lose_places(&mut self, app: &AppId, lane: u8, count: u64) {
        let log = self.logs.entry_ref(app).or_default();
        let first = log.last_seq + 1;
        log.last_seq += count;
        let gap = Gap { first, last: log.last_seq, count };
        self.skip(app, gap, lane, |_| true);
    }

    fn skip(&mut self, app: &AppId, gap: Gap, lane: u8, missed_by: impl Fn(&Endpoint) -> bool) {
        self.overflow.events += gap.count;
        self.overflow.apps.insert(app.clone());
        let Some(log) = self.logs.get(app) else { return };
        for id in &log.endpoints {
            let Some(courier) = self.couriers.get_mut(id) else { continue };
            if missed_by(&courier.endpoint) {
                courier.lanes[usize::from(lane % LANES)].misses(gap);
                let known = self.overflow.gaps.entry((id.clone(), lane)).or_insert(gap);
                if known.last < gap.first {
                    *known = known.and(gap);
                }
                self.touched.insert(id.clone());
            }
        }
    }

    /// Writes down what there was no room for.
    pub(super) fn keep_overflow(&mut self) {
        let Overflow { events, apps, gaps } = std::mem::take(&mut self.overflow);
        for app in apps {
            let last = self.logs.get(&app).map_or(0, |log| log.last_seq);
            self.turn.steps.push(Step::Skip { app, last });
        }
        let at_ms = self.turn.now_ms;
        for ((endpoint, _), gap) in gaps {
            self.turn.steps.push(Step::Lost { endpoint, gap, reason: "overflow", at_ms });
        }
        if events > 0 {
            self.turn.notice(Notice::Overflowed { events });
        }
    }
}

pub(super) fn bytes(steps: &[Step]) -> usize {
    let appended = |step: &Step| match step {
        Step::Append(event) => cost(event),
        _ => 0,
    };
    steps.iter().map(appended).sum()
}

/// What an event costs in memory, roughly.
fn cost(event: &Event) -> usize {
    event.body.len() + 200
}
