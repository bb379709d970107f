//! What people do at the management API: endpoints, replays, apps. The engine hears of it a little
//! later.

use std::collections::{BTreeMap, BTreeSet};

use bellwire_protocol::AppId;

use super::chance::Chance;
use super::disk::Disk;
use super::plan::{self, Plan};
use super::receivers::{Mood, Receiver};
use crate::event::Kind;
use crate::ids::{BatchId, EndpointId, ReplayId};
use crate::replay::{LogFilter, Progress, Replay, ReplayOf, Span, State};

/// People, and what is within their reach.
#[derive(Debug)]
pub(super) struct People<'a> {
    pub(super) now_ms: u64,
    pub(super) plan: &'a Plan,
    pub(super) chance: &'a mut Chance,
    pub(super) disk: &'a mut Disk,
    pub(super) receivers: &'a mut BTreeMap<EndpointId, Receiver>,
    /// Apps that are switched on.
    pub(super) apps: &'a mut BTreeSet<AppId>,
    /// Replays that were asked for.
    pub(super) asked: &'a mut u64,
}

/// What they have done.
#[derive(Debug, Default)]
pub(super) struct Deed {
    /// For who reads the story.
    pub(super) what: String,
    /// What they will do: after how long which endpoint is enabled or disabled.
    pub(super) switches: Vec<(u64, EndpointId, bool)>,
}

impl From<String> for Deed {
    fn from(what: String) -> Self {
        Self { what, switches: Vec::new() }
    }
}

impl People<'_> {
    pub(super) fn change_of_mind(&mut self) -> Deed {
        match self.chance.below(100) {
            0..15 => self.change_terms(),
            15..30 => self.switch_endpoint(),
            30..40 => self.flip_endpoint(),
            40..48 => self.add_endpoint(),
            48..52 => self.remove_endpoint(),
            52..85 => self.ask_replay(),
            85..92 => self.cancel_replay(),
            _ => self.switch_app(),
        }
    }

    /// A receiver gets well or unwell; not the one that is always well.
    pub(super) fn mood_changes(&mut self) -> Deed {
        let mood = Mood::any(self.chance);
        let at = self.chance.index(self.receivers.len());
        let receiver = self.receivers.iter_mut().nth(at).filter(|_| at > 0);
        let Some((id, receiver)) = receiver else { return Deed::default() };
        receiver.mood = mood;
        format!("{id} is {mood:?}").into()
    }

    /// Some endpoint, but not the one that is always well.
    fn some_endpoint(&mut self) -> Option<EndpointId> {
        let others = self.disk.endpoints.keys().skip(1).cloned();
        let others: Vec<EndpointId> = others.collect();
        (!others.is_empty()).then(|| self.chance.pick(&others))
    }

    fn change_terms(&mut self) -> Deed {
        let Some(id) = self.some_endpoint() else { return Deed::default() };
        let new = plan::terms(self.chance);
        let row = self.disk.endpoints.get_mut(&id).unwrap();
        // Limits stay, so that what is under way stays within them.
        let old = row.terms.clone();
        row.terms.events = new.events;
        row.terms.channel_prefix = new.channel_prefix;
        row.terms.channel_suffix = new.channel_suffix;
        format!("{id}: {old:?} changes").into()
    }

    fn switch_endpoint(&mut self) -> Deed {
        let Some(id) = self.some_endpoint() else { return Deed::default() };
        let on = self.disk.endpoints[&id].disabled.is_some();
        self.disk.set_enabled(&id, on, self.now_ms);
        format!("{id} is switched: {on}").into()
    }

    /// Somebody disables an endpoint and has second thoughts.
    fn flip_endpoint(&mut self) -> Deed {
        let Some(id) = self.some_endpoint() else { return Deed::default() };
        let first_ms = self.chance.between(0, 3);
        let second_ms = first_ms + self.chance.between(1, 10);
        let what = format!("{id} will be switched off and on");
        Deed { what, switches: vec![(first_ms, id.clone(), false), (second_ms, id, true)] }
    }

    fn add_endpoint(&mut self) -> Deed {
        let terms = plan::terms(self.chance);
        let app = self.chance.pick(&self.plan.apps);
        let number = 100 + self.receivers.len() as u64;
        let row = plan::endpoint(number, &app, terms);
        let what = format!("{row:?} is added");
        self.receivers.insert(row.id.clone(), Receiver { mood: Mood::Well });
        self.disk.endpoints.insert(row.id.clone(), row);
        what.into()
    }

    fn remove_endpoint(&mut self) -> Deed {
        let Some(id) = self.some_endpoint() else { return Deed::default() };
        self.disk.remove_endpoint(&id);
        format!("{id} is removed").into()
    }

    /// The first app stays: it has the endpoint that is always well.
    fn switch_app(&mut self) -> Deed {
        let app = self.chance.pick(&self.plan.apps[1..]).id;
        let what = format!("app {app} is switched");
        if !self.apps.remove(&app) {
            self.apps.insert(app);
        }
        what.into()
    }

    fn ask_replay(&mut self) -> Deed {
        let all: Vec<EndpointId> = self.disk.endpoints.keys().cloned().collect();
        let endpoint = self.chance.pick(&all);
        let app = self.disk.endpoints[&endpoint].app.clone();
        let of = match self.chance.below(8) {
            0 => ReplayOf::Test,
            1 => self.some_delivery(),
            2 | 3 => ReplayOf::Failed(Span::default()),
            _ => ReplayOf::Log(self.some_events(&app)),
        };
        *self.asked += 1;
        let id = ReplayId::of(*self.asked);
        let progress = Progress { cursor: 0, delivered: 0, failed: 0, state: State::Running };
        let created_at_ms = self.now_ms;
        let replay = Replay { id, app, endpoint, of, created_at_ms, total: 0, progress };
        let what = format!("{replay:?} is asked for");
        self.disk.replays.insert(id, replay);
        what.into()
    }

    fn some_delivery(&mut self) -> ReplayOf {
        let ended = self.disk.batches.values().filter(|kept| kept.outcome.is_some());
        let ended: Vec<BatchId> = ended.map(|kept| kept.batch.id).collect();
        if ended.is_empty() {
            return ReplayOf::Test;
        }
        ReplayOf::Delivery(self.chance.pick(&ended).to_string())
    }

    fn some_events(&mut self, app: &AppId) -> LogFilter {
        let last = self.disk.logs.get(app).map_or(0, |log| log.last_seq);
        let channels = self.plan.apps.iter().find(|plan| plan.id == *app).unwrap().channels.clone();
        let channel = self.chance.one_in(4).then(|| self.chance.pick(&channels).to_string());
        let event = self.chance.one_in(4).then(|| self.chance.pick(&Kind::ALL).name().to_owned());
        let from_seq = self.chance.one_in(2).then(|| self.chance.below(last + 1));
        LogFilter { span: Span::default(), from_seq, to_seq: Some(last), channel, event }
    }

    fn cancel_replay(&mut self) -> Deed {
        let mut running = self.disk.replays.values_mut();
        let running = running.find(|replay| replay.progress.state == State::Running);
        let Some(replay) = running else { return Deed::default() };
        replay.progress.state = State::Cancelled;
        format!("{} is cancelled", replay.id).into()
    }
}
