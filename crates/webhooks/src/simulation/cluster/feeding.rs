//! What a node does by itself: it says what happens there, lives on, and takes the desk if nobody has it.

use std::collections::BTreeSet;

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::AppId;

use super::node::State;
use super::records::LEASE_MS;
use super::run::{Act, Run, batching};
use crate::feed::decode;
use crate::simulation::laws::{Law, Lawful};

impl Run {
    pub(super) fn apps_with_endpoints(&self) -> BTreeSet<AppId> {
        let rows = self.records.disk.endpoints.values().map(|row| row.app.clone());
        rows.filter(|app| self.apps.contains(app)).collect()
    }

    pub(super) fn drive_feed(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if let Some(run) = node.known_run.filter(|run| node.feeder.wants_retelling(*run)) {
            node.feeder.begin_retelling(run);
            let clock_ms = node.clock(self.now_ms);
            for app in &node.wanted {
                let facts = node.world.retells(clock_ms, app);
                for fact in facts.into_iter().chain(node.world.counts(clock_ms, app)) {
                    node.feeder.take(fact, false);
                }
            }
            node.feeder.end_retelling();
        }
        let clock_ms = node.clock(self.now_ms);
        if node.is_appending {
            return;
        }
        if node.feeder.row(clock_ms).is_none() {
            return;
        }
        node.is_appending = true;
        let takes_ms = self.store_ms();
        self.later(at, takes_ms, Act::Appended);
    }

    pub(super) fn appended(&mut self, at: usize) {
        let answers = self.store_answers(at);
        // It may arrive although nobody says so.
        let arrives =
            self.nodes[at].reaches_store(self.now_ms) && (answers || self.chance.one_in(2));
        let (id, clock_ms) = (self.nodes[at].id, self.nodes[at].clock(self.now_ms));
        let row = self.nodes[at].feeder.row(clock_ms);
        let Some((n, body)) = row.map(|(n, body)| (n, body.to_vec())) else {
            self.nodes[at].is_appending = false;
            return;
        };
        if arrives && self.records.append(self.now_ms, id, n, &body) {
            let row = decode(&body).unwrap();
            self.trace(|| format!("node {id} says {n}: {row:?}"));
            self.court.appended(id, n, &row);
            if answers {
                self.nodes[at].feeder.kept();
                self.nodes[at].is_appending = false;
                return;
            }
        }
        self.nodes[at].feeder.failed();
        let again_ms = self.chance.between(100, 2_000);
        self.later(at, again_ms, Act::Appended);
    }

    /// A node says that it lives, looks who has the desk, and takes it if nobody has.
    pub(super) fn beats(&mut self, at: usize) -> Lawful {
        let is_soon = self.nodes[at].known_run.is_none();
        let next_ms = if is_soon { 500 } else { self.chance.between(800, 1_200) };
        self.later(at, next_ms, Act::Beats);
        if !self.store_answers(at) {
            return Ok(());
        }
        let id = self.nodes[at].id;
        if !self.records.beat(self.now_ms, id) {
            self.becomes_another(at);
            return Ok(());
        }
        self.nodes[at].lease_ms = self.now_ms + LEASE_MS;
        self.nodes[at].known_run = Some(self.records.run).filter(|run| *run > 0);
        self.nodes[at].feeder.answered();
        let heard = self.records.heard(id);
        self.let_in(at, heard)?;
        let may_take = self.nodes[at].state == State::Up && self.nodes[at].desk.is_none();
        if may_take && let Some(run) = self.records.take(self.now_ms, id) {
            self.take_desk(at, run);
        }
        Ok(())
    }

    /// Who waited finds kept what was told of its channel.
    pub(super) fn let_in(&mut self, at: usize, heard: u64) -> Lawful {
        for (app, channel, life) in self.nodes[at].feeder.heard(heard) {
            if self.nodes[at].lives.get(&(app.clone(), channel.clone())) != Some(&life) {
                // The channel for which it waited is not there any more.
                continue;
            }
            let name = (app, channel.as_str().to_owned(), None);
            let is_told = self.records.disk.announced.contains_key(&name);
            let is_here = self.nodes[at].world.here().contains(&name);
            let is_wanted = self.nodes[at].wanted.contains(&name.0);
            let is_so = is_told || !is_here || !is_wanted || self.plan.trouble.overflow;
            Law::Committed.holds(is_so, || format!("let in before {name:?} was kept"))?;
        }
        Ok(())
    }

    /// A node has lost its lease: it begins again as another one, and its clients stay.
    pub(super) fn becomes_another(&mut self, at: usize) {
        self.trace(|| format!("node {} has lost its lease", self.nodes[at].id));
        let id = self.nodes[at].id;
        self.court.lost(id);
        self.nodes[at].desk = None;
        self.nodes[at].feeder.begin_anew();
        self.join(at);
    }

    /// A node, and the desk if it is there, hear of what people have written down.
    pub(super) fn configure(&mut self, at: usize) {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let rows: Vec<_> = self.records.disk.endpoints.values().cloned().collect();
        let batching = |id: &AppId| batching(&self.plan, &self.apps, id);
        if let Some(desk) = self.nodes[at].desk.as_mut() {
            let is_current = desk.run == self.records.run;
            let replays = self.records.disk.replays.values().cloned().collect();
            desk.engine.configure(clock_ms, rows, &batching, replays);
            if is_current {
                let (court, sight) = self.court(clock_ms);
                court.configured(sight);
            }
        }
        let after = self.apps_with_endpoints();
        let node = &mut self.nodes[at];
        let before = std::mem::replace(&mut node.wanted, after.clone());
        for app in before.difference(&after) {
            self.court.forgotten(node.id, app);
            node.feeder.anew(app.clone());
        }
        for app in after.difference(&before) {
            node.feeder.anew(app.clone());
            let facts = node.world.retells(clock_ms, app);
            for fact in facts.into_iter().chain(node.world.counts(clock_ms, app)) {
                node.feeder.take(fact, true);
            }
        }
    }

    /// Something has happened on a node.
    pub(super) fn happen(&mut self, at: usize, facts: Vec<Fact>) {
        for fact in facts {
            let node = &mut self.nodes[at];
            if !node.wanted.contains(&fact.app) {
                continue;
            }
            let is_first = matches!(fact.what, What::Occupied);
            let name = (fact.app.clone(), fact.channel.clone());
            node.feeder.take(fact, false);
            if !is_first {
                continue;
            }
            let life = node.lives.entry(name.clone()).or_default();
            *life += 1;
            if self.chance.one_in(4) {
                node.feeder.hold((name.0, name.1, *life));
            }
        }
    }
}
