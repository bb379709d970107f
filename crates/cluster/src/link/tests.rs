//! Links of several nodes with a wire between them that can lose what it carries.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU32;
use std::thread::JoinHandle;

use bellwire_hub::fact::{FactSink, Held};
use bellwire_hub::peers::Peers;
use bellwire_hub::{App, AppSpec, ChannelId, Conn, Fact, KeySpec, Message, Outlet, Settings};
use bellwire_protocol::presence::Member;
use bellwire_protocol::{ChannelName, Frame, UserId};

use super::*;
use crate::bus::Hearer;

/// A bus in memory, for all nodes.
#[derive(Default)]
pub(super) struct Wire {
    ends: Mutex<Vec<End>>,
    /// Of so many messages one is lost; 0: none.
    loses: AtomicU32,
    sent: AtomicU32,
    /// What somebody has said who is cut off.
    in_vain: AtomicU32,
}

struct End {
    hearer: Arc<Link>,
    wants: BTreeSet<String>,
    is_cut: bool,
}

struct Plug {
    wire: Arc<Wire>,
    number: usize,
}

impl Bus for Plug {
    fn publish(&self, subject: &Subject, message: Bytes) -> bool {
        let sent = self.wire.sent.fetch_add(1, Ordering::Relaxed);
        let loses = self.wire.loses.load(Ordering::Relaxed);
        let ends = lock(&self.wire.ends);
        if ends[self.number].is_cut {
            self.wire.in_vain.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        if loses > 0 && sent.is_multiple_of(loses) {
            return false;
        }
        let wants = |end: &&End| !end.is_cut && end.wants.contains(subject.as_str());
        let hearers: Vec<Arc<Link>> =
            ends.iter().filter(wants).map(|end| Arc::clone(&end.hearer)).collect();
        drop(ends);
        hearers.iter().for_each(|hearer| hearer.heard(subject.as_str(), message.clone()));
        true
    }

    fn subscribe(&self, subject: &Subject) {
        lock(&self.wire.ends)[self.number].wants.insert(subject.as_str().into());
        let (hearer, subject) = (self.wire.hearer(self.number), subject.clone());
        // Not on the thread that asks: it may hold a lock of the hub.
        std::thread::spawn(move || hearer.ready(subject.as_str()));
    }

    fn unsubscribe(&self, subject: &Subject) {
        lock(&self.wire.ends)[self.number].wants.remove(subject.as_str());
    }

    fn is_up(&self) -> bool {
        !lock(&self.wire.ends)[self.number].is_cut
    }

    fn figures(&self) -> Figures {
        Figures::default()
    }
}

impl Wire {
    pub(super) fn cut(&self, number: usize, is_cut: bool) {
        lock(&self.ends)[number].is_cut = is_cut;
    }

    fn hearer(&self, number: usize) -> Arc<Link> {
        Arc::clone(&lock(&self.ends)[number].hearer)
    }
}

/// What the hub says to workers: who was admitted, and what was delivered.
#[derive(Default)]
struct Ears {
    admitted: Mutex<Vec<(Conn, ChannelId)>>,
    heard: Mutex<Vec<String>>,
}

impl Outlet for Ears {
    fn workers(&self) -> u8 {
        1
    }

