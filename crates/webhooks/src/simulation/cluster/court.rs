//! Who watches a cluster: what is told must agree with who is where, whoever has the desk.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::AppId;

use super::node::Job;
use super::records::Records;
use crate::engine::Answered;
use crate::event::{Event, Kind};
use crate::feed::{Entry, Row, decode};
use crate::node::NodeId;
use crate::outbox::{FeedRow, Step, Transaction};
use crate::settle::{COUNT_EVERY_MS, COUNTS_AT_ONCE};
use crate::simulation::disk::Named;
use crate::simulation::laws::{
    self, Decided, Isolation, Law, Lawful, Scene, SendingLaws, Settings, client_event,
};
use crate::simulation::plan::Plan;
use crate::simulation::world::World;
use crate::turn::{Dispatch, Notice};

/// The court.
#[derive(Debug)]
pub(super) struct Court {
    sending: SendingLaws,
    settings: Settings,
    isolation: Isolation,
    /// Until when there was no desk, or it or the store was not well.
    trouble_ms: u64,
    /// When events and batches were decided.
    decided: Decided,
    /// What a node has, as the desk has heard.
    known: BTreeMap<NodeId, BTreeSet<Named>>,
    /// When a node that was live had somebody last, as the desk had heard.
    gone: BTreeMap<Named, u64>,
    /// Who was sent away by a node that drains: when, and until when it has time to return.
    returning: BTreeMap<Named, (u64, u64)>,
    /// Client events that are safe in a feed and not in a log yet, by their numbers, with their app.
    said: BTreeMap<u64, (AppId, String)>,
    /// How many misses of a channel were told, and how many may have been.
    misses: BTreeMap<(AppId, String), (u64, u64)>,
    /// The last count of each channel in the log.
    counts: BTreeMap<(AppId, String), usize>,
    /// When the log had a crowd of a channel last.
    crowds: BTreeMap<(AppId, String), u64>,
    /// The last row of each feed.
    rows: BTreeMap<NodeId, u64>,
    /// Who was somewhere before anybody wanted to know.
    quietly: BTreeSet<Named>,
    /// Places in logs that no endpoint needs to hear of.
    quiet: HashSet<(AppId, u64)>,
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
    /// Apps that are switched on.
    pub(super) apps: &'a BTreeSet<AppId>,
}

impl Court {
    pub(super) fn new(plan: &Plan) -> Self {
        let well = plan.endpoints[0].clone();
        Self {
            sending: SendingLaws::default(),
            settings: Settings::default(),
            isolation: Isolation::new(well),
            trouble_ms: 0,
            decided: Decided::default(),
            known: BTreeMap::new(),
            gone: BTreeMap::new(),
            returning: BTreeMap::new(),
            said: BTreeMap::new(),
            misses: BTreeMap::new(),
            counts: BTreeMap::new(),
            crowds: BTreeMap::new(),
            rows: BTreeMap::new(),
            quietly: BTreeSet::new(),
            quiet: HashSet::new(),
        }
    }

    /// A desk begins.
    pub(super) fn began(&mut self, sight: Sight<'_>) {
        self.configured(sight);
        self.sending.restarted(&sight.records.disk);
        self.crowds.clear();
        self.spells_end(|_| true);
    }

    /// The desk hears of what people have written down.
    pub(super) fn configured(&mut self, sight: Sight<'_>) {
        let Sight { now_ms, records, apps, .. } = sight;
        self.sending.configured(&mut self.settings, now_ms, &records.disk, apps);
    }

    /// A transaction of the desk is kept that was decided between these times.
    pub(super) fn kept(&mut self, now_ms: u64, transaction: &Transaction, times: (u64, u64)) {
        self.decided.kept(transaction, times);
        for step in &transaction.steps {
            if let Step::Append(event) = step {
                self.isolation.kept(now_ms, event);
            }
        }
    }

    /// There is no desk, or it or the store is not well.
    pub(super) fn troubled(&mut self, until_ms: u64) {
        self.trouble_ms = until_ms.max(self.trouble_ms);
    }

