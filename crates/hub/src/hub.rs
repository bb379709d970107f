//! The shell around the shards: finds the shard of a command, locks it, lets it change, and carries
//! out its effects before the lock goes. That is what gives each channel one order for everyone.
//!
//! A command takes one shard, or one share of the users, at a time. Inside a shard the cache may be
//! locked, never a shard inside the cache; no other locks nest.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwire_protocol::presence::Member;
use bellwire_protocol::user::User;
use bellwire_protocol::{ChannelName, Close, Frame, SocketId, UserId, server};

use crate::app::App;
use crate::cache::Cache;
use crate::channel::ChannelInfo;
use crate::conn::{ChannelId, Conn};
use crate::effects::Effects;
use crate::fact::{FactSink, Held, What};
use crate::outlet::{Message, Outlet, Traffic};
use crate::peers::{Peers, Saying};
use crate::shard::{Event, Place, Refusal, Shard};
use crate::users::Users;

/// Sums for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Occupied channels.
    pub channels: usize,
    /// Bytes of cached events.
    pub cache_bytes: usize,
}

/// All channels and users of this node.
pub struct Hub {
    pub(crate) shards: Box<[Mutex<Guarded<Shard>>]>,
    pub(crate) users: Box<[Mutex<Guarded<Users>>]>,
    /// The same that every shard holds, for what concerns no channel.
    pub(crate) cache: Arc<Mutex<Cache>>,
    hasher: foldhash::fast::RandomState,
    outlet: Arc<dyn Outlet>,
    facts: Arc<dyn FactSink>,
    /// The other nodes; none: this one stands alone.
    peers: Option<Arc<dyn Peers>>,
    /// The first half of every socket id of this node.
    node: u64,
}

/// State with the buffer for its effects, so that a command allocates none.
pub(crate) struct Guarded<T> {
    pub(crate) state: T,
    pub(crate) effects: Effects,
}

const SHARDS: usize = 64;

impl Hub {
    /// An empty hub. `node` is never 0; `cache_bytes_max` covers all cache channels together.
    #[must_use]
    pub fn new(
        node: u64,
        cache_bytes_max: usize,
        outlet: Arc<dyn Outlet>,
        facts: Arc<dyn FactSink>,
    ) -> Self {
        let count = SHARDS as u64;
        let cache = Arc::new(Mutex::new(Cache::new(cache_bytes_max)));
        let shard = |number| Shard::new(number, count, node, Arc::clone(&cache));
        Self {
            shards: (0..count).map(|number| guarded(shard(number))).collect(),
            users: (0..count).map(|_| guarded(Users::default())).collect(),
            cache,
            hasher: foldhash::fast::RandomState::default(),
            outlet,
            facts,
            peers: None,
            node,
        }
    }

    /// From now on, other nodes hear what happens here.
    #[must_use]
    pub fn with_peers(mut self, peers: Arc<dyn Peers>) -> Self {
        self.peers = Some(peers);
        let shards = self.shards.iter_mut().map(|shard| &mut unlocked(shard).effects);
        let users = self.users.iter_mut().map(|users| &mut unlocked(users).effects);
        shards.chain(users).for_each(|effects| effects.has_peers = true);
        self
    }

    /// The first half of every socket id of this node.
    #[must_use]
    pub fn node(&self) -> u64 {
        self.node
    }

    /// Adds a subscription; the worker of `conn` hears `Admit`.
    ///
    /// # Errors
    /// When the channel has no room; nothing changes then.
    pub fn subscribe(
        &self,
        now_ms: u64,
        app: &Arc<App>,
        channel: &ChannelName,
        conn: Conn,
        member: Option<&Member>,
    ) -> Result<ChannelId, Refusal> {
        self.with_channel(app, channel, |shard, place, effects| {
            shard.subscribe(now_ms, place, conn, member, effects)
        })
    }

    /// What was told of a channel is kept: those who wait for that are admitted.
    pub fn release(&self, now_ms: u64, held: &Held) {
        self.with_channel(&held.app, &held.channel, |shard, place, effects| {
            shard.release(now_ms, place, held.id, effects);
        });
    }

    /// Takes a subscription away. `user` is who `conn` was on a presence channel; `closed` says
    /// that the connection is gone and needs no dismissal.
    pub fn unsubscribe(
        &self,
        now_ms: u64,
        app: &Arc<App>,
        channel: &ChannelName,
        conn: Conn,
        user: Option<&UserId>,
        closed: bool,
    ) {
        self.with_channel(app, channel, |shard, place, effects| {
            shard.unsubscribe(now_ms, place, conn, user, closed, effects);
        });
    }

