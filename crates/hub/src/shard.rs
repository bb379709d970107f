//! A share of all channels, chosen by the hash of app and name: a plain struct, changed by one
//! command at a time, that answers with [`Effects`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwire_protocol::presence::Member;
use bellwire_protocol::{ChannelName, Frame, UserId, server};
use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashTable};
use smallvec::SmallVec;

use crate::app::{App, Settings};
use crate::cache::Cache;
use crate::channel::{Channel, ChannelInfo};
use crate::conn::{ChannelId, Conn};
use crate::effects::Effects;
use crate::fact::{Held, What};
use crate::outlet::{Message, Traffic};
use crate::presence::Members;

/// Why a subscription is refused although its signature is good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The presence channel has as many members as the app allows (contract 5.3).
    #[error("Presence channel is full: it has the maximum of {0} members")]
    PresenceFull(usize),
}

/// Which channel of which app, with the hash that led to this shard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) hash: u64,
    pub(crate) app: &'a Arc<App>,
    pub(crate) channel: &'a ChannelName,
}

/// An event on its way to a channel.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) frame: Frame,
    pub(crate) except: Option<Conn>,
    pub(crate) traffic: Traffic,
}

/// A share of all channels.
#[derive(Debug)]
pub(crate) struct Shard {
    channels: HashTable<Channel>,
    /// Shared by all shards, so that its budget is one. Locked only while the shard is locked, never
    /// the other way round.
    cache: Arc<Mutex<Cache>>,
    /// Channels whose count waits for the throttle, each once; may name channels that are gone.
    waiting_counts: Vec<(u64, ChannelId, Arc<App>)>,
    /// Who waits until what was told of their channel is kept.
    held: HashMap<ChannelId, Vec<Conn>, foldhash::fast::RandomState>,
    next_id: u64,
    /// Ids of different shards never meet: they step by the number of shards.
    id_step: u64,
}

impl Shard {
    /// The shard with this number out of so many.
    pub(crate) fn new(number: u64, of: u64, cache: Arc<Mutex<Cache>>) -> Self {
        Self {
            channels: HashTable::new(),
            cache,
            waiting_counts: Vec::new(),
            held: HashMap::default(),
            next_id: number,
            id_step: of,
        }
    }

    /// Adds a subscription. Others hear of a new member before the newcomer is admitted, so that it
    /// does not hear of itself.
    pub(crate) fn subscribe(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        conn: Conn,
        member: Option<&Member>,
        effects: &mut Effects,
    ) -> Result<ChannelId, Refusal> {
        let Place { app, channel: name, .. } = place;
        let live = app.live();
        self.check_room(place, &live.settings, member)?;
        let channel = self.occupied(place);
        let id = channel.id;
        let is_first = channel.subscriptions() == 0;
        if is_first {
            effects.happened(&app.id, name, now_ms, What::Occupied);
        }
        let joins = channel.members.as_deref_mut().zip(member);
        let new = joins.and_then(|(members, member)| members.join(member).then_some(member));
        if let Some(member) = new {
            let frame = server::member_added(name, &member.id, member.info.as_deref());
            channel.deliver(&frame, None, Traffic::Presence, effects);
            effects.happened(&app.id, name, now_ms, What::MemberAdded(member.id.clone()));
        }
        channel.add_listener(conn.worker());
        if is_first && live.settings.announce_before_ack && name.kind().is_listed() {
            channel.is_held = true;
            let (app, channel) = (Arc::clone(app), name.clone());
            effects.held.push(Held { app, channel, id });
            self.held.insert(id, vec![conn]);
        } else if let Some(held) = self.held.get_mut(&id) {
            held.push(conn);
        } else {
            self.admit(now_ms, place, conn, effects);
        }
        self.count_changed(now_ms, place, &live.settings, effects);
        Ok(id)
    }

    /// What was told of a channel is kept: those who waited for that are admitted, to what is there
    /// now.
    pub(crate) fn release(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        id: ChannelId,
        effects: &mut Effects,
    ) {
        let Some(held) = self.held.remove(&id) else { return };
        let Some(channel) = self.find_mut(place) else { return };
        channel.is_held = false;
        for conn in held {
            self.admit(now_ms, place, conn, effects);
        }
        let Some(channel) = self.find_mut(place) else { return };
        channel.say_count(now_ms, &place.app.live().settings, effects);
    }

