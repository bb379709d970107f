//! The bus through a Redis cluster: a line to every master, and who has which slot. What is said on a
//! subject goes to the master of its slot and to nobody else.
//!
//! The cluster client of the library does not tell when a lost master is heard again, so that nobody
//! could be told that a subject is ready: here every master is a server like a lone one.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use bytes::Bytes;
use redis::cmd;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::connection::{Connection, Heard};
use super::place::{At, Place};
use super::slots::{Range, SLOTS, ranges, slot};
use super::words::Words;
use crate::address::Host;
use crate::bus::{Bus, Figures};
use crate::config::BusConfig;
use crate::dial::within;
use crate::keeper::{Standing, keep};
use crate::line::{Ear, Line};
use crate::subject::Subject;

/// The bus.
pub(crate) struct Cluster {
    map: Arc<Map>,
    surveyor: JoinHandle<()>,
}

/// Who has what.
struct Map {
    /// How a master is connected to; where it is differs.
    place: Place,
    seeds: Vec<Host>,
    config: BusConfig,
    ear: Arc<Ear>,
    runtime: Handle,
    masters: RwLock<Masters>,
    /// Somebody saw that the map is wrong.
    is_wrong: Arc<Notify>,
    /// Up and down are told one at a time.
    telling: Mutex<()>,
}

struct Masters {
    /// The first is nobody: it keeps the wishes for slots that no master has.
    all: Vec<Arc<Master>>,
    /// Whose each slot is.
    of: Vec<u16>,
}

struct Master {
    host: Host,
    line: Arc<Line>,
    state: Mutex<State>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Whether a master can be used.
enum State {
    Beginning,
    Up,
    Down(String),
}

impl Cluster {
    /// Begins to look for the masters; any of `seeds` knows them.
    pub(crate) fn start(
        place: Place,
        seeds: Vec<Host>,
        config: &BusConfig,
        ear: Ear,
        runtime: Handle,
    ) -> Self {
        let nobody = Master::at(Host { name: "nobody".into(), port: 0 }, config);
        let masters = Masters { all: vec![Arc::new(nobody)], of: vec![NOBODY; SLOTS.into()] };
        let map = Arc::new(Map {
            place,
            seeds,
            config: config.clone(),
            ear: Arc::new(ear),
            runtime,
            masters: RwLock::new(masters),
            is_wrong: Arc::default(),
            telling: Mutex::default(),
        });
        let surveyor = map.runtime.spawn(survey(Arc::clone(&map)));
        Self { map, surveyor }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.surveyor.abort();
    }
}

impl Bus for Cluster {
    fn publish(&self, subject: &Subject, message: Bytes) -> bool {
        let is_taken = self.map.masters().line(subject).outgoing.push(subject, message);
        self.map.ear.tally.dropped.add(usize::from(!is_taken));
        is_taken
    }

    fn subscribe(&self, subject: &Subject) {
        self.map.masters().line(subject).wishes.want(subject);
    }

    fn unsubscribe(&self, subject: &Subject) {
        self.map.masters().line(subject).wishes.let_go(subject);
    }

    fn is_up(&self) -> bool {
        self.map.ear.is_up()
    }

    fn figures(&self) -> Figures {
        let queued = self.map.masters().all.iter().map(|master| master.line.outgoing.len()).sum();
        self.map.ear.tally.figures(queued)
    }
}

/// Draws the map, and draws it again when it is wrong.
async fn survey(map: Arc<Map>) {
    loop {
        match map.asked().await {
            Ok(ranges) => map.redraw(&ranges),
            Err(why) => map.is_unknown(&why),
        }
        map.tell();
        let period = if map.ear.is_up() { PERIOD } else { SOON };
        let _ = timeout(period, map.is_wrong.notified()).await;
        // Whoever sees one mistake sees many.
        sleep(PAUSE).await;
    }
}

impl Map {
    /// Asks one server after another who has which slot.
    async fn asked(&self) -> Result<Vec<Range>, String> {
        let masters: Vec<_> = self.masters().all[1..].iter().map(|one| one.host.clone()).collect();
        let mut whys = Vec::new();
        for host in masters.iter().chain(&self.seeds) {
            match within(PATIENCE, self.ask(host)).await {
                Ok(ranges) => return Ok(ranges),
                Err(why) => whys.push(format!("{host}: {why}")),
            }
        }
        Err(whys.join("; "))
    }

    async fn ask(&self, host: &Host) -> Result<Vec<Range>, String> {
        let Place { dialler, info, .. } = &self.place;
        let connection = Connection::open(dialler, host, info, Heard::Nothing).await?;
        let answer = connection.ask(cmd("CLUSTER").arg("SLOTS")).await?;
        ranges(answer, host)
    }

