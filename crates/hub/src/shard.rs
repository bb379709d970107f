//! A share of all channels, chosen by the hash of app and name: a plain struct, changed by one
//! command at a time, that answers with [`Effects`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwire_protocol::presence::Member;
use bellwire_protocol::{ChannelName, Frame, SocketId, UserId, server};
use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashTable};
use smallvec::SmallVec;

use crate::app::{App, Settings};
use crate::cache::{Cache, Stamp};
use crate::channel::{Channel, ChannelInfo};
use crate::conn::{ChannelId, Conn};
use crate::effects::Effects;
use crate::fact::What;
use crate::outlet::{Message, Traffic};
use crate::peers::{self, Saying};
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
    /// Who must not hear it, if it is a connection of this node.
    pub(crate) except: Option<Conn>,
    /// Who must not hear it, wherever it is.
    pub(crate) but: Option<SocketId>,
    pub(crate) traffic: Traffic,
}

/// A share of all channels.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) channels: HashTable<Channel>,
    /// Shared by all shards, so that its budget is one. Locked only while the shard is locked, never
    /// the other way round.
    cache: Arc<Mutex<Cache>>,
    /// Channels whose count waits for the throttle, each once; may name channels that are gone.
    waiting_counts: Vec<(u64, ChannelId, Arc<App>)>,
    /// Who waits until what was told of their channel is kept.
    held: HashMap<ChannelId, Vec<Conn>, foldhash::fast::RandomState>,
    next_id: u64,
    /// Which node this is, for the stamps of cached events.
    node: u64,
    /// Ids of different shards never meet: they step by the number of shards.
    id_step: u64,
}

