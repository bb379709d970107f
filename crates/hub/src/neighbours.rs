//! What comes from other nodes, and what they may ask: the hub's side of the cluster. All of it is
//! called by whoever listens to the other nodes, never on the way of a message of this node.

use std::sync::Arc;

use bellwire_protocol::close::TERMINATED;
use bellwire_protocol::presence::Member;
use bellwire_protocol::{ChannelName, Frame, UserId};

use crate::app::App;
use crate::cache::Stamp;
use crate::hub::{Hub, lock};
use crate::peers::{Elsewhere, Event, News, Saying, Seat};

/// The last event of a cache channel.
#[derive(Debug, Clone)]
pub struct CachedEvent {
    /// Where.
    pub channel: ChannelName,
    /// As it was sent.
    pub frame: Frame,
    /// Which of two events is the later one.
    pub stamp: Stamp,
    /// How much longer it is remembered, in milliseconds.
    pub left_ms: u64,
}

impl Hub {
    /// An event of another node, for who listens here; whether anybody does or it is remembered.
    pub fn hear(&self, now_ms: u64, app: &Arc<App>, heard: Event) -> bool {
        let Event { channel, frame, except, traffic, stamp } = heard;
        let event = self.event(app, frame, except, traffic);
        self.with_channel(app, &channel, |shard, place, effects| {
            shard.hear(now_ms, place, &event, stamp, effects)
        })
    }

    /// So many connections listen to a channel on another node.
    pub fn listeners_elsewhere(
        &self,
        now_ms: u64,
        app: &Arc<App>,
        channel: &ChannelName,
        node: Seat,
        count: u32,
    ) {
        self.with_channel(app, channel, |shard, place, effects| {
            shard.listeners_elsewhere(now_ms, place, node, count, effects);
        });
    }

    /// A user is on a presence channel on another node.
    pub fn joined_elsewhere(
        &self,
        app: &Arc<App>,
        channel: &ChannelName,
        node: Seat,
        member: &Member,
    ) {
        self.with_channel(app, channel, |shard, place, effects| {
            shard.joined_elsewhere(place, node, member, effects);
        });
    }

    /// A user is no more on a presence channel on another node.
    pub fn left_elsewhere(&self, app: &Arc<App>, channel: &ChannelName, node: Seat, user: &UserId) {
        self.with_channel(app, channel, |shard, place, effects| {
            shard.left_elsewhere(place, node, user, effects);
        });
    }

    /// A user has signed in on another node, or is no more there.
    pub fn user_elsewhere(&self, app: &Arc<App>, node: Seat, user: &UserId, is_online: bool) {
        self.with_users(app, |users, effects| {
            users.elsewhere(app.handle, node, user, is_online, effects);
        });
    }

    /// Another node ends every connection that signed in as a user; those here end too.
    pub fn terminated_elsewhere(&self, app: &Arc<App>, user: &str) {
        self.with_users(app, |users, effects| {
            users.terminate(app.handle, user, &TERMINATED, effects);
        });
    }

    /// All that another node has said of channels.
    #[must_use]
    pub fn said_by(&self, node: Seat) -> Vec<Elsewhere> {
        let mut said = Vec::new();
        for shard in &self.shards {
            said.extend(lock(shard).state.said_by(node));
        }
        said
    }

    /// Lets go of what other nodes have said of an app that is not there any more.
    pub fn forget_app(&self, handle: u32) {
        for shard in &self.shards {
            lock(shard).state.forget_app(handle);
        }
    }

    /// The users who are signed in on another node, with the handles of their apps.
    #[must_use]
    pub fn online_on(&self, node: Seat) -> Vec<(u32, UserId)> {
        let mut online = Vec::new();
        for users in &self.users {
            let users = lock(users);
            online.extend(users.state.online_on(node).map(|(app, user)| (app, user.clone())));
        }
        online
    }

    /// The last events of an app's cache channels.
    #[must_use]
    pub fn cached_events(&self, now_ms: u64, app: &App) -> Vec<CachedEvent> {
        let cache = lock(&self.cache);
        let events = cache.of_app(now_ms, app.handle);
        let event = |(channel, frame, stamp, left_ms): (&ChannelName, &Frame, _, _)| CachedEvent {
            channel: channel.clone(),
            frame: frame.clone(),
            stamp,
            left_ms,
        };
        events.map(event).collect()
    }

    /// Another node remembers this of a cache channel.
    pub fn remembered_elsewhere(&self, now_ms: u64, app: &App, event: CachedEvent) {
        let CachedEvent { channel, frame, stamp, left_ms } = event;
        lock(&self.cache).put(app.handle, &channel, frame, now_ms + left_ms, stamp);
    }

    /// Tells `hear` the present state of an app on this node as news: in order with what happens
    /// meanwhile, if it is where news go. Called with a lock of the hub held.
    pub fn report(&self, app: &Arc<App>, hear: &mut dyn FnMut(News)) {
        for shard in &self.shards {
            lock(shard).state.report(app, hear);
        }
        self.with_users(app, |users, _| {
            for user in users.online_here(app.handle) {
                hear(News { app: Arc::clone(app), what: Saying::Online(user.clone()) });
            }
        });
    }
}
