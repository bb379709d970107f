//! Laws of what is sent: checked at every POST, at every answer, at every word of the engine.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::settings::Settings;
use super::{Law, Lawful};
use crate::announcement::count_changed;
use crate::attempt::Answer;
use crate::batch::{Batch, Gap, REPLAY_LANE, join};
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::ids::{BatchId, EndpointId};
use crate::lane::{BATCH_BYTES, BATCH_EVENTS};
use crate::replay::ReplayOf;
use crate::simulation::disk::Disk;
use crate::simulation::plan::Plan;
use crate::simulation::world::POISON;
use crate::turn::Dispatch;

/// What is known of what was sent.
#[derive(Debug, Default)]
pub(in crate::simulation) struct SendingLaws {
    sent: BTreeMap<BatchId, Sent>,
    flights: BTreeMap<BatchId, Flight>,
    orders: HashMap<(EndpointId, String), Order>,
    pub(super) accepted: BTreeMap<EndpointId, Vec<Accepted>>,
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

/// A batch that was sent.
#[derive(Debug)]
struct Sent {
    batch: Arc<Batch>,
    /// Whether this run has sent it after its deadline.
    is_late: bool,
}

/// A request under way.
#[derive(Debug)]
struct Flight {
    batch: Arc<Batch>,
    /// Whether the engine has let go of it.
    is_stray: bool,
    /// Whether it is the last attempt, which needs no slot.
    is_last: bool,
}

/// The events of a channel on their way to an endpoint.
#[derive(Debug, Default)]
struct Order {
    last: u64,
    /// Sent, neither accepted nor given up.
    open: BTreeSet<u64>,
}

/// A request that a receiver has accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) batch: Arc<Batch>,
    pub(super) gap: Option<Gap>,
}

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
}

impl Scene<'_> {
    fn events(&self, batch: &Batch) -> Lawful<Vec<&Arc<Event>>> {
        let event = |seq: &u64| match self.disk.event(&batch.app, *seq) {
            Some(event) => Ok(event),
            None => Law::Committed.broken(format!("place {seq} is not in the log")),
        };
        batch.seqs.iter().map(event).collect()
    }

    /// Whether a replay was asked for by name: then the state of its endpoint does not matter.
    fn is_urgent(&self, batch: &Batch) -> bool {
        let replay = batch.replay.and_then(|id| self.disk.replays.get(&id));
        replay.is_some_and(|r| matches!(r.of, ReplayOf::Delivery(_) | ReplayOf::Test))
    }
}

impl SendingLaws {
    /// The engine orders a POST.
    pub(in crate::simulation) fn dispatched(
        &mut self,
        scene: Scene<'_>,
        dispatch: &Dispatch,
    ) -> Lawful {
        check_kept(scene, dispatch)?;
        check_contents(scene, &dispatch.batch)?;
        check_time(scene, dispatch)?;
        check_gap(scene, dispatch)?;
        self.check_flights(scene, dispatch)?;
        self.check_window(scene, dispatch)?;
        self.check_pace(scene, dispatch)?;
        self.check_health(scene, &dispatch.batch)?;
        self.check_order(scene, &dispatch.batch)?;
        self.note(scene, &dispatch.batch);
        Ok(())
    }

    /// A receiver takes it.
    pub(in crate::simulation) fn accepted(&mut self, scene: Scene<'_>, dispatch: &Dispatch) {
        let batch = Arc::clone(&dispatch.batch);
        self.close(scene, &batch);
        let accepted = self.accepted.entry(batch.endpoint.clone()).or_default();
        accepted.push(Accepted { batch, gap: dispatch.gap });
    }

    /// The engine hears of an answer.
    pub(in crate::simulation) fn answered(&mut self, now_ms: u64, batch: BatchId, answer: &Answer) {
        let Some(flight) = self.flights.remove(&batch) else { return };
        if flight.is_stray {
            return;
        }
        let endpoint = flight.batch.endpoint.clone();
        self.note_health(&endpoint, batch, answer);
        if answer.is_accepted() {
            self.failing.remove(&endpoint);
            return;
        }
        self.failing.entry(endpoint.clone()).or_insert(now_ms);
        if answer.status == Some(410) {
            self.gone.insert(endpoint.clone());
        }
        if let (Some(429 | 503), Some(rest_ms)) = (answer.status, answer.retry_after_ms) {
            let rest = self.rests.entry(endpoint).or_default();
            *rest = (*rest).max(now_ms + rest_ms);
        }
    }

