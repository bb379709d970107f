//! Laws of one request: what is in it, and whether it may be sent at all.

use std::collections::HashMap;
use std::sync::Arc;

use bellwire_protocol::AppId;

use super::settings::Settings;
use super::{Law, Lawful};
use crate::announcement::count_changed;
use crate::batch::{Batch, Gap, REPLAY_LANE, join};
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::ids::BatchId;
use crate::lane::{BATCH_BYTES, BATCH_EVENTS};
use crate::outbox::{Step, Transaction};
use crate::replay::ReplayOf;
use crate::simulation::disk::Disk;
use crate::simulation::plan::Plan;
use crate::turn::Dispatch;

/// What is so while something is sent.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) struct Scene<'a> {
    pub(in crate::simulation) now_ms: u64,
    pub(in crate::simulation) disk: &'a Disk,
    pub(in crate::simulation) plan: &'a Plan,
    pub(in crate::simulation) settings: &'a Settings,
    /// When this run began.
    pub(in crate::simulation) began_ms: u64,
    /// When the last job began and ended.
    pub(in crate::simulation) last_job: (u64, u64),
    /// When things were decided, where the clocks of several nodes say something else.
    pub(in crate::simulation) decided: Option<&'a Decided>,
}

/// When events and batches were decided, by true time.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Decided {
    /// Not before the one and not after the other.
    events: HashMap<(AppId, u64), (u64, u64)>,
    batches: HashMap<BatchId, u64>,
}

impl Decided {
    /// A transaction is kept that was decided between these times.
    pub(in crate::simulation) fn kept(&mut self, transaction: &Transaction, times: (u64, u64)) {
        for step in &transaction.steps {
            match step {
                Step::Append(event) => {
                    self.events.insert((event.app.clone(), event.seq), times);
                }
                Step::Cut(batch) => {
                    self.batches.insert(batch.id, times.1);
                }
                _ => {}
            }
        }
    }
}

impl Scene<'_> {
    /// Not before and not after which time an event was decided.
    pub(super) fn told_ms(&self, event: &Event) -> (u64, u64) {
        let place = (event.app.clone(), event.seq);
        let known = self.decided.and_then(|decided| decided.events.get(&place));
        known.copied().unwrap_or((event.at_ms, event.at_ms))
    }

    /// When a batch was cut.
    fn cut_ms(&self, batch: &Batch) -> u64 {
        let known = self.decided.and_then(|decided| decided.batches.get(&batch.id));
        known.copied().unwrap_or(batch.time_ms)
    }

    /// The events of a batch, as the log has them.
    pub(super) fn events(&self, batch: &Batch) -> Lawful<Vec<&Arc<Event>>> {
        let event = |seq: &u64| match self.disk.event(&batch.app, *seq) {
            Some(event) => Ok(event),
            None => Law::Committed.broken(format!("place {seq} is not in the log")),
        };
        batch.seqs.iter().map(event).collect()
    }

    /// Whether a replay was asked for by name: then the state of its endpoint does not matter.
    pub(super) fn is_urgent(&self, batch: &Batch) -> bool {
        let replay = batch.replay.and_then(|id| self.disk.replays.get(&id));
        replay.is_some_and(|r| matches!(r.of, ReplayOf::Delivery(_) | ReplayOf::Test))
    }
}

/// Checks a request by itself.
pub(super) fn check(scene: Scene<'_>, dispatch: &Dispatch) -> Lawful {
    check_kept(scene, dispatch)?;
    check_contents(scene, &dispatch.batch)?;
    check_time(scene, dispatch)?;
    check_gap(scene, dispatch)
}

/// What is sent is kept, as it is sent, and has not ended.
fn check_kept(scene: Scene<'_>, dispatch: &Dispatch) -> Lawful {
    let batch = &dispatch.batch;
    let Some(kept) = scene.disk.batches.get(&batch.id) else {
        return Law::Committed.broken(format!("{} is not kept", batch.id));
    };
    Law::SameBytes.holds(kept.batch == *batch, || format!("{batch:?} was {:?}", kept.batch))?;
    Law::SameBytes.holds(kept.outcome.is_none(), || format!("{} has ended", batch.id))
}

