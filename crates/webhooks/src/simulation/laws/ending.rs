//! What must be so when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bellwire_protocol::AppId;

use super::parcel::Scene;
use super::sending::SendingLaws;
use super::{Law, Lawful};
use crate::batch::{Gap, Outcome, REPLAY_LANE};
use crate::endpoint::Endpoint;
use crate::event::{Event, Kind};
use crate::ids::EndpointId;
use crate::replay::{Replay, ReplayOf, State};
use crate::simulation::disk::Named;
use crate::simulation::world::World;

/// Places of logs of which no endpoint needs to hear.
pub(super) type Quiet = HashSet<(AppId, u64)>;

/// Checks everything that has to be so in the end. `is_wanted` says of which apps somebody hears.
pub(in crate::simulation) fn check_end(
    scene: Scene<'_>,
    worlds: &[&World],
    is_wanted: impl Fn(&str) -> bool,
    quiet: &Quiet,
    sending: &SendingLaws,
) -> Lawful {
    check_truth(scene, worlds, is_wanted)?;
    check_ended(scene)?;
    for endpoint in scene.disk.endpoints.values() {
        check_complete(scene, endpoint, quiet, sending)?;
    }
    scene.disk.replays.values().try_for_each(|replay| check_replay(scene, replay, sending))
}

/// What is announced is what is here.
fn check_truth(scene: Scene<'_>, worlds: &[&World], is_wanted: impl Fn(&str) -> bool) -> Lawful {
    let here = worlds.iter().flat_map(|world| world.here());
    let here: BTreeSet<Named> = here.filter(|(app, ..)| is_wanted(app.as_str())).collect();
    let told: BTreeSet<Named> = scene.disk.announced.keys().cloned().collect();
    let differ: Vec<&Named> = here.symmetric_difference(&told).collect();
    Law::Truth.holds(differ.is_empty(), || format!("announced or here, not both: {differ:?}"))
}

/// No batch is left.
fn check_ended(scene: Scene<'_>) -> Lawful {
    let is_live = |id: &EndpointId| scene.disk.endpoints.contains_key(id);
    let mut open = scene.disk.batches.values().filter(|kept| kept.outcome.is_none());
    let open = open.find(|kept| is_live(&kept.batch.endpoint) && !waits(scene, kept.batch.replay));
    Law::Rest.holds(open.is_none(), || format!("never ended: {open:?}"))
}

/// Whether a replay still runs: one to a disabled endpoint waits.
fn waits(scene: Scene<'_>, replay: Option<crate::ids::ReplayId>) -> bool {
    let replay = replay.and_then(|id| scene.disk.replays.get(&id));
    replay.is_some_and(|replay| replay.progress.state == State::Running)
}

/// What an endpoint wanted is accepted, or lost and named.
fn check_complete(
    scene: Scene<'_>,
    endpoint: &Endpoint,
    quiet: &Quiet,
    sending: &SendingLaws,
) -> Lawful {
    let none = Vec::new();
    let accepted = sending.accepted.get(&endpoint.id).unwrap_or(&none);
    let live = || accepted.iter().filter(|accepted| accepted.batch.lane != REPLAY_LANE);
    let arrived: BTreeSet<u64> = live().flat_map(|a| a.batch.seqs.iter().copied()).collect();
    let named: Vec<(u8, Gap)> =
        live().filter_map(|accepted| Some((accepted.batch.lane, accepted.gap?))).collect();
    let Some(of_app) = scene.disk.logs.get(&endpoint.app) else { return Ok(()) };
    for event in of_app.events.values().filter(|event| !arrived.contains(&event.seq)) {
        let is_quiet = quiet.contains(&(event.app.clone(), event.seq));
        if is_quiet || !must_hear(scene, endpoint, event) {
            continue;
        }
        let covers = |gap: &Gap| (gap.first..=gap.last).contains(&event.seq);
        let is_lost = scene.disk.has_lost(&endpoint.id, event.seq);
        Law::Complete.holds(is_lost, || format!("{} never got {event:?}", endpoint.id))?;
        let owed = scene.disk.owed.get(&(endpoint.id.clone(), event.lane()));
        let mut told = named.iter().filter(|(lane, _)| *lane == event.lane());
        let is_named = owed.is_some_and(covers) || told.any(|(_, gap)| covers(gap));
        Law::Complete.holds(is_named, || format!("{} was never told of {event:?}", endpoint.id))?;
    }
    Ok(())
}