    /// From now on a connection hears what is said on its channel, and first what there is to know.
    fn admit(&mut self, now_ms: u64, place: Place<'_>, conn: Conn, effects: &mut Effects) {
        let Some(channel) = self.find_mut(place) else { return };
        let id = channel.id;
        let succeeded = match channel.members.as_deref_mut() {
            Some(members) => members.succeeded(place.channel),
            None => server::subscription_succeeded(place.channel),
        };
        let mut frames = SmallVec::from_iter([succeeded]);
        frames.extend(self.first_words(now_ms, place, effects));
        let app = Arc::clone(place.app);
        effects.tell(conn.worker(), Message::Admit { conn, channel: id, app, frames });
    }

    /// Takes a subscription away. `user` is who the connection was on a presence channel; a
    /// connection that is closed already needs no dismissal.
    pub(crate) fn unsubscribe(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        conn: Conn,
        user: Option<&UserId>,
        closed: bool,
        effects: &mut Effects,
    ) {
        let Place { app, channel: name, .. } = place;
        let channel = self.channels.find_mut(place.hash, |channel| is(channel, place));
        let Some(channel) = channel else { return };
        let id = channel.id;
        let was_admitted = !waits_no_more(self.held.get_mut(&id), conn);
        channel.remove_listener(conn.worker());
        if !closed && was_admitted {
            effects.tell(conn.worker(), Message::Dismiss { conn, channel: id });
        }
        let gone = user.filter(|user| {
            channel.members.as_deref_mut().is_some_and(|members| members.leave(user))
        });
        if let Some(user) = gone {
            let frame = server::member_removed(name, user);
            channel.deliver(&frame, None, Traffic::Presence, effects);
            effects.happened(&app.id, name, now_ms, What::MemberRemoved(user.clone()));
        }
        let vacant = channel.subscriptions() == 0;
        self.count_changed(now_ms, place, &app.live().settings, effects);
        if vacant {
            effects.happened(&app.id, name, now_ms, What::Vacated);
            self.held.remove(&id);
            self.remove(place);
        }
    }

    /// Sends an event to everyone on the channel; one from the API is remembered on cache channels,
    /// even when nobody listens and whoever is excluded (contract 8.1, 8.5, 8.6).
    pub(crate) fn publish(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        event: &Event,
        effects: &mut Effects,
    ) {
        if let Some(channel) = self.find(place) {
            channel.deliver(&event.frame, event.except, event.traffic, effects);
        }
        if place.channel.kind().is_cache() && event.traffic == Traffic::Broadcast {
            if self.find(place).is_some() && self.cached(now_ms, place).is_none() {
                effects.happened(&place.app.id, place.channel, now_ms, What::CacheFilled);
            }
            let ttl_ms = u64::from(place.app.live().settings.cache_ttl_s) * 1000;
            let frame = event.frame.clone();
            self.cache().put(place.app.handle, place.channel, frame, now_ms + ttl_ms);
        }
    }

    /// The life of a channel that is occupied now.
    pub(crate) fn id(&self, place: Place<'_>) -> Option<ChannelId> {
        self.find(place).map(|channel| channel.id)
    }

    /// What is known of a channel now.
    pub(crate) fn info(&self, place: Place<'_>) -> ChannelInfo {
        self.find(place).map_or(ChannelInfo::default(), Channel::info)
    }

    /// The cached event and the milliseconds it has left.
    pub(crate) fn cached(&self, now_ms: u64, place: Place<'_>) -> Option<(Frame, u64)> {
        let cache = self.cache();
        let (frame, left) = cache.at(now_ms, place.app.handle, place.channel)?;
        Some((frame.clone(), left))
    }

    /// The users on a presence channel.
    pub(crate) fn users(&self, place: Place<'_>) -> Vec<UserId> {
        let members = self.find(place).and_then(|channel| channel.members.as_deref());
        members.map_or(Vec::new(), |members| members.users().cloned().collect())
    }

    /// The app of every channel that shows in lists, by its handle.
    pub(crate) fn apps_of_listed(&self) -> impl Iterator<Item = u32> {
        self.channels.iter().filter(|channel| channel.name.kind().is_listed()).map(|c| c.app)
    }

    /// The members of a presence channel.
    pub(crate) fn members(&self, place: Place<'_>) -> Option<&Members> {
        self.find(place).and_then(|channel| channel.members.as_deref())
    }

    /// The occupied channels of an app that show in lists.
    pub(crate) fn occupied_of(
        &self,
        app: u32,
    ) -> impl Iterator<Item = (&ChannelName, ChannelInfo)> {
        let listed = move |c: &&Channel| c.app == app && c.name.kind().is_listed();
        self.channels.iter().filter(listed).map(|channel| (&channel.name, channel.info()))
    }

