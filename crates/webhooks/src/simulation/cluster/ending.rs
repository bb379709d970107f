//! The calm at the end of a life, and what must be so after it.

use std::collections::BTreeMap;

use bellwire_hub::fact::What;

use super::court::Sight;
use super::node::{Desk, State};
use super::run::{Act, Run};
use crate::simulation::laws::{Law, Lawful};
use crate::simulation::receivers::Mood;
use crate::simulation::world::World;

/// How long the calm may take.
const CALM_MS: u64 = 4 * 3_600_000;

impl Run {
    /// Everybody is well and time passes, until nothing is left to do.
    pub(super) fn calm(&mut self) -> Lawful {
        self.trace(|| "calm".into());
        self.is_store_well = true;
        for receiver in self.receivers.values_mut() {
            receiver.mood = Mood::Well;
        }
        for at in 0..self.nodes.len() {
            self.nodes[at].frozen_ms = 0;
            self.nodes[at].cut_off_ms = 0;
            if self.nodes[at].state == State::Down {
                self.start(at);
            }
            self.later(at, 1, Act::Configured);
        }
        // Longer than every lease, grace and return.
        self.pass(90_000)?;
        self.everybody_is_counted();
        self.drive()?;
        let end_ms = self.now_ms + CALM_MS;
        while self.now_ms < end_ms && !self.is_done() {
            self.pass(10_000)?;
        }
        Law::Rest.holds(self.is_done(), || "it never rests".into())?;
        self.pass(20_000)?;
        self.check_end()
    }

    pub(super) fn is_done(&self) -> bool {
        let is_quiet = |desk: &Desk| {
            let load = desk.engine.load();
            let nothing = (load.waiting, load.pending_bytes, load.under_way, desk.under_way);
            desk.engine.is_quiet() && nothing == (0, 0, 0, 0) && desk.engine.next_ms().is_none()
        };
        let mut desks = self.nodes.iter().filter_map(|node| node.desk.as_ref());
        let has_more = self.nodes.iter().any(|node| node.feeder.has_more());
        desks.all(is_quiet) && !has_more && !self.records.has_rows()
    }

    pub(super) fn check_end(&mut self) -> Lawful {
        let desk_ms = self.nodes.iter().find(|node| node.desk.is_some());
        let desk_ms = desk_ms.map_or(self.now_ms, |node| node.clock(self.now_ms));
        let worlds: Vec<&World> = self.nodes.iter().map(|node| &node.world).collect();
        let mut counted = BTreeMap::new();
        for fact in worlds
            .iter()
            .flat_map(|world| self.plan.apps.iter().flat_map(|app| world.counts(0, &app.id)))
        {
            let What::SubscriptionCount(count) = fact.what else { continue };
            if fact.channel.kind().is_encrypted() {
                // No crowd came there.
                continue;
            }
            *counted.entry((fact.app, fact.channel.as_str().to_owned())).or_default() += count;
        }
        let sight = Sight {
            now_ms: self.now_ms,
            desk_ms,
            records: &self.records,
            plan: &self.plan,
            apps: &self.apps,
        };
        self.court.check_end(sight, &worlds, &self.apps_with_endpoints(), &counted)
    }
}
