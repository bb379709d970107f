//! One occupied channel on this node: who listens on which worker, who is present, how many.

use std::sync::Arc;

use bellwire_protocol::presence::Member;
use bellwire_protocol::{ChannelName, Frame, UserId, limits, server};
use smallvec::SmallVec;

use crate::app::{App, Settings};
use crate::conn::{ChannelId, Conn};
use crate::effects::Effects;
use crate::fact::{Held, What};
use crate::outlet::{Message, Traffic};
use crate::peers::{Saying, Seat};
use crate::presence::{Members, Turn};

/// What queries may know of a channel; all zero for a vacant one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Connections that listen.
    pub subscriptions: usize,
    /// Distinct users, on presence channels.
    pub users: usize,
}

/// A channel with at least one subscription.
#[derive(Debug)]
pub(crate) struct Channel {
    /// The hash of app and name, kept for the table that holds the channel.
    pub(crate) hash: u64,
    /// The app's handle.
    pub(crate) app: u32,
    pub(crate) name: ChannelName,
    pub(crate) id: ChannelId,
    /// Workers that have members, and how many each.
    listeners: SmallVec<[(u8, u32); 2]>,
    /// All of them together.
    here: usize,
    /// Other nodes with listeners, and how many each; most channels of a lone node have none.
    #[expect(clippy::box_collection, reason = "there may be millions without")]
    elsewhere: Option<Box<Vec<(Seat, u32)>>>,
    /// On presence channels only.
    pub(crate) members: Option<Box<Members>>,
    /// When the last `subscription_count` went out.
    count_said_ms: u64,
    /// Whether a later count waits for its turn.
    pub(crate) count_waits: bool,
    /// What has to be done before anybody is admitted: what was told of it be kept, other nodes be
    /// heard.
    pub(crate) holds: u8,
    /// Whether the shard's list of waiting counts names this channel, waiting or not.
    pub(crate) count_listed: bool,
}

impl Channel {
    pub(crate) fn new(hash: u64, app: u32, name: ChannelName, id: ChannelId) -> Self {
        let members = name.kind().is_presence().then(Box::default);
        Self {
            hash,
            app,
            name,
            id,
            listeners: SmallVec::new(),
            here: 0,
            elsewhere: None,
            members,
            count_said_ms: 0,
            count_waits: false,
            holds: 0,
            count_listed: false,
        }
    }

    /// How many connections listen, on all nodes.
    pub(crate) fn subscriptions(&self) -> usize {
        let elsewhere = self.elsewhere.iter().flat_map(|nodes| nodes.iter());
        self.here + elsewhere.map(|(_, count)| *count as usize).sum::<usize>()
    }

    /// How many connections of this node listen.
    pub(crate) fn here(&self) -> usize {
        self.here
    }

    /// Whether nobody listens anywhere and nobody is present.
    pub(crate) fn is_vacant(&self) -> bool {
        let members = self.members.as_deref().map_or(0, Members::count);
        self.here == 0 && self.elsewhere.is_none() && members == 0
    }

    /// So many listen on another node; whether that is new.
    pub(crate) fn set_elsewhere(&mut self, node: Seat, count: u32) -> bool {
        let nodes = self.elsewhere.get_or_insert_default();
        let at = nodes.iter().position(|(seat, _)| *seat == node);
        let before = at.map_or(0, |at| nodes[at].1);
        match at {
            Some(at) if count == 0 => drop(nodes.swap_remove(at)),
            Some(at) => nodes[at].1 = count,
            None if count > 0 => nodes.push((node, count)),
            None => {}
        }
        if nodes.is_empty() {
            self.elsewhere = None;
        }
        before != count
    }

    /// Whether anything was said of it on another node.
    pub(crate) fn is_on(&self, node: Seat) -> bool {
        let mut nodes = self.elsewhere.iter().flat_map(|nodes| nodes.iter());
        nodes.any(|(seat, _)| *seat == node)
            || self.members.as_deref().is_some_and(|m| m.users_of(node).next().is_some())
    }

    /// What queries may know of it.
    pub(crate) fn info(&self) -> ChannelInfo {
        let users = self.members.as_deref().map_or(0, Members::count);
        ChannelInfo { subscriptions: self.subscriptions(), users }
    }