    /// The engine gives a batch up.
    pub(in crate::simulation) fn given_up(
        &mut self,
        scene: Scene<'_>,
        id: BatchId,
        reason: &str,
    ) -> Lawful {
        let Some(sent) = self.sent.get(&id) else {
            return Law::Window.broken(format!("{id} is given up unsent"));
        };
        let batch = Arc::clone(&sent.batch);
        // An attempt that is under way when the window ends is the last one.
        let is_over = scene.now_ms >= batch.deadline_ms;
        let is_just = is_over || reason == "refused" || batch.replay.is_some();
        self.close(scene, &batch);
        let is_alone = batch.seqs.len() == 1 && batch.events.contains(POISON);
        Law::Poison.holds(is_alone || reason != "refused", || format!("{batch:?} is refused"))?;
        Law::Window.holds(is_just, || format!("{id} is given up early"))
    }

    /// An endpoint is disabled: the engine lets go of all but replays.
    pub(in crate::simulation) fn let_go(&mut self, endpoint: &EndpointId) {
        self.gone.remove(endpoint);
        self.failures.remove(endpoint);
        let flights = self.flights.values_mut();
        for flight in flights.filter(|flight| flight.batch.endpoint == *endpoint) {
            flight.is_stray |= flight.batch.replay.is_none();
        }
        for ((id, _), order) in &mut self.orders {
            if id == endpoint {
                order.open.clear();
            }
        }
    }

    /// Somebody has stopped replays.
    pub(in crate::simulation) fn cancelled(&mut self, is_running: impl Fn(&Batch) -> bool) {
        for flight in self.flights.values_mut() {
            flight.is_stray |= flight.batch.replay.is_some() && !is_running(&flight.batch);
        }
    }

    /// The engine disables an endpoint that fails.
    pub(in crate::simulation) fn check_failing(
        &self,
        scene: Scene<'_>,
        endpoint: &EndpointId,
    ) -> Lawful {
        let since_ms = self.failing.get(endpoint).copied().unwrap_or(scene.now_ms);
        let is_long = scene.now_ms >= since_ms + scene.plan.delivery.disable_after_ms;
        Law::Window.holds(is_long, || format!("{endpoint} has failed only since {since_ms}"))
    }

    /// Somebody has enabled an endpoint: what was is forgiven.
    pub(in crate::simulation) fn enabled(&mut self, endpoint: &EndpointId) {
        self.failing.remove(endpoint);
    }

    pub(in crate::simulation) fn restarted(&mut self, disk: &Disk) {
        self.flights.clear();
        self.rests.clear();
        self.paces.clear();
        self.refusals.clear();
        self.failures.clear();
        self.gone.clear();
        for sent in self.sent.values_mut() {
            sent.is_late = false;
        }
        let rows = disk.endpoints.values();
        let failing = rows.filter_map(|row| Some((row.id.clone(), row.failing_since_ms?)));
        self.failing = failing.collect();
    }

    pub(in crate::simulation) fn has_flights(&self) -> bool {
        !self.flights.is_empty()
    }

    /// Whoever says that it is gone is disabled at once.
    pub(in crate::simulation) fn check_gone(&mut self, settings: &Settings) -> Lawful {
        let mut gone = std::mem::take(&mut self.gone).into_iter();
        let gone = gone.find(|id| settings.now(id).is_some_and(|row| row.disabled.is_none()));
        Law::Breaker.holds(gone.is_none(), || format!("{gone:?} is gone and not disabled"))
    }

    fn note_health(&mut self, endpoint: &EndpointId, batch: BatchId, answer: &Answer) {
        let refusals = self.refusals.entry(batch).or_default();
        let is_refused = matches!(answer.status, Some(400 | 413 | 422));
        *refusals = if is_refused { *refusals + 1 } else { 0 };
        let failures = self.failures.entry(endpoint.clone()).or_default();
        if answer.is_accepted() {
            *failures = 0;
        } else if answer.status.is_none_or(|status| status >= 500 || status == 429) {
            *failures += 1;
        }
    }

    /// A batch that was refused twice does not go whole again; an endpoint that was unwell three
    /// times in a row is only probed.
    fn check_health(&self, scene: Scene<'_>, batch: &Batch) -> Lawful {
        let refusals = self.refusals.get(&batch.id).copied().unwrap_or(0);
        let is_sound = refusals < 2 || batch.seqs.len() == 1 || batch.replay.is_some();
        Law::Poison.holds(is_sound, || format!("{} is whole after {refusals}", batch.id))?;
        let failures = self.failures.get(&batch.endpoint).copied().unwrap_or(0);
        if failures < 3 || scene.now_ms >= batch.deadline_ms || scene.is_urgent(batch) {
            return Ok(());
        }
        let others = self.flights.values().find(|flight| {
            flight.batch.endpoint == batch.endpoint && !flight.is_stray && !flight.is_last
        });
        Law::Breaker.holds(others.is_none(), || format!("{} goes beside {others:?}", batch.id))
    }

