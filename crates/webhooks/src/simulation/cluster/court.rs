//! Who watches a cluster: what is told must agree with who is where, whoever has the desk.

use std::collections::{BTreeMap, BTreeSet};

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::AppId;

use super::records::Records;
use crate::endpoint::Endpoint;
use crate::engine::Answered;
use crate::event::{Event, Kind};
use crate::feed::{Entry, Row, decode};
use crate::node::NodeId;
use crate::outbox::FeedRow;
use crate::simulation::disk::Named;
use crate::simulation::laws::{self, Law, Lawful, Scene, SendingLaws, Settings};
use crate::simulation::plan::Plan;
use crate::simulation::world::World;
use crate::turn::{Dispatch, Notice};

/// The court.
#[derive(Debug)]
pub(super) struct Court {
    sending: SendingLaws,
    settings: Settings,
    /// Endpoints that are never switched off.
    others: Vec<Endpoint>,
    /// What a node has, as the desk has heard.
    known: BTreeMap<NodeId, BTreeSet<Named>>,
    /// Who was sent away by a node that drains: when, and until when it has time to return.
    returning: BTreeMap<Named, (u64, u64)>,
    /// Numbers of client events that are safe in a feed and not in a log yet, with their app.
    said: BTreeMap<u64, AppId>,
    /// How many misses of a channel were told, and how many may have been.
    misses: BTreeMap<(AppId, String), (u64, u64)>,
    /// The last count of each channel in the log.
    counts: BTreeMap<(AppId, String), usize>,
    /// The last row of each feed.
    rows: BTreeMap<NodeId, u64>,
    /// Places in logs that no endpoint needs to hear of.
    quiet: std::collections::HashSet<(AppId, u64)>,
}

/// What the court looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    /// True time.
    pub(super) now_ms: u64,
    /// What the clock of the desk shows.
    pub(super) desk_ms: u64,
    pub(super) records: &'a Records,
    pub(super) plan: &'a Plan,
}

impl Court {
    /// `switched`: apps that may be switched off at times.
    pub(super) fn new(plan: &Plan, switched: &[AppId]) -> Self {
        let mut settings = Settings::default();
        settings.configured(0, &plan.endpoints);
        // What their endpoints slept through is not on record.
        let others = plan.endpoints.iter().filter(|row| !switched.contains(&row.app));
        let others: Vec<Endpoint> = others.cloned().collect();
        settings.configured(0, &others);
        settings.configured(0, &plan.endpoints);
        Self {
            sending: SendingLaws::default(),
            settings,
            others,
            known: BTreeMap::new(),
            returning: BTreeMap::new(),
            said: BTreeMap::new(),
            misses: BTreeMap::new(),
            counts: BTreeMap::new(),
            rows: BTreeMap::new(),
            quiet: std::collections::HashSet::new(),
        }
    }

    /// A desk begins.
    pub(super) fn began(&mut self, records: &Records) {
        self.sending.restarted(&records.disk);
        self.spells_end(|_| true);
    }

    /// A row is safe in a feed.
    pub(super) fn appended(&mut self, node: NodeId, n: u64, row: &Row) {
        if self.rows.insert(node, n) >= Some(n) {
            return;
        }
        for entry in &row.entries {
            let Entry::Fact { fact, .. } = entry else { continue };
            if let What::ClientEvent { data, .. } = &fact.what {
                self.said.insert(number(data), fact.app.clone());
            }
        }
    }

    /// Every channel of these apps may be empty anew.
    fn spells_end(&mut self, is_of: impl Fn(&AppId) -> bool) {
        for (_, (_, most)) in self.misses.iter_mut().filter(|((app, _), _)| is_of(app)) {
            *most += 1;
        }
    }

    /// Who was here has gone, or was sent away by a node that drains: when, and until when it has
    /// time to return.
    pub(super) fn went(&mut self, node: NodeId, thing: &Named, returns_ms: Option<(u64, u64)>) {
        // What the desk has not heard yet it cannot wait for.
        let was_known = self.known.get_mut(&node).is_some_and(|known| known.remove(thing));
        match returns_ms.filter(|_| was_known) {
            Some(times) => self.returning.insert(thing.clone(), times),
            None => self.returning.remove(thing),
        };
    }