    /// Publishes an event of the HTTP API and says what is known of the channel right after it.
    pub fn publish(
        &self,
        now_ms: u64,
        app: &Arc<App>,
        channel: &ChannelName,
        frame: Frame,
        except: Option<SocketId>,
    ) -> ChannelInfo {
        let event = self.event(app, frame, except, Traffic::Broadcast);
        self.with_channel(app, channel, |shard, place, effects| {
            shard.publish(now_ms, place, &event, effects);
            shard.info(place)
        })
    }

    /// Passes on what a client said to the others on its channel (contract 7.4).
    pub fn publish_from(&self, now_ms: u64, app: &Arc<App>, said: ClientEvent, conn: Conn) {
        let ClientEvent { channel, frame, told } = said;
        let sender = conn.socket_id(self.node);
        let to_others = self.event(app, frame, Some(sender), Traffic::Client);
        let is_told = told.is_some();
        self.with_channel(app, &channel, |shard, place, effects| {
            shard.publish(now_ms, place, &to_others, effects);
            if let Some(Told { event, data, user }) = told {
                let what = What::ClientEvent { event, data, socket_id: sender, user };
                effects.happened(&app.id, &channel, now_ms, what);
            }
        });
        if !is_told {
            self.facts.pass();
        }
    }

    /// The life of a channel that is occupied now, as workers know it.
    #[must_use]
    pub fn channel_id(&self, app: &Arc<App>, channel: &ChannelName) -> Option<ChannelId> {
        self.with_channel(app, channel, |shard, place, _| shard.id(place))
    }

    /// What is known of a channel.
    #[must_use]
    pub fn info(&self, app: &Arc<App>, channel: &ChannelName) -> ChannelInfo {
        self.with_channel(app, channel, |shard, place, _| shard.info(place))
    }

    /// The cached event of a channel as it was sent, and the milliseconds it has left.
    #[must_use]
    pub fn cached(
        &self,
        now_ms: u64,
        app: &Arc<App>,
        channel: &ChannelName,
    ) -> Option<(Frame, u64)> {
        self.with_channel(app, channel, |shard, place, _| shard.cached(now_ms, place))
    }

    /// The users on a presence channel.
    #[must_use]
    pub fn users(&self, app: &Arc<App>, channel: &ChannelName) -> Vec<UserId> {
        self.with_channel(app, channel, |shard, place, _| shard.users(place))
    }