    fn push(&self, _: u8, message: Message) {
        let text = |frame: &Frame| String::from_utf8(frame.payload().to_vec()).unwrap();
        match message {
            Message::Admit { conn, channel, frames, .. } => {
                lock(&self.admitted).push((conn, channel));
                lock(&self.heard).extend(frames.iter().map(text));
            }
            Message::Deliver { frame, .. } => lock(&self.heard).push(text(&frame)),
            _ => {}
        }
    }
}

impl FactSink for Ears {
    fn take(&self, _: Fact) {}
    fn hold(&self, _: Held) {}
}

pub(super) struct Node {
    pub(super) link: Arc<Link>,
    hub: Arc<Hub>,
    app: Arc<App>,
    ears: Arc<Ears>,
    thread: JoinHandle<()>,
}

fn apps() -> Arc<Apps> {
    let key = KeySpec {
        key: "key".parse().unwrap(),
        secret: "secret".parse().unwrap(),
        active: true,
        created_at_ms: None,
    };
    let apps = Apps::default();
    apps.replace(vec![AppSpec::new("1".parse().unwrap(), Settings::default(), vec![key])]).unwrap();
    Arc::new(apps)
}

pub(super) fn held(channel: &str) -> Held {
    let app = apps().by_id("1").unwrap();
    Held { app, channel: channel.parse().unwrap(), id: ChannelId(1) }
}

/// Nodes that know of each other.
pub(super) fn town(count: u64) -> (Arc<Wire>, Vec<Node>) {
    let wire = Arc::new(Wire::default());
    let mut nodes = Vec::new();
    for number in 0..count {
        let (apps, ears) = (apps(), Arc::new(Ears::default()));
        let link = Link::new(number + 1, Subjects::of("test").unwrap(), Arc::clone(&apps));
        let hub = Hub::new(number + 1, 1 << 20, Arc::clone(&ears) as _, Arc::clone(&ears) as _);
        let hub = Arc::new(hub.with_peers(Arc::clone(&link) as Arc<dyn Peers>));
        let hearer = Arc::clone(&link);
        lock(&wire.ends).push(End { hearer, wants: BTreeSet::new(), is_cut: false });
        let plug = Arc::new(Plug { wire: Arc::clone(&wire), number: number as usize });
        let thread = link.start(Arc::clone(&hub), plug).unwrap();
        link.set_neighbours((1..=count).collect());
        let app = apps.by_id("1").unwrap();
        nodes.push(Node { link, hub, app, ears, thread });
    }
    (wire, nodes)
}

impl Node {
    pub(super) fn join(&self, slot: u32, channel: &str, user: Option<&str>) {
        let conn = Conn::new(0, slot, 0);
        let member = user.map(|id| Member { id: id.parse().unwrap(), info: None });
        let name: ChannelName = channel.parse().unwrap();
        self.hub.subscribe(now_ms(), &self.app, &name, conn, member.as_ref()).unwrap();
    }

    fn leave(&self, slot: u32, channel: &str, user: Option<&str>) {
        let conn = Conn::new(0, slot, 0);
        let user: Option<UserId> = user.map(|id| id.parse().unwrap());
        let name: ChannelName = channel.parse().unwrap();
        self.hub.unsubscribe(now_ms(), &self.app, &name, conn, user.as_ref(), true);
    }

    fn publish(&self, channel: &str, text: &str) {
        let name: ChannelName = channel.parse().unwrap();
        self.hub.publish(now_ms(), &self.app, &name, Frame::text(text), None);
    }

    fn users(&self, channel: &str) -> Vec<String> {
        let users = self.hub.users(&self.app, &channel.parse().unwrap());
        let mut users: Vec<String> = users.iter().map(ToString::to_string).collect();
        users.sort();
        users
    }

    pub(super) fn listeners(&self, channel: &str) -> usize {
        self.hub.info(&self.app, &channel.parse().unwrap()).subscriptions
    }

