//! One occupied channel on this node: who listens on which worker, who is present, how many.

use bellwire_protocol::{ChannelName, Frame, limits, server};
use smallvec::SmallVec;

use crate::app::Settings;
use crate::conn::{ChannelId, Conn};
use crate::effects::Effects;
use crate::outlet::{Message, Traffic};
use crate::presence::Members;

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
    subscriptions: usize,
    /// On presence channels only.
    pub(crate) members: Option<Box<Members>>,
    /// When the last `subscription_count` went out.
    count_said_ms: u64,
    /// Whether a later count waits for its turn.
    pub(crate) count_waits: bool,
    /// Whether nobody is admitted yet, because what was told of it is not kept.
    pub(crate) is_held: bool,
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
            subscriptions: 0,
            members,
            count_said_ms: 0,
            count_waits: false,
            is_held: false,
            count_listed: false,
        }
    }

    /// How many connections listen.
    pub(crate) fn subscriptions(&self) -> usize {
        self.subscriptions
    }

    /// What queries may know of it.
    pub(crate) fn info(&self) -> ChannelInfo {
        let users = self.members.as_deref().map_or(0, Members::count);
        ChannelInfo { subscriptions: self.subscriptions, users }
    }

    /// Counts a new member of a worker.
    pub(crate) fn add_listener(&mut self, worker: u8) {
        self.subscriptions += 1;
        match self.listeners.iter_mut().find(|(w, _)| *w == worker) {
            Some((_, count)) => *count += 1,
            None => self.listeners.push((worker, 1)),
        }
    }

    /// Takes a member of a worker away again.
    pub(crate) fn remove_listener(&mut self, worker: u8) {
        let Some(at) = self.listeners.iter().position(|(w, _)| *w == worker) else { return };
        self.subscriptions -= 1;
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
        let here = if self.is_held { &[][..] } else { &self.listeners[..] };
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
        self.count_waits = self.subscriptions > limits::COUNT_THROTTLE_ABOVE
            && (self.count_said_ms..self.count_said_ms + limits::COUNT_THROTTLE_MS)
                .contains(&now_ms);
        if !self.count_waits && self.subscriptions > 0 && !self.is_held {
            self.count_said_ms = now_ms;
            let frame = server::subscription_count(&self.name, self.subscriptions);
            self.deliver(&frame, None, Traffic::Internal, effects);
        }
    }
}