    /// Everything is done that was to be done at a time.
    pub(super) fn check(&mut self, now_ms: u64, records: &Records) -> Lawful {
        self.isolation.check(now_ms, self.trouble_ms, &records.disk)
    }

    /// A row is safe in a feed.
    pub(super) fn appended(&mut self, node: NodeId, n: u64, row: &Row) {
        if self.rows.insert(node, n) >= Some(n) {
            return;
        }
        for entry in &row.entries {
            let Entry::Fact { fact, .. } = entry else { continue };
            if let What::ClientEvent { data, .. } = &fact.what {
                let body = client_event(fact);
                self.said.insert(number(data), (fact.app.clone(), body));
            }
        }
    }

    /// Every channel of these apps may be empty anew.
    fn spells_end(&mut self, is_of: impl Fn(&AppId) -> bool) {
        for (_, (_, most)) in self.misses.iter_mut().filter(|((app, _), _)| is_of(app)) {
            *most += 1;
        }
    }

    /// Who was here has gone at a time, if its node is live, or was sent away by a node that drains:
    /// when, and until when it has time to return.
    pub(super) fn went(
        &mut self,
        node: NodeId,
        thing: &Named,
        at_ms: Option<u64>,
        returns_ms: Option<(u64, u64)>,
    ) {
        // What the desk has not heard yet it cannot wait for.
        let was_known = self.known.get_mut(&node).is_some_and(|known| known.remove(thing));
        if let Some(at_ms) = at_ms.filter(|_| was_known) {
            self.gone.insert(thing.clone(), at_ms);
        }
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
            let Entry::Fact { fact, quietly } = entry else { continue };
            if quietly {
                self.was_before(&fact);
            }
            if matches!(fact.what, What::CacheFilled | What::Vacated) {
                let channel = (fact.app, fact.channel.as_str().to_owned());
                self.misses.entry(channel).or_insert((0, 1)).1 += 1;
            }
        }
    }

    /// Somebody was there before anybody wanted to know, and so was the channel.
    fn was_before(&mut self, fact: &Fact) {
        let of = |user| (fact.app.clone(), fact.channel.as_str().to_owned(), user);
        self.quietly.insert(of(None));
        if let What::MemberAdded(user) = &fact.what {
            self.quietly.insert(of(Some(user.clone())));
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

    /// Something is in a log that was kept by a job of the desk.
    pub(super) fn announced(&mut self, sight: Sight<'_>, job: &Job, event: &Event) -> Lawful {
        let ordered_ms = job.ordered_ms;
        let channel = (event.app.clone(), event.channel.as_str().to_owned());
        match event.kind {
            Kind::Vacated | Kind::MemberRemoved => {
                self.crowds.remove(&channel);
                self.quietly.remove(&thing(event));
                self.misses.entry(channel).or_insert((0, 1)).1 += 1;
                self.check_leave(sight, ordered_ms, event)
            }
            Kind::ClientEvent => {
                let data: serde_json::Value = serde_json::from_str(&event.body).unwrap();
                let said = self.said.remove(&number(data["data"].as_str().unwrap()));
                let is_so = said.is_some_and(|(_, body)| body == *event.body);
                Law::Wanted.holds(is_so, || format!("never said, or twice, or so: {event:?}"))
            }
            Kind::CacheMiss => {
                let (told, most) = self.misses.entry(channel).or_insert((0, 1));
                *told += 1;
                Law::Throttled.holds(told <= most, || format!("missed already: {event:?}"))
            }
            Kind::SubscriptionCount => {
                let (_, count) = event.body.rsplit_once(':').unwrap();
                let count = count.trim_end_matches('}').parse().unwrap();
                self.counts.insert(channel.clone(), count);
                self.check_crowd(&channel, count, job)
            }
            Kind::Occupied | Kind::MemberAdded => {
                if self.quietly.contains(&thing(event)) {
                    self.quiet.insert((event.app.clone(), event.seq));
                }
                Ok(())
            }
        }
    }

    /// Of a crowd one count in five seconds.
    fn check_crowd(&mut self, channel: &(AppId, String), count: usize, job: &Job) -> Lawful {
        if count <= COUNTS_AT_ONCE {
            return Ok(());
        }
        let last_ms = self.crowds.insert(channel.clone(), job.from_ms);
        let is_time = last_ms.is_none_or(|last_ms| job.ordered_ms >= last_ms + COUNT_EVERY_MS);
        Law::Throttled.holds(is_time, || format!("{channel:?} is {count}, soon after {last_ms:?}"))
    }

    fn check_leave(&self, sight: Sight<'_>, ordered_ms: u64, event: &Event) -> Lawful {
        let thing = thing(event);
        let live = |node: &NodeId| sight.records.is_live(sight.now_ms, *node);
        let mut known = self.known.iter().filter(|(node, _)| live(node));
        let holder = known.find(|(_, things)| things.contains(&thing));
        Law::Grace.holds(holder.is_none(), || {
            format!("{:?} has it: {event:?}", holder.map(|(node, _)| node))
        })?;
        let gone_ms = self.gone.get(&thing).copied().unwrap_or(0);
        let has_waited = ordered_ms >= gone_ms + sight.plan.settle.grace_ms;
        Law::Grace.holds(has_waited, || format!("it was here at {gone_ms}: {event:?}"))?;
        let Some((sent_ms, until_ms)) = self.returning.get(&thing) else { return Ok(()) };
        let has_time = (*sent_ms..*until_ms).contains(&ordered_ms);
        Law::Closing.holds(!has_time, || format!("it has until {until_ms} to return: {event:?}"))
    }

    /// An engine says something.
    pub(super) fn noticed(&mut self, sight: Sight<'_>, notice: &Notice) -> Lawful {
        match notice {
            Notice::GivenUp { batch, reason, .. } => {
                let scene = scene(sight, &self.settings, &self.decided);
                self.sending.given_up(scene, *batch, reason)
            }
            Notice::Disabled { endpoint, reason } => {
                if *reason == "failing" {
                    let after_ms = sight.plan.delivery.disable_after_ms;
                    self.sending.health.check_failing(sight.desk_ms, after_ms, endpoint)?;
                }
                self.settings.disabled(sight.now_ms, endpoint);
                self.sending.let_go(endpoint);
                Ok(())
            }
            Notice::Unreadable { why, .. } => Law::Complete.broken(why.clone()),
            _ => Ok(()),
        }
    }

    /// A POST goes out from the desk with a number.
    pub(super) fn dispatched(&mut self, sight: Sight<'_>, run: u64, dispatch: &Dispatch) -> Lawful {
        let now = sight.records.run;
        Law::Fenced.holds(run == now, || format!("desk {run} sends, {now} is the desk"))?;
        self.sending.dispatched(scene(sight, &self.settings, &self.decided), dispatch)
    }

    /// A receiver takes it.
    pub(super) fn accepted(&mut self, sight: Sight<'_>, dispatch: &Dispatch) {
        self.sending.accepted(scene(sight, &self.settings, &self.decided), dispatch);
        self.isolation.accepted(&dispatch.batch);
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
        let scene = scene(sight, &self.settings, &self.decided);
        laws::check_end(scene, worlds, is_wanted, &self.quiet, &self.sending)?;
        let first = &sight.plan.apps[0].id;
        let mut lost = self.said.iter().filter(|(_, (app, _))| app == first);
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
fn scene<'a>(sight: Sight<'a>, settings: &'a Settings, decided: &'a Decided) -> Scene<'a> {
    Scene {
        now_ms: sight.desk_ms,
        disk: &sight.records.disk,
        plan: sight.plan,
        settings,
        began_ms: u64::MAX,
        last_job: (0, u64::MAX),
        decided: Some(decided),
    }
}

/// Of whom an event tells.
fn thing(event: &Event) -> Named {
    (event.app.clone(), event.channel.as_str().to_owned(), event.user.clone())
}

/// The number in the data of a client event.
fn number(data: &str) -> u64 {
    data.trim_start_matches("{\"n\":").trim_end_matches('}').parse().unwrap()
}