    /// The present state of an app as facts.
    pub(crate) fn retell(&self, now_ms: u64, app: &App, effects: &mut Effects) {
        for channel in self.channels.iter().filter(|channel| channel.app == app.handle) {
            effects.happened(&app.id, &channel.name, now_ms, What::Occupied);
            for user in channel.members.iter().flat_map(|members| members.users()) {
                effects.happened(&app.id, &channel.name, now_ms, What::MemberAdded(user.clone()));
            }
        }
    }

    /// Does what time brings: counts whose throttle has passed.
    pub(crate) fn tick(&mut self, now_ms: u64, effects: &mut Effects) {
        let waiting = std::mem::take(&mut self.waiting_counts);
        for (hash, id, app) in waiting {
            let Some(channel) = self.channels.find_mut(hash, |channel| channel.id == id) else {
                continue;
            };
            if channel.count_waits {
                channel.say_count(now_ms, &app.live().settings, effects);
            }
            channel.count_listed = channel.count_waits;
            if channel.count_listed {
                self.waiting_counts.push((hash, id, app));
            }
        }
    }

    /// Occupied channels.
    pub(crate) fn len(&self) -> usize {
        self.channels.len()
    }

    fn check_room(
        &self,
        place: Place<'_>,
        settings: &Settings,
        member: Option<&Member>,
    ) -> Result<(), Refusal> {
        let max = settings.max_presence_members;
        let members = self.find(place).and_then(|channel| channel.members.as_deref());
        let full = members.zip(member).is_some_and(|(members, member)| {
            max != 0 && members.count() >= max && !members.has(&member.id)
        });
        if full { Err(Refusal::PresenceFull(max)) } else { Ok(()) }
    }

    /// What a newcomer to a cache channel hears after its success (contract 8.2).
    fn first_words(&self, now_ms: u64, place: Place<'_>, effects: &mut Effects) -> Option<Frame> {
        if !place.channel.kind().is_cache() {
            return None;
        }
        if let Some((frame, _)) = self.cached(now_ms, place) {
            return Some(frame);
        }
        effects.happened(&place.app.id, place.channel, now_ms, What::CacheMiss);
        Some(server::cache_miss(place.channel))
    }

    fn count_changed(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        settings: &Settings,
        effects: &mut Effects,
    ) {
        let Some(channel) = self.find_mut(place) else { return };
        channel.say_count(now_ms, settings, effects);
        let newly_listed = channel.count_waits && !channel.count_listed;
        channel.count_listed |= newly_listed;
        let (id, count) = (channel.id, channel.subscriptions());
        if newly_listed {
            self.waiting_counts.push((place.hash, id, Arc::clone(place.app)));
        }
        if settings.subscription_count && place.channel.kind().announces_count() {
            let what = What::SubscriptionCount(count);
            effects.happened(&place.app.id, place.channel, now_ms, what);
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn occupied(&mut self, place: Place<'_>) -> &mut Channel {
        let entry = self.channels.entry(place.hash, |channel| is(channel, place), |c| c.hash);
        match entry {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let id = ChannelId(self.next_id);
                self.next_id += self.id_step;
                let name = place.channel.clone();
                let channel = Channel::new(place.hash, place.app.handle, name, id);
                entry.insert(channel).into_mut()
            }
        }
    }

    fn find(&self, place: Place<'_>) -> Option<&Channel> {
        self.channels.find(place.hash, |channel| is(channel, place))
    }

    fn find_mut(&mut self, place: Place<'_>) -> Option<&mut Channel> {
        self.channels.find_mut(place.hash, |channel| is(channel, place))
    }

    fn remove(&mut self, place: Place<'_>) {
        if let Ok(entry) = self.channels.find_entry(place.hash, |channel| is(channel, place)) {
            entry.remove();
        }
        if self.channels.capacity() > 16 && self.channels.len() < self.channels.capacity() / 8 {
            self.channels.shrink_to(self.channels.len() * 2, |channel| channel.hash);
        }
    }
}

/// Whether a connection waited to be admitted; it does no more.
fn waits_no_more(held: Option<&mut Vec<Conn>>, conn: Conn) -> bool {
    held.is_some_and(|held| held.extract_if(.., |waits| *waits == conn).next().is_some())
}

fn is(channel: &Channel, place: Place<'_>) -> bool {
    channel.app == place.app.handle && channel.name == *place.channel
}
