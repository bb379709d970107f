//! What the store has to know of an endpoint: whether something waits, what the receiver misses, and
//! whether it is disabled.

use std::sync::Arc;

use super::{BEHIND_SLACK, Courier};
use crate::batch::{Gap, Outcome};
use crate::breaker::Breaker;
use crate::endpoint::Endpoint;
use crate::event::LANES;
use crate::lane::{Lane, Part, Stage};
use crate::outbox::Step;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::turn::{Notice, Turn};

impl Courier {
    /// Records that the receiver misses something of a lane, and will name it.
    pub(crate) fn lose(&mut self, lane: u8, gap: Gap, reason: &'static str, turn: &mut Turn) {
        let endpoint = self.endpoint.id.clone();
        let at_ms = turn.now_ms;
        turn.steps.push(Step::Lost { endpoint, gap, reason, at_ms });
        #[cfg(test)]
        if sabotaged(Sabotage::SilentGap) {
            return;
        }
        self.lanes[usize::from(lane)].misses(gap);
    }

    /// The server disables the endpoint; its owner may enable it again.
    pub(crate) fn disable(&mut self, reason: &'static str, turn: &mut Turn) {
        let (endpoint, at_ms) = (self.endpoint.id.clone(), turn.now_ms);
        turn.steps.push(Step::Disable { endpoint: endpoint.clone(), reason, at_ms });
        turn.notice(Notice::Disabled { endpoint, reason });
        let mut disabled = Endpoint::clone(&self.endpoint);
        disabled.disabled = Some(crate::endpoint::Disabled { reason: reason.into(), at_ms });
        self.endpoint = Arc::new(disabled);
        self.discard(turn);
    }

    /// Its owner has enabled it again: it is not measured by what was.
    pub(crate) fn wake(&mut self, turn: &mut Turn) {
        self.lanes.iter_mut().for_each(Lane::wake);
        if self.failing_since_ms.take().is_some() {
            let endpoint = self.endpoint.id.clone();
            turn.steps.push(Step::Failing { endpoint, since_ms: None });
        }
    }

    /// Lets go of everything that waits, because the endpoint is disabled.
    pub(crate) fn discard(&mut self, turn: &mut Turn) {
        for lane in 0..LANES {
            let state = &mut self.lanes[usize::from(lane)];
            let parts: Vec<Part> = state.parts.drain(..).collect();
            let parts_gap = parts.iter().filter_map(|part| part.batch.as_gap()).reduce(Gap::and);
            let waited = state.clear(self.heard);
            for part in &parts {
                if matches!(part.stage, Stage::Sent | Stage::Cut) {
                    self.under_way = self.under_way.saturating_sub(1);
                }
                self.end(part, Outcome::Discarded, turn);
            }
            let gap = parts_gap.into_iter().chain(waited).reduce(Gap::and);
            if let Some(gap) = gap {
                self.lose(lane, gap, "disabled", turn);
            }
        }
        self.breaker = Breaker::default();
        self.is_proven = false;
    }

    /// Tells the store whether something waits, and what the receiver misses.
    pub(crate) fn bookmark(&mut self, turn: &mut Turn) {
        self.waiting = 0;
        for at in 0..self.lanes.len() {
            self.waiting += self.lanes[at].waiting();
            self.keep_debt(at, turn);
        }
        self.keep_behind(turn);
    }

    fn keep_behind(&mut self, turn: &mut Turn) {
        let behind = self.lanes.iter().filter_map(Lane::behind).min();
        let is_known = match (self.behind, behind) {
            (Some(known), Some(after)) => (known..known + BEHIND_SLACK).contains(&after),
            (known, after) => known == after,
        };
        if is_known {
            return;
        }
        self.behind = behind;
        let endpoint = self.endpoint.id.clone();
        turn.steps.push(match behind {
            Some(after) => Step::Behind { endpoint, after },
            None => Step::CaughtUp { endpoint },
        });
    }

    /// Only at the end of a run: what a request names has to be kept before.
    fn keep_debt(&mut self, at: usize, turn: &mut Turn) {
        let is_disabled = self.is_disabled();
        let Some(owes) = self.lanes[at].debt(is_disabled) else { return };
        let (endpoint, lane) = (self.endpoint.id.clone(), at as u8);
        turn.steps.push(match owes {
            Some(gap) => Step::Owes { endpoint, lane, gap },
            None => Step::Paid { endpoint, lane },
        });
    }
}
