//! Who hears of what: endpoints as people write them down, and what a former run has left.

use std::sync::Arc;

use bellwire_protocol::AppId;

use super::{Desk, Set};
use crate::batch::{Batch, Gap, Outcome};
use crate::courier::Courier;
use crate::endpoint::{Disabled, Endpoint};
use crate::event::Event;
use crate::ids::EndpointId;
use crate::lane::{Part, Stage};
use crate::outbox::Found;
#[cfg(test)]
use crate::outbox::Step;
use crate::replay::{Replay, State};
use crate::rerun::Rerun;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::turn::{Asker, Dispatch};

impl Desk {
    pub(super) fn configure(
        &mut self,
        endpoints: Vec<Endpoint>,
        batching: &dyn Fn(&AppId) -> Option<bool>,
    ) {
        for log in self.logs.values_mut() {
            log.endpoints.clear();
        }
        let mut gone: Set<EndpointId> = self.couriers.keys().cloned().collect();
        for mut endpoint in endpoints {
            gone.remove(&endpoint.id);
            #[cfg(test)]
            if sabotaged(Sabotage::OneAddress) && self.has_address(&endpoint) {
                continue;
            }
            let batching = batching(&endpoint.app);
            if batching.is_some() {
                let log = self.logs.entry(endpoint.app.clone()).or_default();
                log.endpoints.push(endpoint.id.clone());
            } else {
                // The endpoints of an app that is switched off are as good as disabled.
                let at_ms = self.turn.now_ms;
                endpoint.disabled.get_or_insert(Disabled { reason: "app".into(), at_ms });
            }
            self.install(endpoint, batching.unwrap_or_default());
        }
        for id in gone {
            if let Some(courier) = self.couriers.remove(&id) {
                self.waiting -= courier.waiting.min(self.waiting);
            }
        }
    }

    fn install(&mut self, endpoint: Endpoint, batching: bool) {
        let id = endpoint.id.clone();
        let Some(courier) = self.couriers.get_mut(&id) else {
            let last_seq = self.logs.get(&endpoint.app).map_or(0, |log| log.last_seq);
            self.couriers.insert(id, Courier::new(endpoint, batching, last_seq));
            return;
        };
        let was_disabled = courier.is_disabled();
        courier.endpoint = Arc::new(endpoint);
        courier.batching = batching;
        match (was_disabled, courier.is_disabled()) {
            (false, true) => courier.discard(&mut self.turn),
            (true, false) => courier.wake(&mut self.turn),
            (true, true) | (false, false) => {}
        }
        self.touched.insert(id);
    }

    pub(super) fn resume(
        &mut self,
        behind: Vec<(EndpointId, u64)>,
        owed: Vec<(EndpointId, u8, Gap)>,
        previous: Vec<(EndpointId, u8, u64)>,
    ) {
        let couriers = &mut self.couriers;
        let mut lane =
            |endpoint: &EndpointId, lane: u8, change: &dyn Fn(&mut crate::lane::Lane)| {
                let courier = couriers.get_mut(endpoint);
                if let Some(lane) = courier.and_then(|c| c.lanes.get_mut(usize::from(lane))) {
                    change(lane);
                }
            };
        for (endpoint, at, place) in previous {
            lane(&endpoint, at, &|lane| lane.previous = place);
        }
        for (endpoint, at, gap) in owed {
            lane(&endpoint, at, &|lane| lane.owed_before(gap));
        }
        for (endpoint, after) in behind {
            if let Some(courier) = couriers.get_mut(&endpoint) {
                courier.resume(after);
            }
        }
    }

