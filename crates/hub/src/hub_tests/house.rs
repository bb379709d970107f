//! A hub with all around it that a test looks at: workers whose tables are driven by what they are
//! told and by nothing else, what their clients hear, and what is said to have happened.

use std::collections::HashMap;
use std::sync::Mutex;

use bellwire_protocol::JsonStr;

use super::super::*;
use crate::apps::{AppSpec, Apps, KeySpec};
use crate::peers::News;
use crate::{Fact, Settings};

/// Everything the hub said, in its order.
#[derive(Default)]
pub(super) struct Log {
    messages: Mutex<Vec<(u8, Message)>>,
    facts: Mutex<Vec<Fact>>,
    held: Mutex<Vec<Held>>,
    news: Mutex<Vec<News>>,
}

impl Log {
    pub(super) fn take_news(&self) -> Vec<News> {
        std::mem::take(&mut lock(&self.news))
    }

    pub(super) fn take_messages(&self) -> Vec<(u8, Message)> {
        std::mem::take(&mut lock(&self.messages))
    }

    pub(super) fn take_held(&self) -> Vec<Held> {
        std::mem::take(&mut lock(&self.held))
    }

    pub(super) fn take_facts(&self) -> Vec<Fact> {
        std::mem::take(&mut lock(&self.facts))
    }
}

impl Outlet for Log {
    fn workers(&self) -> u8 {
        2
    }

    fn push(&self, worker: u8, message: Message) {
        lock(&self.messages).push((worker, message));
    }
}

impl FactSink for Log {
    fn take(&self, fact: Fact) {
        lock(&self.facts).push(fact);
    }

    fn hold(&self, held: Held) {
        lock(&self.held).push(held);
    }
}

impl Peers for Log {
    fn tell(&self, news: News) {
        lock(&self.news).push(news);
    }
}

/// The workers of a node, without sockets.
#[derive(Default)]
pub(super) struct Workers {
    /// Who is in which channel; changed only by what the hub says and by the end of a connection.
    rooms: HashMap<ChannelId, Vec<Conn>>,
    /// What each connection heard and nobody looked at yet.
    heard: HashMap<Conn, Vec<Frame>>,
    /// Which connections were told to end, and with which code.
    closed: Vec<(Conn, u16)>,
    /// Deliveries that the message quota counts.
    counted: usize,
}

impl Workers {
    pub(super) fn take(&mut self, worker: u8, message: Message) {
        match message {
            Message::Deliver { channel, frame, except, traffic, .. } => {
                let room = self.rooms.get(&channel).map_or(&[][..], Vec::as_slice);
                let here = room.iter().filter(|conn| conn.worker() == worker);
                assert!(here.clone().count() > 0, "woken in vain: {frame:?}");
                for conn in here.filter(|conn| Some(**conn) != except) {
                    self.heard.entry(*conn).or_default().push(frame.clone());
                    self.counted += usize::from(traffic != Traffic::Internal);
                }
            }
            Message::Admit { conn, channel, frames, .. } => {
                assert_eq!(conn.worker(), worker);
                let room = self.rooms.entry(channel).or_default();
                assert!(!room.contains(&conn), "admitted twice");
                room.push(conn);
                self.heard.entry(conn).or_default().extend(frames);
            }
            Message::Dismiss { conn, channel } => {
                let room = self.rooms.get_mut(&channel).unwrap();
                let at = room.iter().position(|other| *other == conn);
                room.remove(at.expect("only members are dismissed"));
            }
            Message::Say { conn, frame } => self.heard.entry(conn).or_default().push(frame),
            Message::Close { conn, close } => self.closed.push((conn, close.code)),
            Message::CloseApp { close, .. } => {
                self.closed.push((Conn::new(worker, 0, 0), close.code));
            }
        }
    }

    /// A socket is gone: its worker forgets it at once.
    pub(super) fn forget(&mut self, conn: Conn) {
        self.heard.remove(&conn);
        for room in self.rooms.values_mut() {
            room.retain(|other| *other != conn);
        }
    }

    pub(super) fn heard(&mut self, conn: Conn) -> Vec<Frame> {
        self.heard.remove(&conn).unwrap_or_default()
    }
}