/// Everything in it is wanted, of its app, and alone where it has to be.
fn check_contents(scene: Scene<'_>, batch: &Batch) -> Lawful {
    let events = scene.events(batch)?;
    if batch.seqs.is_empty() {
        return Ok(());
    }
    for event in &events {
        check_wanted(scene, batch, event)?;
        let is_alone = events.len() == 1 || !event.channel.kind().is_encrypted();
        Law::Alone.holds(is_alone, || format!("{event:?} travels with others"))?;
    }
    let app = scene.plan.apps.iter().find(|app| app.id == batch.app);
    let is_batch = app.is_some_and(|app| app.batching) || events.len() == 1;
    Law::Alone.holds(is_batch, || format!("{} should be one event", batch.id))?;
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    let fits = events.len() <= BATCH_EVENTS && (bytes <= BATCH_BYTES || events.len() == 1);
    Law::Alone.holds(fits, || format!("{} is too much at once", batch.id))?;
    check_words(scene, batch, &events)
}

fn check_wanted(scene: Scene<'_>, batch: &Batch, event: &Event) -> Lawful {
    let settings =
        scene.settings.during(&batch.endpoint, scene.told_ms(event).0, scene.cut_ms(batch));
    let wants = |endpoint: &Endpoint| {
        endpoint.app == event.app && endpoint.terms.wants(event.kind, &event.channel)
    };
    let is_repeated = batch.replay.is_some() && batch.parent.is_some();
    let is_wanted = is_repeated || settings.flatten().any(wants);
    Law::Wanted.holds(is_wanted, || format!("{} gets {event:?}", batch.endpoint))
}

/// Its bytes are those of the log, with the name that the endpoint has for counts.
fn check_words(scene: Scene<'_>, batch: &Batch, events: &[&Arc<Event>]) -> Lawful {
    let plain = join(events.iter().map(|event| &*event.body));
    let renamed: Vec<String> = events.iter().map(|event| count_changed(&event.body)).collect();
    let renamed = join(renamed.iter().map(String::as_str));
    let from_ms = events.first().map_or(0, |event| scene.told_ms(event).0);
    let to_ms = scene.cut_ms(batch);
    let mut settings = scene.settings.during(&batch.endpoint, from_ms, to_ms).flatten();
    let is_so = settings.any(|endpoint| {
        let expected = if endpoint.terms.says_count_changed() { &renamed } else { &plain };
        batch.events == *expected
    });
    Law::Wanted.holds(is_so, || format!("{} is not {plain}", batch.events))
}

/// The time of the body is that of the batch, or of the attempt where it may be hours later.
fn check_time(scene: Scene<'_>, dispatch: &Dispatch) -> Lawful {
    let (batch, time_ms) = (&dispatch.batch, dispatch.time_ms);
    let is_fresh = time_ms == scene.now_ms && dispatch.endpoint.terms.retry_hours.is_some();
    let is_so = time_ms == batch.time_ms || is_fresh;
    Law::SameBytes.holds(is_so, || format!("{} says {time_ms}", batch.id))
}

/// It names what the lane owes, all of it, and only what is kept.
fn check_gap(scene: Scene<'_>, dispatch: &Dispatch) -> Lawful {
    let batch = &dispatch.batch;
    if batch.lane == REPLAY_LANE {
        return Ok(());
    }
    let owed = scene.disk.owed.get(&(batch.endpoint.clone(), batch.lane)).copied();
    // What was swept away is kept at once, and named as soon as the engine has heard of it.
    let names_all = dispatch.gap == owed || scene.plan.retention.is_some();
    Law::Complete
        .holds(names_all, || format!("{} names {:?}, not {owed:?}", batch.id, dispatch.gap))?;
    let is_sound = |gap: Gap| gap.first <= gap.last && gap.count <= gap.last - gap.first + 1;
    let is_sound = dispatch.gap.is_none_or(is_sound);
    Law::Complete.holds(is_sound, || format!("{} names {:?}", batch.id, dispatch.gap))?;
    let is_known = dispatch.gap.is_none_or(|gap| {
        let mut ends = [gap.first, gap.last].into_iter();
        ends.all(|seq| scene.disk.has_lost(&batch.endpoint, seq))
    });
    // Of what it slept through, only the receiver is told.
    let is_known = is_known || scene.settings.was_ever_off(&batch.endpoint);
    Law::Complete.holds(is_known, || format!("nobody knows of {:?}", dispatch.gap))
}
