//! Laws of what is sent: checked at every POST, at every answer, at every word of the engine.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bellwire_protocol::AppId;

use super::health::HealthLaws;
use super::parcel::{self, Scene};
use super::settings::Settings;
use super::{Law, Lawful};
use crate::attempt::Answer;
use crate::batch::{Batch, Gap};
use crate::endpoint::Endpoint;
use crate::ids::{BatchId, EndpointId};
use crate::replay::State;
use crate::simulation::disk::Disk;
use crate::simulation::world::POISON;
use crate::turn::Dispatch;

/// What is known of what was sent.
#[derive(Debug, Default)]
pub(in crate::simulation) struct SendingLaws {
    sent: BTreeMap<BatchId, Sent>,
    flights: BTreeMap<BatchId, Flight>,
    orders: HashMap<(EndpointId, String), Order>,
    pub(super) accepted: BTreeMap<EndpointId, Vec<Accepted>>,
    pub(in crate::simulation) health: HealthLaws,
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

impl SendingLaws {
    /// The engine orders a POST.
    pub(in crate::simulation) fn dispatched(
        &mut self,
        scene: Scene<'_>,
        dispatch: &Dispatch,
    ) -> Lawful {
        parcel::check(scene, dispatch)?;
        let others = self.check_flights(scene, dispatch)?;
        self.check_window(scene, dispatch)?;
        self.health.check(scene, dispatch, others == 0)?;
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
        if !flight.is_stray {
            self.health.answered(now_ms, &flight.batch, answer);
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

    /// The engine hears of what people have written down.
    pub(in crate::simulation) fn configured(
        &mut self,
        settings: &mut Settings,
        now_ms: u64,
        disk: &Disk,
        apps: &BTreeSet<AppId>,
    ) {
        let rows = disk.endpoints.values().filter(|row| apps.contains(&row.app));
        let rows: Vec<Endpoint> = rows.cloned().collect();
        for row in rows.iter().filter(|row| row.disabled.is_none()) {
            if settings.now(&row.id).is_some_and(|before| before.disabled.is_some()) {
                self.health.enabled(&row.id);
            }
        }
        settings.configured(now_ms, &rows);
        for id in disk.endpoints.keys() {
            if settings.now(id).is_none_or(|row| row.disabled.is_some()) {
                self.let_go(id);
            }
        }
        self.cancelled(|batch| {
            let replay = batch.replay.and_then(|id| disk.replays.get(&id));
            replay.is_some_and(|replay| replay.progress.state == State::Running)
        });
    }

    /// An endpoint is disabled: the engine lets go of all but replays.
    pub(in crate::simulation) fn let_go(&mut self, endpoint: &EndpointId) {
        self.health.let_go(endpoint);
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
    fn cancelled(&mut self, is_running: impl Fn(&Batch) -> bool) {
        for flight in self.flights.values_mut() {
            flight.is_stray |= flight.batch.replay.is_some() && !is_running(&flight.batch);
        }
    }

    pub(in crate::simulation) fn restarted(&mut self, disk: &Disk) {
        self.flights.clear();
        self.health.restarted(disk);
        for sent in self.sent.values_mut() {
            sent.is_late = false;
        }
    }

    pub(in crate::simulation) fn has_flights(&self) -> bool {
        !self.flights.is_empty()
    }

    /// One of a lane and so many of an endpoint are under way at the same time. Returns how many
    /// others there are, beside last attempts.
    fn check_flights(&self, scene: Scene<'_>, dispatch: &Dispatch) -> Lawful<usize> {
        let batch = &dispatch.batch;
        let flights = self.flights.values().filter(|flight| !flight.is_stray);
        let flights = flights.filter(|flight| flight.batch.endpoint == batch.endpoint);
        let is_same = |other: &Batch| other.lane == batch.lane && other.replay == batch.replay;
        let same = flights.clone().find(|flight| is_same(&flight.batch));
        Law::Committed.holds(same.is_none(), || format!("{} goes beside {same:?}", batch.id))?;
        let others = flights.filter(|flight| !flight.is_last).count();
        let has_slot = others < usize::from(dispatch.endpoint.terms.max_in_flight)
            || scene.now_ms >= batch.deadline_ms;
        Law::Committed.holds(has_slot, || format!("{} is one too many", batch.id))?;
        Ok(others)
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