/// The hub, its node, and one app.
pub(super) struct House {
    pub(super) hub: Hub,
    pub(super) app: Arc<App>,
    pub(super) now_ms: u64,
    pub(super) log: Arc<Log>,
    workers: Workers,
    /// Who each connection is on each channel.
    seats: HashMap<(Conn, String), Option<UserId>>,
    apps: Apps,
    spec: AppSpec,
}

impl House {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With settings changed from the defaults.
    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(NODE, change, |hub, _| hub)
    }

    /// A node of a cluster.
    pub(super) fn neighbour(node: u64, change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(node, change, |hub, log| hub.with_peers(Arc::clone(log) as _))
    }

    fn build(
        node: u64,
        change: impl FnOnce(&mut Settings),
        finish: impl FnOnce(Hub, &Arc<Log>) -> Hub,
    ) -> Self {
        let (log, apps) = (Arc::new(Log::default()), Apps::default());
        let mut settings = Settings::default();
        change(&mut settings);
        let key = KeySpec {
            key: "key".parse().unwrap(),
            secret: "secret".parse().unwrap(),
            active: true,
            created_at_ms: None,
        };
        let spec = AppSpec::new("1".parse().unwrap(), settings, vec![key]);
        apps.replace(vec![spec.clone()]).unwrap();
        Self {
            hub: finish(
                Hub::new(node, 1 << 20, Arc::clone(&log) as _, Arc::clone(&log) as _),
                &log,
            ),
            app: apps.by_id("1").unwrap(),
            now_ms: 1_000_000,
            log,
            workers: Workers::default(),
            seats: HashMap::new(),
            apps,
            spec,
        }
    }

    /// Changes the settings of the app while it runs.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.spec.settings);
        self.apps.replace(vec![self.spec.clone()]).unwrap();
    }

    pub(super) fn join(&mut self, conn: Conn, name: &str) -> ChannelId {
        self.subscribe(conn, name, None).unwrap()
    }

    pub(super) fn join_as(&mut self, conn: Conn, name: &str, user: &str) -> ChannelId {
        self.try_join_as(conn, name, user).unwrap()
    }

    pub(super) fn try_join_as(
        &mut self,
        conn: Conn,
        name: &str,
        user: &str,
    ) -> Result<ChannelId, Refusal> {
        self.subscribe(conn, name, Some(Member { id: user.parse().unwrap(), info: None }))
    }

    pub(super) fn subscribe(
        &mut self,
        conn: Conn,
        name: &str,
        member: Option<Member>,
    ) -> Result<ChannelId, Refusal> {
        let channel = channel(name);
        let id = self.hub.subscribe(self.now_ms, &self.app, &channel, conn, member.as_ref())?;
        self.seats.insert((conn, name.into()), member.map(|member| member.id));
        Ok(id)
    }

    pub(super) fn leave(&mut self, conn: Conn, name: &str) {
        self.unsubscribe(conn, name, false);
    }

    /// The socket is gone: the worker forgets it and ends what it had.
    pub(super) fn end(&mut self, conn: Conn) {
        self.settle();
        self.workers.forget(conn);
        let seats = self.seats.keys().filter(|(other, _)| *other == conn);
        let mut names: Vec<String> = seats.map(|(_, name)| name.clone()).collect();
        names.sort();
        for name in names {
            self.unsubscribe(conn, &name, true);
        }
    }

    fn unsubscribe(&mut self, conn: Conn, name: &str, closed: bool) {
        let user = self.seats.remove(&(conn, name.into())).expect("subscribed");
        let channel = channel(name);
        self.hub.unsubscribe(self.now_ms, &self.app, &channel, conn, user.as_ref(), closed);
    }

    pub(super) fn publish(&mut self, name: &str, data: &str) -> ChannelInfo {
        self.publish_except(name, data, None)
    }

    pub(super) fn publish_except(
        &mut self,
        name: &str,
        data: &str,
        except: Option<SocketId>,
    ) -> ChannelInfo {
        let channel = channel(name);
        let frame =
            server::event(&JsonStr::encode("event"), &channel, &JsonStr::encode(data), None);
        self.hub.publish(self.now_ms, &self.app, &channel, frame, except)
    }

    /// A client event, as the session lets it through.
    pub(super) fn say(&mut self, conn: Conn, name: &str, data: &str) {
        let channel = channel(name);
        let user = self.seats[&(conn, name.into())].clone();
        let (event, text) = (JsonStr::encode("client-e"), JsonStr::encode(data));
        let said = ClientEvent {
            frame: server::event(&event, &channel, &text, user.as_ref()),
            channel,
            told: Some(Told { event: "client-e".into(), data: data.into(), user }),
        };
        self.hub.publish_from(self.now_ms, &self.app, said, conn);
    }

    pub(super) fn sign_in(&mut self, conn: Conn, id: &str, watchlist: &[&str]) {
        self.sign_in_anew(conn, id, watchlist, &[]);
    }

    /// Signs in again, having watched `before` so far.
    pub(super) fn sign_in_anew(
        &mut self,
        conn: Conn,
        id: &str,
        watchlist: &[&str],
        before: &[&str],
    ) {
        let data = serde_json::json!({ "id": id, "watchlist": watchlist }).to_string();
        let settings = &self.app.live().settings;
        let user = User::parse(&data, 1024, settings.max_watchlist).unwrap();
        self.hub.sign_in(&self.app, conn, &user, &data, &users(before));
    }

    pub(super) fn sign_out(&mut self, conn: Conn, id: &str, watchlist: &[&str]) {
        self.hub.sign_out(&self.app, conn, &id.parse().unwrap(), &users(watchlist));
    }

    /// Lets time pass, and then lets the hub notice.
    pub(super) fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        self.hub.tick(self.now_ms);
    }

    /// What a connection heard since the last look, in short.
    pub(super) fn heard(&mut self, conn: Conn) -> Vec<String> {
        self.frames(conn).iter().map(short).collect()
    }

    /// The same as frames.
    pub(super) fn frames(&mut self, conn: Conn) -> Vec<Frame> {
        self.settle();
        self.workers.heard(conn)
    }

    /// Deliveries so far that the message quota counts.
    pub(super) fn counted(&mut self) -> usize {
        self.settle();
        std::mem::take(&mut self.workers.counted)
    }

    /// Connections that were told to end, with their codes.
    pub(super) fn closed(&mut self) -> Vec<(Conn, u16)> {
        self.settle();
        std::mem::take(&mut self.workers.closed)
    }

    /// What happened since the last look: the webhook's name and the channel, and what else there is
    /// to it.
    pub(super) fn facts(&self) -> Vec<String> {
        let facts = self.log.take_facts();
        facts.iter().map(|fact| format!("{} {}", fact.what.name(), detail(fact))).collect()
    }

    /// Nobody has heard anything, and nothing has happened, since the last look.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.settle();
        self.workers.heard.is_empty() && self.facts().is_empty()
    }

    pub(super) fn info(&self, name: &str) -> (usize, usize) {
        let info = self.hub.info(&self.app, &channel(name));
        (info.subscriptions, info.users)
    }

    fn settle(&mut self) {
        for (worker, message) in self.log.take_messages() {
            self.workers.take(worker, message);
        }
    }
}