    /// Everything that is wanted moves to whom it belongs; masters come and go.
    fn redraw(self: &Arc<Self>, ranges: &[Range]) {
        let mut masters = self.masters.write().unwrap_or_else(PoisonError::into_inner);
        let before = mem::take(&mut masters.all);
        masters.all.push(Arc::clone(&before[0]));
        masters.of.fill(NOBODY);
        for range in ranges {
            let known = masters.all.iter().position(|one| one.host == range.master);
            let index = known.unwrap_or_else(|| {
                let old = before.iter().find(|one| one.host == range.master).map(Arc::clone);
                masters.all.push(old.unwrap_or_else(|| self.begin(range.master.clone())));
                masters.all.len() - 1
            });
            if let Some(slots) = masters.of.get_mut(range.first.into()..=range.last.into()) {
                slots.fill(index as u16);
            }
        }
        for master in &before {
            for subject in master.line.wishes.wanted() {
                let line = masters.line(&subject);
                if !Arc::ptr_eq(line, &master.line) {
                    master.line.wishes.let_go(&subject);
                    line.wishes.want(&subject);
                }
            }
        }
        // Nobody fulfils what is wanted of nobody, and forgets what is not wanted any more.
        before[0].line.wishes.begin_anew();
        for gone in before.iter().filter(|old| masters.all.iter().all(|one| one.host != old.host)) {
            self.ear.tally.dropped.add(gone.line.outgoing.close());
        }
    }

    /// Begins to connect to a master.
    fn begin(self: &Arc<Self>, host: Host) -> Arc<Master> {
        let master = Arc::new(Master::at(host.clone(), &self.config));
        let place = Place {
            dialler: self.place.dialler.clone(),
            info: self.place.info.clone(),
            at: At::Host(host),
            words: Words::Sharded,
            moved: Arc::clone(&self.is_wrong),
        };
        let part = Arc::new(Part { map: Arc::downgrade(self), master: Arc::downgrade(&master) });
        let keep = keep(place, Arc::clone(&master.line), Arc::clone(&self.ear), part);
        *locked(&master.task) = Some(self.runtime.spawn(keep));
        master
    }

    /// As long as no master is known, nobody else can say what is wrong.
    fn is_unknown(&self, why: &str) {
        if self.masters().all.len() == 1 {
            self.ear.down(why);
        }
    }

    /// Tells whether the whole cluster can be used.
    fn tell(&self) {
        let _one_at_a_time = locked(&self.telling);
        match self.masters().state() {
            State::Down(why) => self.ear.down(&why),
            State::Up if !self.ear.is_up() => self.ear.up(),
            State::Up | State::Beginning => {}
        }
    }

    fn masters(&self) -> RwLockReadGuard<'_, Masters> {
        self.masters.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Masters {
    /// Where what is said on a subject goes.
    fn line(&self, subject: &Subject) -> &Arc<Line> {
        let index = self.of[usize::from(slot(subject))];
        &self.all[usize::from(index)].line
    }

    /// How the whole is: as the worst of its parts.
    fn state(&self) -> State {
        let mut whole = if self.of.contains(&NOBODY) { State::Beginning } else { State::Up };
        for master in &self.all[1..] {
            match &*locked(&master.state) {
                State::Up => {}
                State::Beginning => whole = State::Beginning,
                State::Down(why) => return State::Down(why.clone()),
            }
        }
        if self.all.len() > 1 && self.of.contains(&NOBODY) {
            return State::Down("slots have no master".into());
        }
        whole
    }
}

impl Master {
    fn at(host: Host, config: &BusConfig) -> Self {
        let state = Mutex::new(State::Beginning);
        Self { host, line: Arc::new(Line::new(config)), state, task: Mutex::default() }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if let Some(task) = locked(&self.task).take() {
            task.abort();
        }
    }
}

/// What one master means for the whole.
struct Part {
    map: Weak<Map>,
    master: Weak<Master>,
}

impl Part {
    fn is(&self, state: State) {
        let (Some(map), Some(master)) = (self.map.upgrade(), self.master.upgrade()) else { return };
        *locked(&master.state) = state;
        map.tell();
    }
}

impl Standing for Part {
    fn up(&self) {
        self.is(State::Up);
    }

    fn down(&self, why: &str) {
        self.is(State::Down(why.into()));
        // Another one may have become the master.
        if let Some(map) = self.map.upgrade() {
            map.is_wrong.notify_one();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whose a slot is that no master has.
const NOBODY: u16 = 0;

/// How long one server is asked for the map.
const PATIENCE: Duration = Duration::from_secs(2);

/// The map is looked at now and then, even if nobody complains.
const PERIOD: Duration = Duration::from_secs(30);

/// While something is wrong, it is looked at more often.
const SOON: Duration = Duration::from_secs(1);

/// The least time between two looks.
const PAUSE: Duration = Duration::from_millis(200);