impl Shard {
    /// The shard with this number out of so many.
    pub(crate) fn new(number: u64, of: u64, node: u64, cache: Arc<Mutex<Cache>>) -> Self {
        Self {
            channels: HashTable::new(),
            cache,
            waiting_counts: Vec::new(),
            held: HashMap::default(),
            next_id: number,
            node,
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
        let is_first = channel.here() == 0;
        if is_first {
            effects.happened(&app.id, name, now_ms, What::Occupied);
        }
        if let Some((members, member)) = channel.members.as_deref_mut().zip(member) {
            let turn = members.join(member);
            channel.joined(now_ms, app, member, turn, effects);
        }
        channel.add_listener(conn.worker());
        if is_first {
            let announces = live.settings.announce_before_ack && name.kind().is_listed();
            channel.hold(app, announces, effects);
        }
        let (id, is_held) = (channel.id, channel.holds > 0);
        if is_held {
            self.held.entry(id).or_default().push(conn);
        } else {
            self.admit(now_ms, place, conn, effects);
        }
        self.count_changed(now_ms, place, &live.settings, effects);
        Ok(id)
    }

    /// What was told of a channel is kept, or other nodes are heard there: those who waited for the
    /// last of it are admitted, to what is there now.
    pub(crate) fn release(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        id: ChannelId,
        effects: &mut Effects,
    ) {
        let Some(channel) = self.find_mut(place).filter(|channel| channel.id == id) else { return };
        channel.holds = channel.holds.saturating_sub(1);
        if channel.holds > 0 {
            return;
        }
        for conn in self.held.remove(&id).unwrap_or_default() {
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
        if let Some((members, user)) = channel.members.as_deref_mut().zip(user) {
            let turn = members.leave(user);
            channel.left(now_ms, app, user, turn, effects);
        }
        let is_last = channel.here() == 0;
        self.count_changed(now_ms, place, &app.live().settings, effects);
        if is_last {
            effects.happened(&app.id, name, now_ms, What::Vacated);
            effects.news(app, || Saying::Closes(name.clone()));
            self.held.remove(&id);
            self.tidy(place);
        }
    }

    /// Sends an event to everyone on the channel, on other nodes too; one from the API is remembered
    /// on cache channels, even when nobody listens and whoever is excluded (contract 8.1, 8.5, 8.6).
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
        let is_kept = place.channel.kind().is_cache() && event.traffic == Traffic::Broadcast;
        let stamp = is_kept.then(|| self.remember(now_ms, place, &event.frame, effects));
        effects.news(place.app, || {
            Saying::Event(peers::Event {
                channel: place.channel.clone(),
                frame: event.frame.clone(),
                except: event.but,
                traffic: event.traffic,
                stamp,
            })
        });
    }

    /// Remembers the last event of a cache channel.
    fn remember(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        frame: &Frame,
        effects: &mut Effects,
    ) -> Stamp {
        if self.find(place).is_some() && self.cached(now_ms, place).is_none() {
            effects.happened(&place.app.id, place.channel, now_ms, What::CacheFilled);
        }
        let ends_ms = now_ms + u64::from(place.app.live().settings.cache_ttl_s) * 1000;
        let mut cache = self.cache();
        let stamp = cache.next_stamp(now_ms, self.node, place.app.handle, place.channel);
        cache.put(place.app.handle, place.channel, frame.clone(), ends_ms, stamp);
        stamp
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

    /// The present state of an app on this node as facts.
    pub(crate) fn retell(&self, now_ms: u64, app: &App, effects: &mut Effects) {
        let here = self.channels.iter().filter(|c| c.app == app.handle && c.here() > 0);
        let counts = app.live().settings.subscription_count;
        for channel in here {
            effects.happened(&app.id, &channel.name, now_ms, What::Occupied);
            for (user, _) in channel.members.iter().flat_map(|members| members.users_here()) {
                effects.happened(&app.id, &channel.name, now_ms, What::MemberAdded(user.clone()));
            }
            if counts && channel.name.kind().announces_count() {
                let what = What::SubscriptionCount(channel.here());
                effects.happened(&app.id, &channel.name, now_ms, what);
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

    /// Occupied channels, here or elsewhere.
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
        let Some(count) = self.find(place).map(Channel::here) else { return };
        self.count_heard(now_ms, place, effects);
        if place.channel.kind().is_listed() {
            // No node has more connections than fit.
            effects.news(place.app, || Saying::Listeners(place.channel.clone(), count as u32));
        }
        if settings.subscription_count && place.channel.kind().announces_count() {
            let what = What::SubscriptionCount(count);
            effects.happened(&place.app.id, place.channel, now_ms, what);
        }
    }

    /// Subscribers hear how many they are, now or later.
    pub(crate) fn count_heard(&mut self, now_ms: u64, place: Place<'_>, effects: &mut Effects) {
        let Some(channel) = self.find_mut(place) else { return };
        channel.say_count(now_ms, &place.app.live().settings, effects);
        let newly_listed = channel.count_waits && !channel.count_listed;
        channel.count_listed |= newly_listed;
        let id = channel.id;
        if newly_listed {
            self.waiting_counts.push((place.hash, id, Arc::clone(place.app)));
        }
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The channel of a place, there or new. While nobody listens here it gets another id each time:
    /// nothing that was meant for a former life reaches the next.
    pub(crate) fn occupied(&mut self, place: Place<'_>) -> &mut Channel {
        let entry = self.channels.entry(place.hash, |channel| is(channel, place), |c| c.hash);
        match entry {
            Entry::Occupied(entry) => {
                let channel = entry.into_mut();
                if channel.here() == 0 {
                    channel.begin_anew(ChannelId(self.next_id));
                    self.next_id += self.id_step;
                }
                channel
            }
            Entry::Vacant(entry) => {
                let id = ChannelId(self.next_id);
                self.next_id += self.id_step;
                let name = place.channel.clone();
                let channel = Channel::new(place.hash, place.app.handle, name, id);
                entry.insert(channel).into_mut()
            }
        }
    }

    pub(crate) fn find(&self, place: Place<'_>) -> Option<&Channel> {
        self.channels.find(place.hash, |channel| is(channel, place))
    }

    pub(crate) fn find_mut(&mut self, place: Place<'_>) -> Option<&mut Channel> {
        self.channels.find_mut(place.hash, |channel| is(channel, place))
    }

    /// Lets go of a channel on which nobody is any more, here or elsewhere.
    pub(crate) fn tidy(&mut self, place: Place<'_>) {
        if self.find(place).is_some_and(Channel::is_vacant) {
            self.remove(place);
        }
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
