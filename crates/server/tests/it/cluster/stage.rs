//! What the tests of a cluster share: nodes with a receiver of webhooks, what is so on all of them
//! together, and ways to wait until everybody agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use bellwire_testkit::{
    App, Client, Cluster, Config, Connection, Hook, LEASE, PATIENCE, Receiver, Request, Server,
    Via, View, Webhook,
};
use serde_json::Value;

use crate::support::binary;
use crate::webhooks::stage::{HOOK, join};

/// A cluster whose first app has an endpoint, and the receiver behind it.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    pub(super) receiver: Receiver,
    pub(super) hook: Hook,
    view: View,
}

/// Channels and their members; none on channels without presence.
pub(super) type Truth = BTreeMap<String, Vec<String>>;

impl Stage {
    /// So many nodes, and a short grace.
    #[track_caller]
    pub(super) fn start(via: Via, nodes: usize) -> Self {
        Self::with(app(), &[SHORT_GRACE], via, nodes)
    }

    /// Nodes with this app and these settings of `[webhooks]`.
    #[track_caller]
    pub(super) fn with(app: App, settings: &[&str], via: Via, nodes: usize) -> Self {
        let (receiver, config) = prepare(app, settings);
        let cluster = Cluster::start(&binary(), config, via, nodes);
        Self::over(cluster, receiver)
    }

    /// Nodes with engines of their own, and a network between that can be cut.
    #[track_caller]
    pub(super) fn apart(via: Via, nodes: usize) -> Self {
        Self::apart_with_lease(&[SHORT_GRACE], via, nodes, LEASE)
    }

    /// The same with these settings of `[webhooks]`, and another lease.
    #[track_caller]
    pub(super) fn apart_with_lease(
        settings: &[&str],
        via: Via,
        nodes: usize,
        lease: Duration,
    ) -> Self {
        let (receiver, config) = prepare(app(), settings);
        let cluster = Cluster::start_apart(&binary(), config, via, nodes, lease);
        Self::over(cluster, receiver)
    }

    fn over(cluster: Cluster, receiver: Receiver) -> Self {
        let hook = receiver.hook(HOOK);
        Self { cluster, receiver, hook, view: View::new() }
    }

    /// A connected client of a node that has joined these channels; on presence channels as `user`.
    #[track_caller]
    pub(super) fn member<T: AsRef<str>>(&self, node: usize, user: &str, channels: &[T]) -> Client {
        member(&self.cluster[node], user, channels)
    }

    /// The number of a node that has the desk of webhooks, or not.
    #[track_caller]
    pub(super) fn node_with_desk(&self, has_desk: bool) -> usize {
        let mut nodes = self.cluster.nodes().iter();
        nodes.position(|node| node.has_desk() == has_desk).expect("no such node")
    }

    /// A node has been killed: what it had sent is folded, and may come once more.
    #[track_caller]
    pub(super) fn has_crashed(&mut self) {
        self.receiver.expect_nobody();
        self.may_come_again();
    }

    /// From here on, what is under way may come once more.
    pub(super) fn may_come_again(&mut self) {
        self.view.catch_up(&self.hook);
        self.view.crashed();
    }

