//! Two nodes with real threads on one store in memory.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bellwire_hub::app::Settings;
use bellwire_hub::apps::{AppSpec, KeySpec};
use bellwire_hub::conn::ChannelId;
use bellwire_hub::fact::What;

use super::*;
use crate::attempt::Attempt;
use crate::endpoint::Terms;
use crate::event::Event;
use crate::node::NodeState;
use crate::outbox::{
    Announced, FeedRow, Found, Read, Remains, Retention, Step, Swept, Transaction,
};
use crate::post::PosterSettings;
use crate::turn::{Dispatch, Notice};

/// What the store has.
#[derive(Debug, Default)]
struct Records {
    rows: Vec<FeedRow>,
    /// The last row of each feed that is heard.
    heard: Vec<(NodeId, u64)>,
    events: Vec<Arc<Event>>,
    announced: Vec<Announced>,
    attempts: Vec<Arc<Attempt>>,
    run: u64,
    last_transaction: u64,
    is_away: bool,
    /// What was kept was lost: whoever has kept something here finds that out.
    is_older: bool,
}

type Store = Arc<Mutex<Records>>;

struct FeedEnd(Store, NodeId);

fn away() -> OutboxError {
    OutboxError::Failed("it is away".into())
}

impl FeedEnd {
    fn records(&self) -> Result<MutexGuard<'_, Records>, OutboxError> {
        let records = lock(&self.0);
        match *records {
            Records { is_away: true, .. } => Err(away()),
            Records { is_older: true, .. } if self.1 == NodeId::of(2) => {
                Err(OutboxError::Forgotten)
            }
            _ => Ok(records),
        }
    }
}

impl Feed for FeedEnd {
    fn append(&mut self, n: u64, body: &[u8]) -> Result<(), OutboxError> {
        let row = FeedRow { node: self.1, n, body: body.to_vec() };
        self.records()?.rows.push(row);
        Ok(())
    }

    fn desk(&mut self) -> Result<u64, OutboxError> {
        Ok(self.records()?.run)
    }

    fn heard(&mut self) -> Result<u64, OutboxError> {
        let records = self.records()?;
        let heard = records.heard.iter().rfind(|(node, _)| *node == self.1);
        Ok(heard.map_or(0, |(_, n)| *n))
    }
}

/// The end of a desk; the second: its number.
struct OutboxEnd(Store, u64);

