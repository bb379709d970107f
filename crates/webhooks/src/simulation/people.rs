//! What people do at the management API: endpoints, replays, apps. The engine hears of it a little
//! later.

use super::agenda::Act;
use super::laws::Lawful;
use super::plan;
use super::receivers::{Mood, Receiver};
use super::run::Run;
use crate::event::Kind;
use crate::ids::{EndpointId, ReplayId};
use crate::replay::{LogFilter, Progress, Replay, ReplayOf, Span, State};

impl Run {
    pub(super) fn change_of_mind(&mut self) -> Lawful {
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
        let later_ms = self.chance.between(1, 300);
        // Much may happen at the same time.
        let next_ms = self.agenda.next_ms().filter(|_| self.chance.one_in(2));
        let later_ms = next_ms.map_or(later_ms, |next_ms| next_ms.saturating_sub(self.now_ms));
        self.later(later_ms, Act::Configured);
        Ok(())
    }

    /// Some endpoint, but not the one that is always well.
    fn some_endpoint(&mut self) -> Option<EndpointId> {
        let others = self.disk.endpoints.keys().skip(1).cloned();
        let others: Vec<EndpointId> = others.collect();
        (!others.is_empty()).then(|| self.chance.pick(&others))
    }

    fn change_terms(&mut self) {
        let Some(id) = self.some_endpoint() else { return };
        let new = plan::terms(&mut self.chance);
        let row = self.disk.endpoints.get_mut(&id).unwrap();
        // Limits stay, so that what is under way stays within them.
        let old = row.terms.clone();
        row.terms.events = new.events;
        row.terms.channel_prefix = new.channel_prefix;
        row.terms.channel_suffix = new.channel_suffix;
        self.trace(|| format!("{id}: {old:?} changes"));
    }

    fn switch_endpoint(&mut self) {
        let Some(id) = self.some_endpoint() else { return };
        let on = self.disk.endpoints[&id].disabled.is_some();
        self.disk.set_enabled(&id, on, self.now_ms);
        self.trace(|| format!("{id} is switched: {on}"));
    }

    /// Somebody disables an endpoint and has second thoughts.
    fn flip_endpoint(&mut self) {
        let Some(id) = self.some_endpoint() else { return };
        let first_ms = self.chance.between(0, 3);
        let second_ms = first_ms + self.chance.between(1, 10);
        self.later(first_ms, Act::Switched(id.clone(), false));
        self.later(second_ms, Act::Switched(id, true));
    }

    fn add_endpoint(&mut self) {
        let terms = plan::terms(&mut self.chance);
        let app = self.chance.pick(&self.plan.apps);
        let number = 100 + self.receivers.len() as u64;
        let row = plan::endpoint(number, &app, terms);
        self.trace(|| format!("{row:?} is added"));
        self.receivers.insert(row.id.clone(), Receiver { mood: Mood::Well });
        self.disk.endpoints.insert(row.id.clone(), row);
    }

    fn remove_endpoint(&mut self) {
        let Some(id) = self.some_endpoint() else { return };
        self.trace(|| format!("{id} is removed"));
        self.disk.remove_endpoint(&id);
    }

    /// The first app stays: it has the endpoint that is always well.
    fn switch_app(&mut self) {
        let app = self.chance.pick(&self.plan.apps[1..]).id;
        self.trace(|| format!("app {app} is switched"));
        if !self.apps.remove(&app) {
            self.apps.insert(app);
        }
    }

    fn ask_replay(&mut self) {
        let all: Vec<EndpointId> = self.disk.endpoints.keys().cloned().collect();
        let endpoint = self.chance.pick(&all);
        let app = self.disk.endpoints[&endpoint].app.clone();
        let of = match self.chance.below(8) {
            0 => ReplayOf::Test,
            1 => self.some_delivery(),
            2 | 3 => ReplayOf::Failed(Span::default()),
            _ => ReplayOf::Log(self.some_events(&app)),
        };
        self.asked += 1;
        let id = ReplayId::of(self.asked);
        let progress = Progress { cursor: 0, delivered: 0, failed: 0, state: State::Running };
        let created_at_ms = self.now_ms;
        let replay = Replay { id, app, endpoint, of, created_at_ms, total: 0, progress };
        self.trace(|| format!("{replay:?} is asked for"));
        self.disk.replays.insert(id, replay);
    }

    fn some_delivery(&mut self) -> ReplayOf {
        let ended = self.ended();
        if ended.is_empty() {
            return ReplayOf::Test;
        }
        ReplayOf::Delivery(self.chance.pick(&ended).to_string())
    }

    fn some_events(&mut self, app: &bellwire_protocol::AppId) -> LogFilter {
        let last = self.disk.logs.get(app).map_or(0, |log| log.last_seq);
        let channels = self.plan.apps.iter().find(|plan| plan.id == *app).unwrap().channels.clone();
        let channel = self.chance.one_in(4).then(|| self.chance.pick(&channels).to_string());
        let event = self.chance.one_in(4).then(|| self.chance.pick(&Kind::ALL).name().to_owned());
        let from_seq = self.chance.one_in(2).then(|| self.chance.below(last + 1));
        LogFilter { span: Span::default(), from_seq, to_seq: Some(last), channel, event }
    }

    fn cancel_replay(&mut self) {
        let mut running = self.disk.replays.values_mut();
        let running = running.find(|replay| replay.progress.state == State::Running);
        if let Some(replay) = running {
            replay.progress.state = State::Cancelled;
            let id = replay.id;
            self.trace(|| format!("{id} is cancelled"));
        }
    }
}
