//! Laws of endpoints that are not well: they are left alone as they ask, and are not given up early.

use std::collections::{BTreeSet, HashMap};

use super::parcel::Scene;
use super::settings::Settings;
use super::{Law, Lawful};
use crate::attempt::Answer;
use crate::batch::Batch;
use crate::ids::{BatchId, EndpointId};
use crate::simulation::disk::Disk;
use crate::turn::Dispatch;

/// How endpoints are, as far as the engine knows.
#[derive(Debug, Default)]
pub(in crate::simulation) struct HealthLaws {
    /// Until when receivers asked to be left alone.
    rests: HashMap<EndpointId, u64>,
    /// Since when endpoints have failed without a break.
    failing: HashMap<EndpointId, u64>,
    /// When the last requests went, where there is a limit.
    paces: HashMap<EndpointId, Vec<u64>>,
    /// How often in a row a batch was refused for what is in it.
    refusals: HashMap<BatchId, u32>,
    /// How often in a row an endpoint was not well.
    failures: HashMap<EndpointId, u32>,
    /// Endpoints that have said that they are gone.
    gone: BTreeSet<EndpointId>,
}

impl HealthLaws {
    /// The engine hears of an answer.
    pub(super) fn answered(&mut self, now_ms: u64, batch: &Batch, answer: &Answer) {
        let endpoint = &batch.endpoint;
        let refusals = self.refusals.entry(batch.id).or_default();
        let is_refused = matches!(answer.status, Some(400 | 413 | 422));
        *refusals = if is_refused { *refusals + 1 } else { 0 };
        let failures = self.failures.entry(endpoint.clone()).or_default();
        if answer.is_accepted() {
            *failures = 0;
            self.failing.remove(endpoint);
            return;
        }
        *failures += u32::from(answer.status.is_none_or(|status| status >= 500 || status == 429));
        self.failing.entry(endpoint.clone()).or_insert(now_ms);
        if answer.status == Some(410) {
            self.gone.insert(endpoint.clone());
        }
        if let (Some(429 | 503), Some(rest_ms)) = (answer.status, answer.retry_after_ms) {
            let rest = self.rests.entry(endpoint.clone()).or_default();
            *rest = (*rest).max(now_ms + rest_ms);
        }
    }

    /// The engine orders a POST. `is_alone`: no other is under way to that endpoint.
    pub(super) fn check(
        &mut self,
        scene: Scene<'_>,
        dispatch: &Dispatch,
        is_alone: bool,
    ) -> Lawful {
        let batch = &dispatch.batch;
        self.check_poison(batch)?;
        // The last attempt, and what somebody asks for by name, need not wait for anything.
        if scene.now_ms >= batch.deadline_ms || scene.is_urgent(batch) {
            return Ok(());
        }
        let failures = self.failures.get(&batch.endpoint).copied().unwrap_or(0);
        let is_probe = failures < 3 || is_alone;
        Law::Breaker.holds(is_probe, || format!("{} goes beside others", batch.id))?;
        self.check_rest(scene.now_ms, batch)?;
        self.check_pace(scene.now_ms, dispatch)
    }

    /// The engine disables an endpoint because it fails.
    pub(in crate::simulation) fn check_failing(
        &self,
        now_ms: u64,
        after_ms: u64,
        endpoint: &EndpointId,
    ) -> Lawful {
        let since_ms = self.failing.get(endpoint).copied().unwrap_or(now_ms);
        let is_long = now_ms >= since_ms + after_ms;
        Law::Breaker.holds(is_long, || format!("{endpoint} has failed only since {since_ms}"))
    }

    /// Whoever says that it is gone is disabled at once.
    pub(in crate::simulation) fn check_gone(&mut self, settings: &Settings) -> Lawful {
        let mut gone = std::mem::take(&mut self.gone).into_iter();
        let gone = gone.find(|id| settings.now(id).is_some_and(|row| row.disabled.is_none()));
        Law::Breaker.holds(gone.is_none(), || format!("{gone:?} is gone and not disabled"))
    }

    /// Somebody has enabled an endpoint: what was is forgiven.
    pub(in crate::simulation) fn enabled(&mut self, endpoint: &EndpointId) {
        self.failing.remove(endpoint);
    }

    /// An endpoint is disabled.
    pub(super) fn let_go(&mut self, endpoint: &EndpointId) {
        self.gone.remove(endpoint);
        self.failures.remove(endpoint);
        // The engine does not hear of rests that are asked for right after that.
        self.rests.remove(endpoint);
    }

    /// A new run knows what the store knows.
    pub(super) fn restarted(&mut self, disk: &Disk) {
        let rows = disk.endpoints.values();
        let failing = rows.filter_map(|row| Some((row.id.clone(), row.failing_since_ms?)));
        *self = Self { failing: failing.collect(), ..Self::default() };
    }

    /// A batch that was refused twice does not go whole again.
    fn check_poison(&self, batch: &Batch) -> Lawful {
        let refusals = self.refusals.get(&batch.id).copied().unwrap_or(0);
        let is_sound = refusals < 2 || batch.seqs.len() == 1 || batch.replay.is_some();
        Law::Poison.holds(is_sound, || format!("{} is whole after {refusals}", batch.id))
    }

    fn check_rest(&self, now_ms: u64, batch: &Batch) -> Lawful {
        let rest_ms = self.rests.get(&batch.endpoint).copied().unwrap_or(0);
        let is_rested = now_ms >= rest_ms;
        Law::Window.holds(is_rested, || format!("{} wants to rest: {batch:?}", batch.endpoint))
    }

    fn check_pace(&mut self, now_ms: u64, dispatch: &Dispatch) -> Lawful {
        let Some(max) = dispatch.endpoint.terms.max_per_second else { return Ok(()) };
        let times = self.paces.entry(dispatch.endpoint.id.clone()).or_default();
        times.retain(|at_ms| at_ms + 1_000 > now_ms);
        times.push(now_ms);
        // A burst of a second's worth, and what was cut before the store was slow.
        let is_paced = times.len() <= 3 * max as usize + 2;
        Law::Window.holds(is_paced, || format!("too much at once: {times:?}"))
    }
}