impl Outbox for OutboxEnd {
    fn recover(&mut self, announced: &mut dyn FnMut(Announced)) -> Result<Remains, OutboxError> {
        let records = lock(&self.0);
        records.announced.iter().cloned().for_each(announced);
        let last_seq = records.events.last().map_or(0, |event| event.seq);
        let last_transaction = records.last_transaction;
        Ok(Remains { last_transaction, last_seqs: vec![(app(), last_seq)], ..Remains::default() })
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), OutboxError> {
        let mut records = lock(&self.0);
        if records.is_away || records.run != self.1 {
            return Err(away());
        }
        if records.is_older && transaction.number > 1 {
            return Err(OutboxError::Forgotten);
        }
        records.last_transaction = transaction.number;
        for step in &transaction.steps {
            match step {
                Step::Append(event) => {
                    records.events.push(Arc::clone(event));
                    let Event { app, channel, user, seq, .. } = &**event;
                    let (app, channel, user) = (app.clone(), channel.clone(), user.clone());
                    records.announced.push(Announced { app, channel, user, seq: *seq });
                }
                Step::Heard { node, n } => {
                    records.heard.push((*node, *n));
                    records.rows.retain(|row| row.node != *node || row.n > *n);
                }
                Step::Attempt(attempt) => records.attempts.push(Arc::clone(attempt)),
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&mut self, _: &Read) -> Result<Found, OutboxError> {
        Ok(Found::Events(Vec::new()))
    }

    fn sweep(&mut self, _: &Retention, _: u64) -> Result<Swept, OutboxError> {
        Ok(Swept::default())
    }

    fn feeds(&mut self, after: &[(NodeId, u64)], _: u32) -> Result<Vec<FeedRow>, OutboxError> {
        let records = lock(&self.0);
        let is_new = |row: &&FeedRow| !after.iter().any(|(id, n)| *id == row.node && row.n <= *n);
        Ok(records.rows.iter().filter(is_new).cloned().collect())
    }

    fn roll(&mut self) -> Result<Vec<(NodeId, NodeState)>, OutboxError> {
        Ok([1, 2].map(|node| (NodeId::of(node), NodeState::Up)).to_vec())
    }
}

/// Nobody watches.
struct Nobody;

impl Observer for Nobody {
    fn notice(&self, _: &Notice) {}
    fn announced(&self, _: Kind) {}
    fn kept(&self, _: usize, _: Duration) {}
    fn attempted(&self, _: Option<crate::attempt::Failure>, _: u32) {}
    fn posted(&self, _: &Dispatch, _: &crate::attempt::Answer) {}
    fn load(&self, _: &crate::engine::Load) {}
    fn store_failed(&self, _: &str) {}
    fn store_is_well(&self) {}
}

/// A lease that holds or not.
struct Lease(AtomicBool);

impl Fence for Lease {
    fn may_send(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Two nodes and their store.
struct House {
    store: Store,
    nodes: Vec<Service>,
    apps: Arc<Apps>,
    poster: Arc<Poster>,
    url: String,
    /// Whom nodes have let in.
    released: Arc<AtomicUsize>,
    /// The channels on each node.
    here: Vec<Arc<Mutex<BTreeSet<String>>>>,
}

impl House {
    async fn new(url: &str) -> Self {
        let apps = Apps::default();
        let key = KeySpec {
            key: "key".parse().unwrap(),
            secret: "secret".parse().unwrap(),
            active: true,
            created_at_ms: None,
        };
        apps.replace(vec![AppSpec::new(app(), Settings::default(), vec![key])]).unwrap();
        let mut house = Self {
            store: Store::default(),
            nodes: Vec::new(),
            apps: Arc::new(apps),
            poster: Arc::new(Poster::new(PosterSettings::default()).unwrap()),
            url: url.to_owned(),
            released: Arc::default(),
            here: Vec::new(),
        };
        for node in [1, 2] {
            let released = Arc::clone(&house.released);
            let release = move |_: &Held| {
                released.fetch_add(1, Ordering::Relaxed);
            };
            let here = Arc::new(Mutex::new(BTreeSet::<String>::new()));
            let sink = Arc::new(OnceLock::<Sink>::new());
            let (known, retold) = (Arc::clone(&here), Arc::clone(&sink));
            let retell = move |_: &AppId| {
                for channel in &*lock(&known) {
                    retold.get().unwrap().take(fact(channel, What::Occupied));
                }
            };
            let parts = FeedParts {
                feed: Box::new(FeedEnd(Arc::clone(&house.store), NodeId::of(node))),
                written: house.written(),
                ties: Ties { retell: Box::new(retell), release: Box::new(release) },
                apps: Arc::clone(&house.apps),
                observer: Arc::new(Nobody),
            };
            let node = Service::join(parts, Arc::clone(&house.poster)).unwrap();
            let _ = sink.set(node.quiet_sink());
            house.nodes.push(node);
            house.here.push(here);
        }
        house
    }

    fn written(&self) -> ReadWritten {
        let endpoint = Endpoint::of_a_test("ep_1", app(), Terms::new(&self.url));
        Box::new(move || Ok(Written { endpoints: vec![endpoint.clone()], replays: Vec::new() }))
    }

    fn take_desk(&self, node: usize, may_send: bool) {
        let run = {
            let mut records = lock(&self.store);
            records.run += 1;
            records.run
        };
        let parts = DeskParts {
            outbox: Box::new(OutboxEnd(Arc::clone(&self.store), run)),
            written: self.written(),
            apps: Arc::clone(&self.apps),
            poster: Arc::clone(&self.poster),
            runtime: Handle::current(),
            observer: Arc::new(Nobody),
            settle: SettleRules { grace_ms: 50, reconnect_ms: 50 },
            delivery: DeliveryRules::default(),
            retention: Retention { delivered_ms: 1, failed_ms: 1, bytes_max: 1 },
            seed: 7,
        };
        let fence = Arc::new(Lease(AtomicBool::new(may_send)));
        self.nodes[node].take_desk(parts, NodeId::of(node as u64 + 1), fence).unwrap();
    }

    fn happens(&self, node: usize, channel: &str, what: What) {
        let mut here = lock(&self.here[node]);
        if what == What::Occupied {
            here.insert(channel.to_owned());
        } else {
            here.remove(channel);
        }
        self.nodes[node].sink().take(fact(channel, what));
    }

    /// The log, once it is as long as that.
    async fn log(&self, len: usize) -> Vec<String> {
        self.until(|records| records.events.len() >= len).await;
        let name = |event: &Arc<Event>| format!("{} {}", event.kind.name(), event.channel);
        lock(&self.store).events.iter().map(name).collect()
    }

    async fn until(&self, is_so: impl Fn(&Records) -> bool) {
        for _ in 0..2_000 {
            if is_so(&lock(&self.store)) {
                return;
            }
            self.nodes.iter().for_each(Service::hint);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it never was so: {:?}", lock(&self.store));
    }
}

fn fact(channel: &str, what: What) -> Fact {
    Fact { app: app(), channel: channel.parse().unwrap(), at_ms: 0, what }
}

fn app() -> AppId {
    "1".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_on_two_nodes_is_told_once_by_the_one_that_has_the_desk() {
    let house = House::new("http://127.0.0.1:9/").await;
    house.take_desk(0, false);
    house.happens(0, "room", What::Occupied);
    house.happens(1, "room", What::Occupied);
    assert_eq!(house.log(1).await, ["channel_occupied room"]);
    house.until(|records| records.rows.is_empty()).await;
    house.happens(0, "room", What::Vacated);
    house.happens(1, "other", What::Occupied);
    assert_eq!(house.log(2).await, ["channel_occupied room", "channel_occupied other"]);
    house.happens(1, "room", What::Vacated);
    assert_eq!(house.log(3).await[2], "channel_vacated room");
    house.nodes.iter().for_each(Service::stop);
}

// webhooks: P3
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_on_a_node_without_the_desk_is_let_in_when_the_desk_has_kept_it() {
    let house = House::new("http://127.0.0.1:9/").await;
    house.happens(1, "room", What::Occupied);
    let held = Held {
        app: house.apps.by_id("1").unwrap(),
        channel: "room".parse().unwrap(),
        id: ChannelId(1),
    };
    house.nodes[1].sink().hold(held);
    house.until(|records| !records.rows.is_empty()).await;
    assert_eq!(house.released.load(Ordering::Relaxed), 0, "nobody has the desk");
    house.take_desk(0, false);
    house.log(1).await;
    house.until(|_| house.released.load(Ordering::Relaxed) == 1).await;
    house.nodes.iter().for_each(Service::stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_says_while_nobody_has_the_desk_is_heard_by_the_next_one() {
    let house = House::new("http://127.0.0.1:9/").await;
    house.take_desk(0, false);
    house.happens(0, "room", What::Occupied);
    house.log(1).await;
    house.nodes[0].give_up_desk(How::Cut);
    house.happens(1, "other", What::Occupied);
    house.until(|records| !records.rows.is_empty()).await;
    assert_eq!(house.log(1).await.len(), 1, "a desk that was cut keeps nothing");
    house.take_desk(1, false);
    assert_eq!(house.log(2).await[1], "channel_occupied other");
    house.nodes.iter().for_each(Service::stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_says_what_happened_while_the_store_was_away_when_it_is_back() {
    let house = House::new("http://127.0.0.1:9/").await;
    house.take_desk(0, false);
    house.happens(1, "room", What::Occupied);
    house.log(1).await;
    lock(&house.store).is_away = true;
    house.happens(1, "other", What::Occupied);
    tokio::time::sleep(Duration::from_millis(300)).await;
    lock(&house.store).is_away = false;
    assert_eq!(house.log(2).await[1], "channel_occupied other");
    house.nodes.iter().for_each(Service::stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_lease_is_in_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let house = House::new(&format!("http://{}/", listener.local_addr().unwrap())).await;
    house.take_desk(0, false);
    house.happens(1, "room", What::Occupied);
    house.until(|records| !records.attempts.is_empty()).await;
    let detail = lock(&house.store).attempts[0].answer.detail.clone();
    assert!(detail.contains("lease"), "{detail}");
    assert!(listener.accept().is_err(), "somebody was called");
    house.nodes[0].give_up_desk(How::Cut);
    house.take_desk(1, true);
    house.happens(1, "other", What::Occupied);
    for _ in 0..2_000 {
        if listener.accept().is_ok() {
            house.nodes.iter().for_each(Service::stop);
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody was called with a lease that holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_and_a_feed_that_the_store_has_forgotten_end_and_others_go_on_with_what_is_there() {
    let house = House::new("http://127.0.0.1:9/").await;
    house.take_desk(0, false);
    house.happens(0, "room", What::Occupied);
    house.happens(1, "other", What::Occupied);
    house.log(2).await;
    house.until(|records| records.rows.is_empty()).await;
    {
        // As it was before anything was said.
        let mut records = lock(&house.store);
        let (store, run) = (Records { is_older: true, ..Records::default() }, records.run);
        *records = Records { run, ..store };
    }
    assert!(!house.nodes[0].is_desk_forgotten() && !house.nodes[1].is_feed_forgotten());
    house.happens(0, "third", What::Occupied);
    house.until(|_| house.nodes[0].is_desk_forgotten()).await;
    house.until(|_| house.nodes[1].is_feed_forgotten()).await;
    house.nodes[0].give_up_desk(How::Cut);
    assert!(!house.nodes[0].is_desk_forgotten(), "there is none");
    lock(&house.store).is_older = false;
    house.nodes[1].rejoin(Box::new(FeedEnd(Arc::clone(&house.store), NodeId::of(2))));
    assert!(!house.nodes[1].is_feed_forgotten());
    house.take_desk(1, false);
    let mut told = house.log(3).await;
    told.sort();
    let rooms = ["other", "room", "third"];
    assert_eq!(told, rooms.map(|room| format!("channel_occupied {room}")));
    house.nodes.iter().for_each(Service::stop);
}
