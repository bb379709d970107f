//! What the node with the desk does: it hears the feeds, keeps what follows, and sends.

use bellwire_protocol::AppId;

use super::court::{Court, Sight};
use super::node::{Desk, Job, Node, State};
use super::run::{Act, Run, batching};
use crate::engine::{Answered, Engine, Overheard};
use crate::event::{Event, Kind};
use crate::feed::Row;
use crate::node::{NodeId, NodeState};
use crate::outbox::{Found, Outbox, Step};
use crate::sabotage::{Sabotage, sabotaged};
use crate::simulation::laws::{Law, Lawful};
use crate::turn::Dispatch;

/// How long a store that is well needs at most.
const WELL_MS: u64 = 15;
const LISTEN_MS: u64 = 200;
/// Rows that the desk reads at once.
const ROWS: usize = 3;

impl Run {
    pub(super) fn take_desk(&mut self, at: usize, run: u64) {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let mut engine = Engine::new(self.plan.settle, self.plan.delivery, self.chance.roll());
        let disk = &mut self.records.disk;
        let remains = disk.recover(&mut |announced| engine.told_before(announced)).unwrap();
        let rows = disk.endpoints.values().cloned().collect();
        let batching = |id: &AppId| batching(&self.plan, &self.apps, id);
        let replays = disk.replays.values().cloned().collect();
        engine.begin(clock_ms, remains, rows, &batching, replays);
        let roll = self.records.roll(self.now_ms);
        engine.begin_hearing(clock_ms, self.nodes[at].id, &roll);
        self.trace(|| format!("node {} takes the desk, run {run}; {roll:?}", self.nodes[at].id));
        let (court, sight) = self.court(clock_ms);
        court.began(sight);
        self.nodes[at].desk = Some(Desk {
            run,
            engine,
            job: None,
            is_listening: false,
            next_listen_ms: self.now_ms,
            heard_ms: self.now_ms,
            ordered_ms: self.now_ms,
            kept_ms: self.now_ms,
            is_parking: false,
            under_way: 0,
        });
        self.later(at, 1, Act::Configured);
    }

    pub(super) fn drive_desk(&mut self, at: usize) -> Lawful {
        let (now_ms, clock_ms) = (self.now_ms, self.nodes[at].clock(self.now_ms));
        let Some(desk) = self.nodes[at].desk.as_mut() else { return Ok(()) };
        let run = desk.run;
        if !desk.is_listening && now_ms >= desk.next_listen_ms && desk.engine.has_room() {
            desk.is_listening = true;
            self.later(at, 1, Act::Calls { run });
        }
        let Some(desk) = self.nodes[at].desk.as_mut() else { return Ok(()) };
        let orders = desk.engine.orders(clock_ms);
        let is_parking = desk.is_parking;
        if let Some((transaction, reads)) = orders.job {
            self.trace(|| format!("desk {run}: {transaction:?} {reads:?}"));
            if let Some(desk) = self.nodes[at].desk.as_mut() {
                desk.job = Some(Job {
                    // What came while the last one was kept is in it.
                    from_ms: if desk.kept_ms == now_ms { desk.ordered_ms } else { now_ms },
                    ordered_ms: now_ms,
                    heard_ms: desk.heard_ms,
                    transaction,
                    reads,
                });
                desk.ordered_ms = now_ms;
            }
            let takes_ms = self.store_ms();
            self.later(at, takes_ms, Act::Kept { run });
        }
        for notice in &orders.notices {
            if run == self.records.run {
                let (court, sight) = self.court(clock_ms);
                court.noticed(sight, notice)?;
            }
        }
        for dispatch in orders.posts.iter().filter(|_| !is_parking) {
            self.post(at, run, dispatch)?;
        }
        Ok(())
    }

    pub(super) fn court(&mut self, desk_ms: u64) -> (&mut Court, Sight<'_>) {
        let Self { now_ms, records, plan, apps, court, .. } = self;
        (court, Sight { now_ms: *now_ms, desk_ms, records, plan, apps })
    }