pub(super) fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

fn users(ids: &[&str]) -> Vec<UserId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn detail(fact: &Fact) -> String {
    let channel = &fact.channel;
    match &fact.what {
        What::Occupied | What::Vacated | What::CacheMiss | What::CacheFilled => channel.to_string(),
        What::MemberAdded(user) | What::MemberRemoved(user) => format!("{channel} {user}"),
        What::SubscriptionCount(count) => format!("{channel} {count}"),
        What::ClientEvent { event, data, socket_id, user } => {
            let user = user.as_ref().map_or("nobody", UserId::as_str);
            format!("{channel} {event} {data} from {socket_id} by {user}")
        }
    }
}

/// `event [channel] data [by user]`, without the prefixes of Pusher's own events.
pub(super) fn short(frame: &Frame) -> String {
    let said: serde_json::Value = serde_json::from_slice(frame.payload()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let event = text(&said["event"]);
    let event = event.trim_start_matches("pusher_internal:").trim_start_matches("pusher:");
    let channel =
        said.get("channel").map_or(String::new(), |channel| format!(" {}", text(channel)));
    let user = said.get("user_id").map_or(String::new(), |user| format!(" by {}", text(user)));
    format!("{event}{channel} {}{user}", text(&said["data"]))
}

pub(super) const NODE: u64 = 42;