    /// Waits until the receiver and all of these nodes know that this is so.
    #[track_caller]
    pub(super) fn converges(&mut self, nodes: &[usize], truth: &Truth) {
        let deadline = Instant::now() + PATIENCE * 2;
        loop {
            self.view.catch_up(&self.hook);
            self.view.assert_sound();
            let of_node = |node: &usize| {
                let wrong = wrongly_known(&self.cluster[*node], truth)?;
                Some(format!("node {node}: {wrong}"))
            };
            let wrong = match difference(&self.seen(), truth) {
                Some(wrong) => format!("the receiver: {wrong}"),
                None => match nodes.iter().find_map(of_node) {
                    Some(wrong) => wrong,
                    None => return,
                },
            };
            assert!(Instant::now() < deadline, "{wrong}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the receiver knows.
    fn seen(&self) -> Truth {
        let channels = self.view.occupied().into_iter();
        channels.map(|channel| (channel.clone(), self.view.members(&channel))).collect()
    }

    /// How many requests came again with the same id.
    pub(super) fn duplicates(&self) -> usize {
        self.view.duplicates()
    }

    /// Waits until each of these channels has had exactly these events.
    #[track_caller]
    pub(super) fn expect_names<T: AsRef<str>>(&self, channels: &[T], names: &[&str]) {
        let deadline = Instant::now() + PATIENCE * 2;
        loop {
            let told = self.names();
            let of = |channel: &T| told.get(channel.as_ref()).map_or(&[][..], Vec::as_slice);
            let is_open = channels.iter().any(|channel| of(channel).len() < names.len());
            if is_open && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(50));
                continue;
            }
            for channel in channels {
                assert_eq!(of(channel), names, "{}", channel.as_ref());
            }
            return;
        }
    }

    /// The names of the events of each channel.
    fn names(&self) -> BTreeMap<String, Vec<String>> {
        let mut names = BTreeMap::<String, Vec<String>>::new();
        for event in self.hook.events() {
            names.entry(text(&event["channel"])).or_default().push(text(&event["name"]));
        }
        names
    }

    /// What `bellwire webhooks verify` finds is nothing, the snapshot is this, and every request was
    /// within the rules of the wire.
    #[track_caller]
    pub(super) fn is_verified(&self, node: usize, truth: &Truth) {
        let found = self.command(node, &["webhooks", "verify"]);
        assert_eq!(found["ok"], true, "{found}");
        assert_eq!(self.announced(node), *truth);
        self.receiver.assert_wire_rules();
    }

    /// A token of the management API, which every node takes.
    #[track_caller]
    pub(super) fn token(&self, node: usize) -> String {
        text(&self.command(node, &["tokens", "create"])["token"])
    }

    /// What the snapshot says.
    #[track_caller]
    pub(super) fn announced(&self, node: usize) -> Truth {
        announced(&self.command(node, &["webhooks", "snapshot", "1001"]))
    }

    /// What a command of the command line prints, with the place of a node.
    #[track_caller]
    pub(super) fn command(&self, node: usize, arguments: &[&str]) -> Value {
        let node = &self.cluster[node];
        let environment = node.environment().iter().map(|(name, value)| (name, value));
        let mut command = Command::new(binary());
        command.args(arguments).arg("--json").arg("--config").arg(node.config_file());
        let output = command.envs(environment).output().unwrap();
        let json = serde_json::from_slice(&output.stdout);
        json.unwrap_or_else(|_| panic!("{arguments:?}: {output:?}"))
    }
}

/// For tests that wait for a grace to pass.
pub(super) const SHORT_GRACE: &str = "grace_ms = 500";

/// An app whose webhooks come in batches, with every feature.
pub(super) fn app() -> App {
    App::new(1)
        .with("client_events = true")
        .with("max_client_events_per_s = 0")
        .with("batch_webhooks = true")
        .with("max_presence_members = 0")
        .with("watchlist = true")
}

fn prepare(app: App, settings: &[&str]) -> (Receiver, Config) {
    let receiver = Receiver::start();
    let config = Config::with(app.webhook(Webhook::to(&receiver.url(HOOK))));
    let config = config.setting("drain_window_s = 2").setting("admin_listen = \"{admin}\"");
    (receiver, settings.iter().fold(config, |config, line| config.webhooks(line)))
}

/// A connected client that has joined these channels; on presence channels as `user`.
#[track_caller]
pub(super) fn member<T: AsRef<str>>(server: &Server, user: &str, channels: &[T]) -> Client {
    let mut client = server.connect();
    channels.iter().for_each(|channel| join(&mut client, user, channel.as_ref()));
    client
}

/// Names that begin so.
pub(super) fn channels(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

/// Does something with everything, on a thread each, all at the same moment.
pub(super) fn at_once<T: Send, R: Send>(
    things: impl IntoIterator<Item = T>,
    act: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let things: Vec<T> = things.into_iter().collect();
    let (start, act) = (&Barrier::new(things.len()), &act);
    thread::scope(|scope| {
        let begin = |thing| {
            scope.spawn(move || {
                start.wait();
                act(thing)
            })
        };
        let threads: Vec<_> = things.into_iter().map(begin).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// What a node knows, as its API tells it.
#[track_caller]
pub(super) fn known(server: &Server) -> Truth {
    let mut channels = counted(server);
    let present: Vec<String> =
        channels.iter().filter(|(_, users)| **users > 0).map(|(name, _)| name.clone()).collect();
    let mut members = members(server, &present);
    let of = |name: String| (name.clone(), members.remove(&name).unwrap_or_default());
    std::mem::take(&mut channels).into_keys().map(of).collect()
}

/// Channels, and how many users are on those with presence.
#[track_caller]
fn counted(server: &Server) -> BTreeMap<String, u64> {
    let api = server.api();
    let all = api.get("/channels").send().ok();
    let present = api.get("/channels").query("filter_by_prefix", "presence-");
    let present = present.query("info", "user_count").send().ok();
    let count = |name: &String| present["channels"][name]["user_count"].as_u64().unwrap_or(0);
    let names = all["channels"].as_object().unwrap().keys();
    names.map(|name| (name.clone(), count(name))).collect()
}

/// The users of these channels, asked on one connection.
#[track_caller]
fn members(server: &Server, channels: &[String]) -> Truth {
    let (api, mut connection) = (server.api(), Connection::open(server.target()));
    let mut ask = |name: &String| {
        let request = api.get(&format!("/channels/{name}/users")).to_request();
        let told = connection.exchange(&request).ok();
        let users = told["users"].as_array().unwrap().iter();
        let mut users: Vec<String> = users.map(|user| text(&user["id"])).collect();
        users.sort();
        (name.clone(), users)
    };
    channels.iter().map(&mut ask).collect()
}

/// In what a node's knowledge differs from what is so; of many channels the members of some are
/// looked at, and of all how many they are.
#[track_caller]
fn wrongly_known(server: &Server, truth: &Truth) -> Option<String> {
    let counts = truth.iter().map(|(name, users)| (name.clone(), users.len() as u64)).collect();
    if let Some(wrong) = difference(&counted(server), &counts) {
        return Some(wrong);
    }
    let present = truth.iter().filter(|(_, users)| !users.is_empty());
    let some = present.step_by(1 + truth.len() / 100);
    let some: Truth = some.map(|(name, users)| (name.clone(), users.clone())).collect();
    difference(&members(server, &some.keys().cloned().collect::<Vec<_>>()), &some)
}

/// What a metric of a node says.
#[track_caller]
pub(super) fn metric(server: &Server, name: &str) -> u64 {
    let told = Connection::open(server.admin()).exchange(&Request::get("/metrics"));
    let line = told.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = line.unwrap_or_else(|| panic!("no metric {name}: {}", told.text()));
    value.trim().parse().unwrap_or_else(|_| panic!("{name} is {value}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Adds that these users are on these channels.
pub(super) fn are_on<T: AsRef<str>>(truth: &mut Truth, user: &str, channels: &[T]) {
    for channel in channels.iter().map(AsRef::as_ref) {
        let members = truth.entry(channel.to_owned()).or_default();
        if channel.starts_with("presence-") && !members.iter().any(|member| member == user) {
            members.push(user.to_owned());
            members.sort();
        }
    }
}

/// What a snapshot says.
fn announced(snapshot: &Value) -> Truth {
    let members = |channel: &Value| {
        let members = channel["members"].as_array().into_iter().flatten();
        let mut members: Vec<String> = members.map(|member| text(&member["user_id"])).collect();
        members.sort();
        members
    };
    let channels = snapshot["channels"].as_array().unwrap().iter();
    channels.map(|channel| (text(&channel["name"]), members(channel))).collect()
}

/// The first things in which two pictures differ.
fn difference<T: PartialEq + std::fmt::Debug>(
    seen: &BTreeMap<String, T>,
    truth: &BTreeMap<String, T>,
) -> Option<String> {
    let names: BTreeSet<&String> = seen.keys().chain(truth.keys()).collect();
    let differing = names.into_iter().filter(|name| seen.get(*name) != truth.get(*name));
    let lines: Vec<String> = differing
        .take(5)
        .map(|name| format!("{name}: known {:?}, is {:?}", seen.get(name), truth.get(name)))
        .collect();
    Some(lines.join("\n")).filter(|_| !lines.is_empty())
}