    fn has_heard(&self, text: &str) -> bool {
        lock(&self.ears.heard).iter().any(|heard| heard == text)
    }
}

pub(super) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(super) fn end(nodes: Vec<Node>) {
    for node in nodes {
        node.link.stop();
        node.thread.join().unwrap();
    }
}

#[test]
fn what_is_said_on_one_node_is_heard_on_another() {
    let (_, nodes) = town(2);
    nodes[1].join(1, "room", None);
    eventually("it is admitted", || !lock(&nodes[1].ears.admitted).is_empty());
    nodes[0].publish("room", "hello");
    eventually("it is heard", || nodes[1].has_heard("hello"));
    assert!(!nodes[0].has_heard("hello"), "nobody listens there");
    eventually("both know", || nodes[0].listeners("room") == 1);
    assert_eq!(nodes[1].link.figures().lost, 0);
    end(nodes);
}

#[test]
fn what_the_wire_loses_is_told_again_and_counted() {
    let (wire, nodes) = town(3);
    wire.loses.store(3, Ordering::Relaxed);
    for round in 0..60_u32 {
        let node = &nodes[round as usize % 3];
        node.join(round, "presence-x", Some(&format!("u{}", round % 7)));
        if round % 2 == 0 {
            node.leave(round, "presence-x", Some(&format!("u{}", round % 7)));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    wire.loses.store(0, Ordering::Relaxed);
    let wanted: Vec<String> = (0..7).map(|n| format!("u{n}")).collect();
    for node in &nodes {
        eventually("all are known", || node.users("presence-x") == wanted);
        eventually("all are counted", || node.listeners("presence-x") == 30);
        eventually("nothing is missing", || node.link.figures().is_whole);
    }
    assert!(nodes.iter().any(|node| node.link.figures().lost > 0));
    end(nodes);
}

#[test]
fn a_node_that_is_gone_takes_all_it_said_with_it() {
    let (_, nodes) = town(3);
    nodes[0].join(1, "presence-x", Some("alice"));
    nodes[1].join(1, "presence-x", Some("alice"));
    nodes[1].join(2, "presence-x", Some("bob"));
    eventually("both are known", || nodes[2].users("presence-x") == ["alice", "bob"]);
    nodes[2].link.set_neighbours(vec![1, 3]);
    eventually("bob went with his node", || nodes[2].users("presence-x") == ["alice"]);
    assert_eq!(nodes[2].listeners("presence-x"), 1);
    end(nodes);
}

#[test]
fn who_comes_late_is_told_everything() {
    let (_, nodes) = town(2);
    nodes[1].link.set_neighbours(Vec::new());
    nodes[0].join(1, "presence-x", Some("alice"));
    nodes[0].publish("cache-x", "last");
    eventually("alice is admitted", || !lock(&nodes[0].ears.admitted).is_empty());
    nodes[1].link.set_neighbours(vec![1, 2]);
    eventually("alice is known", || nodes[1].users("presence-x") == ["alice"]);
    nodes[1].join(1, "cache-x", None);
    eventually("the cached event is there", || nodes[1].has_heard("last"));
    end(nodes);
}

#[test]
fn without_the_bus_each_node_serves_its_own() {
    let (wire, nodes) = town(2);
    lock(&wire.ends)[0].is_cut = true;
    nodes[0].link.down("cut");
    nodes[0].join(1, "presence-x", Some("alice"));
    eventually("alice is admitted", || !lock(&nodes[0].ears.admitted).is_empty());
    nodes[0].publish("presence-x", "hello");
    assert!(nodes[0].has_heard("hello"));
    assert!(!nodes[0].link.figures().is_up);
    lock(&wire.ends)[0].is_cut = false;
    nodes[0].link.up();
    eventually("the others know", || nodes[1].users("presence-x") == ["alice"]);
    end(nodes);
}

#[test]
fn without_the_bus_nothing_is_told_that_nobody_would_miss() {
    let (wire, nodes) = town(2);
    wire.cut(0, true);
    let live = |pulses| {
        let sent = || wire.sent.load(Ordering::Relaxed);
        let until = sent() + pulses;
        eventually("the other node lives", || sent() >= until);
        wire.in_vain.load(Ordering::Relaxed)
    };
    // What was on its way.
    let before = live(3);
    assert_eq!(live(5), before);
    end(nodes);
}

#[test]
fn connections_elsewhere_count_toward_the_quota() {
    let (_, nodes) = town(2);
    assert!(nodes[0].app.take_connection());
    eventually("they are counted", || nodes[1].app.usage.all_connections() == 1);
    nodes[0].app.release_connection();
    eventually("they are counted", || nodes[1].app.usage.all_connections() == 0);
    end(nodes);
}