    fn check_flights(&self, scene: Scene<'_>, dispatch: &Dispatch) -> Lawful {
        let batch = &dispatch.batch;
        let under_way = self
            .flights
            .values()
            .filter(|flight| flight.batch.endpoint == batch.endpoint && !flight.is_stray);
        let same_lane = under_way
            .clone()
            .find(|flight| flight.batch.lane == batch.lane && flight.batch.replay == batch.replay);
        Law::Committed.holds(same_lane.is_none(), || {
            format!("{} goes while {same_lane:?} is under way", batch.id)
        })?;
        let max = usize::from(dispatch.endpoint.terms.max_in_flight);
        let has_slot = under_way.filter(|flight| !flight.is_last).count() < max
            || scene.now_ms >= batch.deadline_ms;
        Law::Committed.holds(has_slot, || format!("{} is one too many", batch.id))
    }

    fn check_window(&self, scene: Scene<'_>, dispatch: &Dispatch) -> Lawful {
        let batch = &dispatch.batch;
        let (now_ms, deadline_ms) = (scene.now_ms, batch.deadline_ms);
        if now_ms <= deadline_ms {
            return Ok(());
        }
        let sent = self.sent.get(&batch.id);
        // A restart, a slow store, or the other half of a split may have used the time up.
        let is_excused = batch.time_ms < scene.began_ms
            || batch.parent.is_some()
            || batch.replay.is_some()
            || (scene.last_job.0 <= deadline_ms && deadline_ms <= scene.last_job.1);
        let is_only = sent.is_none_or(|sent| !sent.is_late);
        Law::Window.holds(is_excused && is_only, || format!("{} is late: {batch:?}", batch.id))
    }

    fn check_pace(&mut self, scene: Scene<'_>, dispatch: &Dispatch) -> Lawful {
        let (batch, now_ms) = (&dispatch.batch, scene.now_ms);
        if now_ms >= batch.deadline_ms || scene.is_urgent(batch) {
            return Ok(());
        }
        let rest_ms = self.rests.get(&batch.endpoint).copied().unwrap_or(0);
        Law::Window.holds(now_ms >= rest_ms, || {
            format!("{} is sent, {} wants to rest until {rest_ms}", batch.id, batch.endpoint)
        })?;
        let Some(max) = dispatch.endpoint.terms.max_per_second else { return Ok(()) };
        let times = self.paces.entry(batch.endpoint.clone()).or_default();
        times.retain(|at_ms| at_ms + 1_000 > now_ms);
        times.push(now_ms);
        // A burst of a second's worth, and what was cut before the store was slow.
        let is_paced = times.len() <= 3 * max as usize + 2;
        Law::Window.holds(is_paced, || format!("{} gets too much: {times:?}", batch.endpoint))
    }

    fn check_order(&mut self, scene: Scene<'_>, batch: &Batch) -> Lawful {
        if batch.replay.is_some() {
            return Ok(());
        }
        let was_sent = |id: BatchId| self.sent.contains_key(&id);
        let is_again = was_sent(batch.id) || batch.parent.is_some_and(was_sent);
        for event in scene.events(batch)? {
            let key = (batch.endpoint.clone(), event.channel.as_str().to_owned());
            let order = self.orders.entry(key).or_default();
            let first = order.open.first().copied().unwrap_or(u64::MAX);
            let is_first = first >= event.seq || batch.seqs.contains(&first);
            Law::Order.holds(is_first, || format!("{} passes {first}: {batch:?}", event.seq))?;
            let is_later = event.seq > order.last;
            Law::Order
                .holds(is_later || is_again, || format!("{} is late: {batch:?}", event.seq))?;
            if is_later {
                order.last = event.seq;
                order.open.insert(event.seq);
            }
        }
        Ok(())
    }

    fn note(&mut self, scene: Scene<'_>, batch: &Arc<Batch>) {
        let new = Sent { batch: Arc::clone(batch), is_late: false };
        let sent = self.sent.entry(batch.id).or_insert(new);
        sent.is_late |= scene.now_ms > batch.deadline_ms;
        let is_last = scene.now_ms >= batch.deadline_ms;
        let flight = Flight { batch: Arc::clone(batch), is_stray: false, is_last };
        self.flights.insert(batch.id, flight);
    }

    /// Its events are accepted or given up.
    fn close(&mut self, scene: Scene<'_>, batch: &Batch) {
        for event in scene.events(batch).unwrap_or_default() {
            let key = (batch.endpoint.clone(), event.channel.as_str().to_owned());
            if let Some(order) = self.orders.get_mut(&key) {
                order.open.remove(&event.seq);
            }
        }
    }
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
    let settings = scene.settings.during(&batch.endpoint, event.at_ms, batch.time_ms);
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
    let from_ms = events.first().map_or(0, |event| event.at_ms);
    let mut settings = scene.settings.during(&batch.endpoint, from_ms, batch.time_ms).flatten();
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