    /// Who was away is somewhere.
    pub(super) fn came(&mut self, thing: &Named) {
        self.returning.remove(thing);
    }

    /// A node is not that node any more, or its word does not count any more.
    pub(super) fn lost(&mut self, node: NodeId) {
        self.known.remove(&node);
        self.returning.clear();
        self.spells_end(|_| true);
    }

    /// A node tells nothing of an app any more.
    pub(super) fn forgotten(&mut self, node: NodeId, app: &AppId) {
        if let Some(known) = self.known.get_mut(&node) {
            known.retain(|(other, ..)| other != app);
        }
        self.returning.retain(|(other, ..), _| other != app);
        self.spells_end(|other| other == app);
    }

    /// The desk hears rows now; it may not keep that.
    pub(super) fn hears(&mut self, rows: &[FeedRow]) {
        for entry in rows.iter().flat_map(|row| decode(&row.body).unwrap().entries) {
            let Entry::Fact { fact, .. } = entry else { continue };
            if matches!(fact.what, What::CacheFilled | What::Vacated) {
                let channel = (fact.app, fact.channel.as_str().to_owned());
                self.misses.entry(channel).or_insert((0, 1)).1 += 1;
            }
        }
    }

    /// The desk has heard a row. `here` is who is really on that node.
    pub(super) fn heard(&mut self, node: NodeId, row: &Row, here: &BTreeSet<Named>) {
        for entry in &row.entries {
            match entry {
                Entry::Anew { app } => self.forgotten(node, app),
                Entry::Fact { fact, .. } => self.heard_fact(node, fact, here),
                _ => {}
            }
        }
    }

    fn heard_fact(&mut self, node: NodeId, fact: &Fact, here: &BTreeSet<Named>) {
        let (user, is_here) = match &fact.what {
            What::Occupied => (None, true),
            What::Vacated => (None, false),
            What::MemberAdded(user) => (Some(user.clone()), true),
            What::MemberRemoved(user) => (Some(user.clone()), false),
            _ => return,
        };
        let thing = (fact.app.clone(), fact.channel.as_str().to_owned(), user);
        let known = self.known.entry(node).or_default();
        if is_here && here.contains(&thing) {
            known.insert(thing);
        } else {
            known.remove(&thing);
        }
    }

    /// Something is in a log that the desk had ordered at a time.
    pub(super) fn announced(&mut self, sight: Sight<'_>, ordered_ms: u64, event: &Event) -> Lawful {
        let channel = (event.app.clone(), event.channel.as_str().to_owned());
        match event.kind {
            Kind::Vacated | Kind::MemberRemoved => {
                self.misses.entry(channel).or_insert((0, 1)).1 += 1;
                self.check_leave(sight, ordered_ms, event)
            }
            Kind::ClientEvent => {
                let data: serde_json::Value = serde_json::from_str(&event.body).unwrap();
                let said = self.said.remove(&number(data["data"].as_str().unwrap()));
                Law::Wanted.holds(said.is_some(), || format!("never said, or twice: {event:?}"))
            }
            Kind::CacheMiss => {
                let (told, most) = self.misses.entry(channel).or_insert((0, 1));
                *told += 1;
                Law::Throttled.holds(told <= most, || format!("missed already: {event:?}"))
            }
            Kind::SubscriptionCount => {
                let (_, count) = event.body.rsplit_once(':').unwrap();
                self.counts.insert(channel, count.trim_end_matches('}').parse().unwrap());
                Ok(())
            }
            Kind::Occupied | Kind::MemberAdded => Ok(()),
        }
    }