    /// Its next life on this node.
    pub(crate) fn begin_anew(&mut self, id: ChannelId) {
        self.id = id;
        self.holds = 0;
        self.count_waits = false;
        self.count_listed = false;
    }

    /// Nobody is admitted until what was told of the channel is kept, if its app wants that, and
    /// until other nodes are heard, if there are any.
    pub(crate) fn hold(&mut self, app: &Arc<App>, announces: bool, effects: &mut Effects) {
        let held = Held { app: Arc::clone(app), channel: self.name.clone(), id: self.id };
        self.holds = u8::from(announces) + u8::from(effects.has_peers);
        if announces {
            effects.held.push(held.clone());
        }
        effects.news(app, || Saying::Opens(held));
    }

    /// A connection of a user has joined here.
    pub(crate) fn joined(
        &self,
        now_ms: u64,
        app: &Arc<App>,
        member: &Member,
        turn: Turn,
        effects: &mut Effects,
    ) {
        if turn.anywhere {
            let frame = server::member_added(&self.name, &member.id, member.info.as_deref());
            self.deliver(&frame, None, Traffic::Presence, effects);
        }
        if turn.here {
            let what = What::MemberAdded(member.id.clone());
            effects.happened(&app.id, &self.name, now_ms, what);
            effects.news(app, || Saying::Joined(self.name.clone(), member.clone()));
        }
    }

    /// A connection of a user has left here.
    pub(crate) fn left(
        &self,
        now_ms: u64,
        app: &Arc<App>,
        user: &UserId,
        turn: Turn,
        effects: &mut Effects,
    ) {
        if turn.anywhere {
            let frame = server::member_removed(&self.name, user);
            self.deliver(&frame, None, Traffic::Presence, effects);
        }
        if turn.here {
            effects.happened(&app.id, &self.name, now_ms, What::MemberRemoved(user.clone()));
            effects.news(app, || Saying::Left(self.name.clone(), user.clone()));
        }
    }

    /// Counts a new member of a worker.
    pub(crate) fn add_listener(&mut self, worker: u8) {
        self.here += 1;
        match self.listeners.iter_mut().find(|(w, _)| *w == worker) {
            Some((_, count)) => *count += 1,
            None => self.listeners.push((worker, 1)),
        }
    }

    /// Takes a member of a worker away again.
    pub(crate) fn remove_listener(&mut self, worker: u8) {
        let Some(at) = self.listeners.iter().position(|(w, _)| *w == worker) else { return };
        self.here -= 1;
        self.listeners[at].1 -= 1;
        if self.listeners[at].1 == 0 {
            self.listeners.swap_remove(at);
        }
    }

    /// A frame for all subscribers but one: a message for each worker that has any.
    pub(crate) fn deliver(
        &self,
        frame: &Frame,
        except: Option<Conn>,
        traffic: Traffic,
        effects: &mut Effects,
    ) {
        let here = if self.holds > 0 { &[][..] } else { &self.listeners[..] };
        for (worker, hearers) in here {
            let (channel, frame, hearers) = (self.id, frame.clone(), *hearers);
            let message = Message::Deliver { channel, frame, except, traffic, hearers };
            effects.tell(*worker, message);
        }
    }

    /// Tells subscribers how many they are, now or when the throttle allows (contract 14.2, 14.3,
    /// 14.5).
    pub(crate) fn say_count(&mut self, now_ms: u64, settings: &Settings, effects: &mut Effects) {
        if !settings.subscription_count || !self.name.kind().announces_count() {
            self.count_waits = false;
            return;
        }
        let count = self.subscriptions();
        self.count_waits = count > limits::COUNT_THROTTLE_ABOVE
            && (self.count_said_ms..self.count_said_ms + limits::COUNT_THROTTLE_MS)
                .contains(&now_ms);
        if !self.count_waits && self.here > 0 && self.holds == 0 {
            self.count_said_ms = now_ms;
            let frame = server::subscription_count(&self.name, count);
            self.deliver(&frame, None, Traffic::Internal, effects);
        }
    }
}