    /// Batches that a former run has cut go on as they were.
    pub(super) fn reopen(&mut self, mut open: Vec<(Batch, u32)>, replays: &[Replay]) {
        // Halves of a split batch have later names than what follows them.
        open.sort_by_key(|(batch, _)| (batch.seqs.first().copied(), batch.id));
        for (batch, attempts) in open {
            #[cfg(test)]
            if attempts > 0 && sabotaged(Sabotage::RetryInMemory) {
                let (batch, at_ms) = (batch.id, self.turn.now_ms);
                self.turn.steps.push(Step::End { batch, outcome: Outcome::Discarded, at_ms });
                continue;
            }
            let now_ms = self.turn.now_ms;
            let Some(courier) = self.couriers.get_mut(&batch.endpoint) else { continue };
            let mut part = Part::new(Arc::new(batch), Stage::Due(now_ms));
            part.attempts = attempts;
            if let Some(lane) = courier.lanes.get_mut(usize::from(part.batch.lane)) {
                lane.parts.push_back(part);
            } else {
                let replay = replays.iter().find(|replay| Some(replay.id) == part.batch.replay);
                match replay.filter(|replay| replay.progress.state == State::Running) {
                    Some(replay) => courier.reruns.push(Rerun::new(replay.clone(), Some(part))),
                    None => courier.end(&part, Outcome::Discarded, &mut self.turn),
                }
            }
        }
    }

    /// Starts what somebody asked to be sent again, and stops what somebody cancelled.
    pub(super) fn rerun(&mut self, replays: Vec<Replay>) {
        for replay in replays {
            let Some(courier) = self.couriers.get_mut(&replay.endpoint) else { continue };
            let at = courier.reruns.iter().position(|rerun| rerun.replay.id == replay.id);
            match (at, replay.progress.state == State::Running) {
                (None, true) => courier.reruns.push(Rerun::new(replay.clone(), None)),
                (Some(at), false) => courier.end_rerun(at, &mut self.turn),
                (None, false) | (Some(_), true) => continue,
            }
            self.touched.insert(replay.endpoint);
        }
    }

    #[cfg(test)]
    fn has_address(&self, endpoint: &Endpoint) -> bool {
        let others = self.couriers.values().map(|courier| &courier.endpoint);
        let mut others = others.filter(|other| other.id != endpoint.id);
        others.any(|other| other.terms.url == endpoint.terms.url)
    }

    /// What waited for an endpoint that was disabled since.
    pub(super) fn discard_disabled(&mut self) {
        for courier in self.couriers.values_mut().filter(|courier| courier.is_disabled()) {
            courier.discard(&mut self.turn);
        }
    }

    pub(super) fn touch_all(&mut self) {
        self.touched.extend(self.couriers.keys().cloned());
    }

    /// A batch is kept and goes, unless it was discarded meanwhile.
    pub(super) fn go(&mut self, mut dispatch: Dispatch) {
        let Some(courier) = self.couriers.get_mut(&dispatch.endpoint.id) else { return };
        self.touched.insert(dispatch.endpoint.id.clone());
        if courier.kept(&dispatch, self.turn.now_ms) {
            dispatch = courier.dispatch(dispatch.batch, dispatch.attempt, self.turn.now_ms);
            self.turn.posts.push(dispatch);
        }
    }

    pub(super) fn found(&mut self, asker: Asker, found: Found) {
        match (asker, found) {
            (Asker::Lane(endpoint, lane), Found::Events(events)) => {
                let Some(courier) = self.couriers.get_mut(&endpoint) else { return };
                let is_all = events.len() < crate::courier::READ as usize;
                let last = events.last().map(|event| event.seq);
                let wanted = events.into_iter().filter(|event| courier.wants(event));
                let wanted: Vec<Arc<Event>> = wanted.map(Arc::new).collect();
                courier.lanes[usize::from(lane)].found(wanted, last, is_all);
                self.touched.insert(endpoint);
            }
            (Asker::Replay(endpoint, replay), found) => {
                let Some(courier) = self.couriers.get_mut(&endpoint) else { return };
                let spec = Arc::clone(&courier.endpoint);
                let rerun = courier.reruns.iter_mut().find(|rerun| rerun.replay.id == replay);
                if let Some(rerun) = rerun {
                    rerun.found(found, |event| spec.terms.wants(event.kind, &event.channel));
                }
                self.touched.insert(endpoint);
            }
            (Asker::Lane(..), Found::Batches(_)) => {}
        }
    }
}