/// Whether an endpoint wanted an event when it was announced, and ever since.
fn must_hear(scene: Scene<'_>, endpoint: &Endpoint, event: &Event) -> bool {
    let (from_ms, to_ms) = scene.told_ms(event);
    let mut at_first = scene.settings.during(&endpoint.id, from_ms, to_ms);
    let mut ever_since = scene.settings.during(&endpoint.id, from_ms, u64::MAX);
    let wants = |endpoint: &Endpoint| endpoint.terms.wants(event.kind, &event.channel);
    at_first.all(|setting| setting.is_some_and(|endpoint| endpoint.disabled.is_none()))
        && ever_since.all(|setting| setting.is_none_or(wants))
}

fn check_replay(scene: Scene<'_>, replay: &Replay, sending: &SendingLaws) -> Lawful {
    let Some(endpoint) = scene.disk.endpoints.get(&replay.endpoint) else { return Ok(()) };
    let is_urgent = matches!(replay.of, ReplayOf::Delivery(_) | ReplayOf::Test);
    let is_installed = scene.settings.now(&endpoint.id).is_some();
    let may_run = is_installed && (is_urgent || endpoint.disabled.is_none());
    match replay.progress.state {
        State::Cancelled => return Ok(()),
        State::Running if !may_run => return Ok(()),
        State::Running => return Law::Replays.broken(format!("never ended: {replay:?}")),
        State::Done => {}
    }
    let sent = sent_by(scene, replay);
    let of = |outcome| sent.get(&outcome).map_or(0, Vec::len) as u64;
    let (delivered, failed) = (of(Word::Delivered), of(Word::Failed));
    let progress = replay.progress;
    let is_counted = (delivered, failed) == (progress.delivered, progress.failed);
    Law::Replays.holds(is_counted, || format!("{delivered} and {failed}: {replay:?}"))?;
    check_delivered(replay, &sent, sending)?;
    if scene.plan.retention.is_none() {
        check_range(scene, replay, endpoint, &sent)?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Delivered,
    Failed,
}

/// What a replay has sent: places of the log, or numbers of the batches that it repeats.
type SentAgain = BTreeMap<Word, Vec<u64>>;

fn sent_by(scene: Scene<'_>, replay: &Replay) -> SentAgain {
    let mut sent = SentAgain::new();
    let batches = scene.disk.batches.values();
    for kept in batches.filter(|kept| kept.batch.replay == Some(replay.id)) {
        let word = match kept.outcome {
            Some(Outcome::Delivered) => Word::Delivered,
            Some(Outcome::Failed) => Word::Failed,
            _ => continue,
        };
        let words = sent.entry(word).or_default();
        match (&replay.of, kept.batch.parent) {
            (ReplayOf::Log(_), _) => words.extend(&kept.batch.seqs),
            (_, parent) => words.push(parent.map_or(1, crate::ids::BatchId::number)),
        }
    }
    sent
}

/// What counts as delivered was accepted.
fn check_delivered(replay: &Replay, sent: &SentAgain, sending: &SendingLaws) -> Lawful {
    let none = Vec::new();
    let accepted = sending.accepted.get(&replay.endpoint).unwrap_or(&none);
    let again = accepted.iter().filter(|accepted| accepted.batch.replay == Some(replay.id));
    let again: BTreeSet<u64> = again.flat_map(|a| a.batch.seqs.iter().copied()).collect();
    let delivered = sent.get(&Word::Delivered).into_iter().flatten();
    let is_log = matches!(replay.of, ReplayOf::Log(_));
    let missing = delivered.filter(|seq| is_log && !again.contains(seq)).count();
    Law::Replays.holds(missing == 0, || format!("{missing} were not accepted: {replay:?}"))
}

/// Everything of its range was sent, once.
fn check_range(scene: Scene<'_>, replay: &Replay, endpoint: &Endpoint, sent: &SentAgain) -> Lawful {
    let mut all: Vec<u64> = sent.values().flatten().copied().collect();
    all.sort_unstable();
    let count = all.len();
    all.dedup();
    Law::Replays.holds(all.len() == count, || format!("something went twice: {replay:?}"))?;
    let ReplayOf::Log(_) = &replay.of else { return Ok(()) };
    let asked_ms = replay.created_at_ms;
    let settings: Vec<_> = scene.settings.during(&endpoint.id, asked_ms, u64::MAX).collect();
    let wants = |kind: Kind, event: &Event| {
        let wants = |e: &&Endpoint| e.terms.wants(kind, &event.channel);
        settings.iter().all(|setting| setting.as_ref().is_some_and(wants))
    };
    for seq in scene.disk.range(replay) {
        let Some(event) = scene.disk.event(&replay.app, seq) else { continue };
        let is_sent = all.binary_search(&seq).is_ok();
        let is_so = is_sent || !wants(event.kind, event);
        Law::Replays.holds(is_so, || format!("{event:?} was not sent again: {replay:?}"))?;
    }
    Ok(())
}