    /// The fence is asked, then the receiver is called.
    pub(super) fn post(&mut self, at: usize, run: u64, dispatch: &Dispatch) -> Lawful {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let may_send = self.now_ms < self.nodes[at].lease_ms || sabotaged(Sabotage::FencedSends);
        if !may_send {
            return Ok(());
        }
        self.trace(|| format!("desk {run}: {dispatch:?}"));
        let id = &dispatch.endpoint.id;
        // What was removed a moment ago may still be sent.
        let is_there = self.records.disk.endpoints.contains_key(id);
        if is_there {
            let (court, sight) = self.court(clock_ms);
            court.dispatched(sight, run, dispatch)?;
        }
        let Some(receiver) = self.receivers.get(id) else { return Ok(()) };
        let reply = receiver.receive(&dispatch.batch.events, &mut self.chance);
        if reply.is_accepted && is_there {
            let (court, sight) = self.court(clock_ms);
            court.accepted(sight, dispatch);
        }
        let answered = Box::new(Answered {
            endpoint: dispatch.endpoint.id.clone(),
            lane: dispatch.batch.lane,
            batch: dispatch.batch.id,
            at_ms: clock_ms,
            answer: reply.answer,
        });
        if let Some(desk) = self.nodes[at].desk.as_mut() {
            desk.under_way += 1;
        }
        self.later(at, reply.after_ms, Act::Ends { run, answered });
        Ok(())
    }

    /// The desk with a number, if a node has it.
    pub(super) fn desk(&mut self, at: usize, run: u64) -> Option<&mut Desk> {
        self.nodes[at].desk.as_mut().filter(|desk| desk.run == run)
    }

    pub(super) fn ends(&mut self, at: usize, run: u64, answered: Answered) {
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let is_current = run == self.records.run;
        let Some(desk) = self.nodes[at].desk.as_mut().filter(|desk| desk.run == run) else {
            return;
        };
        desk.under_way -= 1;
        if is_current {
            self.court.answered(clock_ms, &answered);
        }
        desk.engine.answered(clock_ms, answered);
    }

    /// The desk asks how the nodes are; what they have said it reads a little later.
    pub(super) fn calls(&mut self, at: usize, run: u64) {
        let (asked_ms, roll) = (self.now_ms, self.records.roll(self.now_ms));
        let after_ms = self.chance.between(0, 10);
        self.later(at, after_ms, Act::Listens { run, asked_ms, roll });
    }

    pub(super) fn listens(
        &mut self,
        at: usize,
        run: u64,
        asked_ms: u64,
        roll: Vec<(NodeId, NodeState)>,
    ) {
        let (now_ms, clock_ms) = (self.now_ms, self.nodes[at].clock(self.now_ms));
        let asked_here_ms = self.nodes[at].clock(asked_ms);
        let answers = self.store_answers(at);
        let next_ms = now_ms + self.chance.between(1, LISTEN_MS);
        let Some(desk) = self.nodes[at].desk.as_mut().filter(|desk| desk.run == run) else {
            return;
        };
        desk.is_listening = false;
        desk.next_listen_ms = next_ms;
        if answers {
            let rows = self.records.feeds(&desk.engine.places(), ROWS);
            if sabotaged(Sabotage::ForgottenWhenRead) {
                self.records.forget(&rows);
            }
            if run == self.records.run {
                self.court.hears(&rows);
            }
            let has_more = rows.len() >= ROWS;
            if !has_more {
                desk.heard_ms = asked_ms;
            }
            let overheard = Overheard { asked_ms: asked_here_ms, roll, has_more, rows };
            desk.engine.hear(clock_ms, overheard);
        }
        // So that time comes to that.
        self.later(at, next_ms - now_ms, Act::Nothing);
    }

    /// The store is done with the job of a desk, or has failed.
    pub(super) fn keeps(&mut self, at: usize, run: u64) -> Lawful {
        let answers = self.store_answers(at);
        let arrives =
            self.nodes[at].reaches_store(self.now_ms) && (answers || self.chance.one_in(2));
        let Some(job) = self.desk(at, run).and_then(|desk| desk.job.take()) else { return Ok(()) };
        let kept = if arrives { self.commit(at, run, &job)? } else { false };
        let clock_ms = self.nodes[at].clock(self.now_ms);
        if kept && answers {
            let read = |(asker, read)| (asker, self.records.disk.read(&read).unwrap());
            let found: Vec<(_, Found)> = job.reads.into_iter().map(read).collect();
            // The store's change of an endpoint comes back like anybody's.
            let steps = &job.transaction.steps;
            if steps.iter().any(|step| matches!(step, Step::Disable { .. })) {
                self.tell_all();
            }
            let now_ms = self.now_ms;
            if let Some(desk) = self.desk(at, run) {
                desk.kept_ms = now_ms;
                desk.engine.kept(clock_ms, found);
            }
            return Ok(());
        }
        if let Some(desk) = self.desk(at, run) {
            desk.job = Some(job);
        }
        let again_ms = self.chance.between(100, 2_000);
        self.later(at, again_ms, Act::Kept { run });
        Ok(())
    }