    /// The occupied channels of an app whose names start with `prefix`, sorted by name.
    #[must_use]
    pub fn channels(&self, app: &App, prefix: &str) -> Vec<(ChannelName, ChannelInfo)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let of_app = shard.state.occupied_of(app.handle);
            let wanted = of_app.filter(|(name, _)| name.as_str().starts_with(prefix));
            all.extend(wanted.map(|(name, info)| (name.clone(), info)));
        }
        all.sort_unstable_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        all
    }

    /// Occupied channels of an app.
    #[must_use]
    pub fn channel_count(&self, app: &App) -> usize {
        self.shards.iter().map(|shard| lock(shard).state.occupied_of(app.handle).count()).sum()
    }

    /// Occupied channels of every app, by its handle: one pass for a whole list.
    #[must_use]
    pub fn channel_counts(&self) -> HashMap<u32, usize> {
        let mut counts = HashMap::new();
        for shard in &self.shards {
            for app in lock(shard).state.apps_of_listed() {
                *counts.entry(app).or_default() += 1;
            }
        }
        counts
    }

    /// Signs a connection in (contract 6). `before` is the watchlist of its earlier sign-in as the
    /// same user.
    pub fn sign_in(
        &self,
        app: &Arc<App>,
        conn: Conn,
        user: &User,
        user_data: &str,
        before: &[UserId],
    ) {
        let watching = app.live().settings.watchlist;
        let watchlist = if watching { &user.watchlist[..] } else { &[] };
        let cut = (watching && user.watchlist_cut).then(|| watchlist_cut(watchlist));
        let frames = std::iter::once(server::signin_success(user_data)).chain(cut);
        self.with_users(app, |users, effects| {
            users.unwatch(app.handle, conn, before);
            users.sign_in(app, conn, &user.member.id, watchlist, frames, effects);
        });
    }

    /// A signed-in connection is gone.
    pub fn sign_out(&self, app: &Arc<App>, conn: Conn, user: &UserId, watchlist: &[UserId]) {
        self.with_users(app, |users, effects| {
            users.sign_out(app, conn, user, watchlist, effects);
        });
    }

    /// Ends every connection that signed in as the user, on other nodes too; how many there were here
    /// (contract 11).
    pub fn terminate(&self, app: &Arc<App>, user: &str, close: &Close) -> usize {
        self.with_users(app, |users, effects| {
            effects.news(app, || Saying::Terminate(user.into()));
            users.terminate(app.handle, user, close, effects)
        })
    }

    /// Ends all connections of an app.
    pub fn close_app(&self, app: &Arc<App>, close: &Close) {
        for worker in 0..self.outlet.workers() {
            let message = Message::CloseApp { app: Arc::clone(app), close: close.clone() };
            self.outlet.push(worker, message);
        }
    }

    /// Does what time brings. Call it about twice a second.
    pub fn tick(&self, now_ms: u64) {
        lock(&self.cache).expire(now_ms);
        for shard in &self.shards {
            let mut shard = lock(shard);
            let Guarded { state, effects } = &mut *shard;
            state.tick(now_ms, effects);
            self.carry_out(effects);
        }
    }

    /// Tells `sink` the present state of an app as facts, channels before their members: in order
    /// with what happens meanwhile.
    pub fn retell(&self, now_ms: u64, app: &App, sink: &dyn FactSink) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let Guarded { state, effects } = &mut *shard;
            state.retell(now_ms, app, effects);
            for fact in effects.facts.drain(..) {
                sink.take(fact);
            }
        }
    }

    /// Sums for the metrics.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let channels = self.shards.iter().map(|shard| lock(shard).state.len()).sum();
        Totals { channels, cache_bytes: lock(&self.cache).bytes() }
    }

    pub(crate) fn with_channel<R>(
        &self,
        app: &Arc<App>,
        channel: &ChannelName,
        change: impl FnOnce(&mut Shard, Place<'_>, &mut Effects) -> R,
    ) -> R {
        let hash = self.hasher.hash_one((app.handle, channel));
        // The table inside a shard uses the low and the high bits; these are from the middle.
        let at = (hash >> 24) as usize % SHARDS;
        let mut shard = lock(&self.shards[at]);
        let Guarded { state, effects } = &mut *shard;
        let result = change(state, Place { hash, app, channel }, effects);
        self.carry_out(effects);
        result
    }

    pub(crate) fn with_users<R>(
        &self,
        app: &App,
        change: impl FnOnce(&mut Users, &mut Effects) -> R,
    ) -> R {
        let mut users = lock(&self.users[app.handle as usize % SHARDS]);
        let Guarded { state, effects } = &mut *users;
        let result = change(state, effects);
        self.carry_out(effects);
        result
    }

    /// An event as the shards take it.
    pub(crate) fn event(
        &self,
        app: &App,
        frame: Frame,
        but: Option<SocketId>,
        traffic: Traffic,
    ) -> Event {
        let except = but.and_then(|socket_id| Conn::of(socket_id, self.node));
        Event { frame: for_many(app, frame), except, but, traffic }
    }

    pub(crate) fn carry_out(&self, effects: &mut Effects) {
        for (worker, message) in effects.messages.drain(..) {
            self.outlet.push(worker, message);
        }
        for fact in effects.facts.drain(..) {
            self.facts.take(fact);
        }
        for held in effects.held.drain(..) {
            self.facts.hold(held);
        }
        if let Some(peers) = &self.peers {
            effects.news.drain(..).for_each(|news| peers.tell(news));
        }
    }
}

/// A frame that is compressed once for all who want it so, where anybody may.
fn for_many(app: &App, frame: Frame) -> Frame {
    if app.live().settings.compression { frame.shared() } else { frame }
}

/// What a client says to the others on its channel.
#[derive(Debug)]
pub struct ClientEvent {
    /// Where.
    pub channel: ChannelName,
    /// What the others hear.
    pub frame: Frame,
    /// What becomes a fact, where anybody wants to be told.
    pub told: Option<Told>,
}

/// A client event as facts tell it.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// The event's name.
    pub event: Box<str>,
    /// The data as the others get it.
    pub data: Box<str>,
    /// Who says it, on presence channels.
    pub user: Option<UserId>,
}

/// Tells which of a long watchlist were accepted (contract 6.12).
fn watchlist_cut(accepted: &[UserId]) -> Frame {
    let count = accepted.len();
    let last = accepted.last().map_or("", UserId::as_str);
    let text =
        format!("Watchlist limit reached: the first {count} user ids were accepted, up to {last}");
    server::error(Some(4302), &text)
}

fn guarded<T>(state: T) -> Mutex<Guarded<T>> {
    Mutex::new(Guarded { state, effects: Effects::default() })
}

fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// A command that panicked has left its shard as it was or one step further; others go on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("node", &self.node).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