    fn check_leave(&self, sight: Sight<'_>, ordered_ms: u64, event: &Event) -> Lawful {
        let thing = (event.app.clone(), event.channel.as_str().to_owned(), event.user.clone());
        let live = |node: &NodeId| sight.records.is_live(sight.now_ms, *node);
        let mut known = self.known.iter().filter(|(node, _)| live(node));
        let holder = known.find(|(_, things)| things.contains(&thing));
        Law::Grace.holds(holder.is_none(), || {
            format!("{:?} has it: {event:?}", holder.map(|(node, _)| node))
        })?;
        let Some((sent_ms, until_ms)) = self.returning.get(&thing) else { return Ok(()) };
        let has_time = (*sent_ms..*until_ms).contains(&ordered_ms);
        Law::Closing.holds(!has_time, || format!("it has until {until_ms} to return: {event:?}"))
    }

    /// An engine says something.
    pub(super) fn noticed(&mut self, sight: Sight<'_>, notice: &Notice) -> Lawful {
        match notice {
            Notice::GivenUp { batch, reason, .. } => {
                let scene = scene(sight, &self.settings);
                self.sending.given_up(scene, *batch, reason)
            }
            Notice::Unreadable { why, .. } => Law::Complete.broken(why.clone()),
            _ => Ok(()),
        }
    }

    /// A desk lets go of what it had for an endpoint.
    pub(super) fn let_go(&mut self, endpoint: &Endpoint) {
        self.sending.let_go(&endpoint.id);
    }

    /// A POST goes out from the desk with a number.
    pub(super) fn dispatched(&mut self, sight: Sight<'_>, run: u64, dispatch: &Dispatch) -> Lawful {
        let now = sight.records.run;
        Law::Fenced.holds(run == now, || format!("desk {run} sends, {now} is the desk"))?;
        self.sending.dispatched(scene(sight, &self.settings), dispatch)
    }

    /// A receiver takes it.
    pub(super) fn accepted(&mut self, sight: Sight<'_>, dispatch: &Dispatch) {
        self.sending.accepted(scene(sight, &self.settings), dispatch);
    }

    /// The desk hears of an answer.
    pub(super) fn answered(&mut self, desk_ms: u64, answered: &Answered) {
        self.sending.answered(desk_ms, answered.batch, &answered.answer);
    }

    /// Nothing will happen any more.
    pub(super) fn check_end(
        &mut self,
        sight: Sight<'_>,
        worlds: &[&World],
        apps: &BTreeSet<AppId>,
        counted: &BTreeMap<(AppId, String), usize>,
    ) -> Lawful {
        Law::Rest.holds(!sight.records.has_rows(), || "a feed is not heard".into())?;
        let is_wanted = |app: &str| apps.iter().any(|other| other.as_str() == app);
        // What the others had to hear depends on when.
        self.settings.configured(0, &self.others);
        let scene = scene(sight, &self.settings);
        laws::check_end(scene, worlds, is_wanted, &self.quiet, &self.sending)?;
        let first = &sight.plan.apps[0].id;
        let mut lost = self.said.iter().filter(|(_, app)| *app == first);
        let lost = lost.next().filter(|_| !sight.plan.trouble.overflow);
        Law::Complete.holds(lost.is_none(), || format!("said and in no log: {lost:?}"))?;
        for (channel, count) in counted.iter().filter(|((app, _), _)| apps.contains(app)) {
            let told = self.counts.get(channel).copied();
            let is_so = told == Some(*count) || sight.plan.trouble.overflow;
            Law::Throttled.holds(is_so, || format!("{channel:?} has {count}, told {told:?}"))?;
        }
        Ok(())
    }
}

/// A desk may begin with late batches, and with a clock unlike the one before.
fn scene<'a>(sight: Sight<'a>, settings: &'a Settings) -> Scene<'a> {
    Scene {
        now_ms: sight.desk_ms,
        disk: &sight.records.disk,
        plan: sight.plan,
        settings,
        began_ms: u64::MAX,
        last_job: (0, u64::MAX),
    }
}

/// The number in the data of a client event.
fn number(data: &str) -> u64 {
    data.trim_start_matches("{\"n\":").trim_end_matches('}').parse().unwrap()
}
