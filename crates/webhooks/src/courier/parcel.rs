//! A batch on its way out: cut, kept, sent.

use std::sync::Arc;

use super::Courier;
use crate::announcement::count_changed;
use crate::batch::{Batch, join};
use crate::event::{Event, Kind};
use crate::ids::BatchId;
use crate::lane::{Lane, Part, Stage};
use crate::outbox::Step;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::turn::{Dispatch, Turn};

impl Courier {
    pub(crate) fn batch(
        &self,
        app: bellwire_protocol::AppId,
        lane: u8,
        previous: u64,
        events: &[Arc<Event>],
        turn: &mut Turn,
    ) -> Batch {
        Batch {
            id: turn.batch_id(),
            app,
            endpoint: self.endpoint.id.clone(),
            lane,
            time_ms: turn.now_ms,
            events: self.render(events),
            seqs: events.iter().map(|event| event.seq).collect(),
            previous,
            gap: self.lanes.get(usize::from(lane)).and_then(|lane| lane.owes),
            deadline_ms: turn.now_ms + self.window_ms(turn),
            replay: None,
            parent: None,
        }
    }

    pub(crate) fn render(&self, events: &[Arc<Event>]) -> Box<str> {
        if !self.endpoint.terms.says_count_changed() {
            return join(events.iter().map(|event| &*event.body));
        }
        let renamed: Vec<String> = events
            .iter()
            .map(|event| match event.kind {
                Kind::SubscriptionCount => count_changed(&event.body),
                _ => event.body.to_string(),
            })
            .collect();
        join(renamed.iter().map(String::as_str))
    }

    pub(crate) fn dispatch(&mut self, batch: Arc<Batch>, attempt: u32, now_ms: u64) -> Dispatch {
        let lane = self.lanes.get_mut(usize::from(batch.lane));
        // Of hours, every attempt has a time of its own, or Python's SDK would refuse it.
        let fresh = self.endpoint.terms.retry_hours.is_some() && attempt > 1;
        Dispatch {
            time_ms: if fresh { now_ms } else { batch.time_ms },
            gap: lane.and_then(Lane::name),
            endpoint: Arc::clone(&self.endpoint),
            batch,
            attempt,
        }
    }

    /// A batch that was cut is kept. Whether it goes now: it may have been discarded meanwhile, the
    /// receiver may have asked for a rest, or the breaker may have opened.
    pub(crate) fn kept(&mut self, dispatch: &Dispatch, now_ms: u64) -> bool {
        let id = dispatch.batch.id;
        let rest_ms = self.pace.rest_ms();
        let is_probe = self.under_way == 1;
        let may_go = self.breaker.probe_ms().is_none_or(|ms| is_probe && ms <= now_ms);
        // A last attempt asks for no slot, so there may be fewer than when this one was cut.
        let fits = self.under_way <= usize::from(self.endpoint.terms.max_in_flight);
        let (part, is_urgent) = match self.lanes.get_mut(usize::from(dispatch.batch.lane)) {
            Some(lane) => (lane.parts.front_mut().filter(|part| part.batch.id == id), false),
            None => self.rerun_part(id),
        };
        let Some(part) = part else { return false };
        let goes = is_urgent || (fits && may_go && rest_ms <= now_ms);
        part.stage = if goes { Stage::Sent } else { Stage::Due(rest_ms.max(now_ms)) };
        self.under_way -= usize::from(!goes);
        goes
    }

    /// A batch of a replay, and whether somebody asked for it by name.
    fn rerun_part(&mut self, batch: BatchId) -> (Option<&mut Part>, bool) {
        let mut parts = self.reruns.iter_mut().filter_map(|rerun| {
            let is_urgent = rerun.is_urgent();
            Some((rerun.part_of(batch)?, is_urgent))
        });
        parts.next().map_or((None, false), |(part, is_urgent)| (Some(part), is_urgent))
    }

    /// Cuts the next batch of a lane; it is sent once it is kept.
    pub(super) fn cut(&mut self, at: usize, turn: &mut Turn) {
        let lane = &mut self.lanes[at];
        let previous = lane.previous;
        let events = lane.cut(self.batching);
        let Some(first) = events.first() else { return };
        let app = first.app.clone();
        let batch = self.batch(app, at as u8, previous, &events, turn);
        let batch = Arc::new(batch);
        self.lanes[at].parts.push_back(Part::new(Arc::clone(&batch), Stage::Cut));
        self.goes(turn.now_ms);
        turn.steps.push(Step::Cut(Arc::clone(&batch)));
        let dispatch = self.dispatch(batch, 1, turn.now_ms);
        #[cfg(test)]
        if sabotaged(Sabotage::SendBeforeCommit) {
            turn.posts.push(dispatch.clone());
        }
        turn.cut.push(dispatch);
    }

    pub(super) fn send(&mut self, at: usize, turn: &mut Turn) {
        #[cfg(test)]
        self.cut_again(at);
        let Some(part) = self.lanes[at].parts.front_mut() else { return };
        part.stage = Stage::Sent;
        let (batch, attempt) = (Arc::clone(&part.batch), part.attempts + 1);
        self.goes(turn.now_ms);
        let dispatch = self.dispatch(batch, attempt, turn.now_ms);
        turn.posts.push(dispatch);
    }

    /// A POST takes a slot, and its time in the endpoint's pace.
    pub(crate) fn goes(&mut self, now_ms: u64) {
        self.under_way += 1;
        self.pace.sent(now_ms, self.endpoint.terms.max_per_second);
    }
}