    /// Keeps a job's transaction if it comes from the desk.
    pub(super) fn commit(&mut self, at: usize, run: u64, job: &Job) -> Lawful<bool> {
        let Some(kept) = self.records.commit(run, &job.transaction)? else { return Ok(false) };
        let ahead_ms = self.nodes[at].ahead_ms;
        if kept.is_new {
            self.court.kept(self.now_ms, &job.transaction, (job.from_ms, job.ordered_ms));
        }
        let mut heard = kept.heard;
        for step in job.transaction.steps.iter().filter(|_| kept.is_new) {
            match step {
                Step::Append(event) => {
                    self.check_unread(event, event.at_ms - ahead_ms, job.heard_ms)?;
                    let (court, sight) = self.court(0);
                    court.announced(sight, job, event)?;
                }
                Step::Heard { node, .. } => {
                    self.heard(*node, &heard.remove(node).unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// Nobody is told to have left who is back, by what lies in a feed and was there at that time. A
    /// desk that has not heard all for long may.
    fn check_unread(&self, event: &Event, told_ms: u64, heard_ms: u64) -> Lawful {
        const LONG_MS: u64 = 25_000;
        let is_leave = matches!(event.kind, Kind::Vacated | Kind::MemberRemoved);
        if !is_leave || self.plan.trouble.overflow || told_ms > heard_ms + LONG_MS {
            return Ok(());
        }
        let thing = (event.app.clone(), event.channel.as_str().to_owned(), event.user.clone());
        let is_here = |node: &&Node| {
            let is_live = self.records.is_live(self.now_ms, node.id);
            is_live && node.wanted.contains(&thing.0) && node.world.here().contains(&thing)
        };
        let mut nodes = self.nodes.iter().filter(is_here);
        let back = nodes.find(|node| self.records.says_here(node.id, told_ms, &thing));
        Law::Grace.holds(back.is_none(), || {
            format!("{:?} has said that it is back: {event:?}", back.map(|node| node.id))
        })
    }

    /// The desk has heard rows of a node for certain.
    pub(super) fn heard(&mut self, id: NodeId, rows: &[Row]) {
        let node = self.nodes.iter().find(|node| node.id == id && node.state != State::Down);
        let mut here = node.map(|node| node.world.here()).unwrap_or_default();
        // Of the others the node says nothing any more.
        here.retain(|(app, ..)| node.is_some_and(|node| node.wanted.contains(app)));
        rows.iter().for_each(|row| self.court.heard(id, row, &here));
    }

    /// Notes how the desk is.
    pub(super) fn look_at_desk(&mut self) -> Lawful {
        let (now_ms, run) = (self.now_ms, self.records.run);
        let node = self.nodes.iter().find(|node| node.desk.as_ref().is_some_and(|d| d.run == run));
        let away_ms = node.map_or(0, |node| node.frozen_ms.max(node.cut_off_ms));
        let is_well = node.is_some_and(|node| {
            let desk = node.desk.as_ref().filter(|desk| !desk.is_parking);
            let ordered_ms = desk.and_then(|desk| desk.job.as_ref()).map(|job| job.ordered_ms);
            desk.is_some()
                && now_ms < node.lease_ms
                && ordered_ms.is_none_or(|ordered_ms| now_ms <= ordered_ms + WELL_MS)
        });
        self.court.troubled(away_ms);
        if !is_well || !self.is_store_well {
            self.court.troubled(now_ms);
        }
        self.court.check(now_ms, &self.records)
    }

    /// The desk lets go of what is old.
    pub(super) fn sweeps(&mut self) {
        let Some(retention) = self.plan.retention else { return };
        let run = self.records.run;
        let Some(at) = self.nodes.iter().position(|node| {
            let is_here = node.desk.as_ref().is_some_and(|desk| desk.run == run);
            is_here && node.is_running(self.now_ms) && node.reaches_store(self.now_ms)
        }) else {
            return;
        };
        let clock_ms = self.nodes[at].clock(self.now_ms);
        let swept = self.records.disk.sweep(&retention, clock_ms).unwrap();
        self.trace(|| format!("{swept:?}"));
        if let Some(desk) = self.desk(at, run) {
            desk.engine.swept(swept);
        }
    }

    /// A desk that sends nothing new ends once nothing is on its way.
    pub(super) fn hands_over(&mut self, at: usize) {
        let Some(desk) = self.nodes[at].desk.as_ref() else { return };
        if desk.job.is_some() || desk.under_way > 0 {
            self.later(at, 50, Act::HandsOver);
            return;
        }
        self.trace(|| format!("node {} hands the desk over", self.nodes[at].id));
        self.nodes[at].desk = None;
        self.records.release(self.nodes[at].id);
    }
}
