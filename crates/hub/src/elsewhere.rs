//! What other nodes say of a channel, as the shard of this node takes it in: who listens and who is
//! present elsewhere. Subscribers here hear of it as if it had happened here; it makes no facts and
//! no news, because its own node tells them.

use std::sync::Arc;

use bellwire_protocol::presence::Member;
use bellwire_protocol::{UserId, server};

use crate::app::App;
use crate::cache::Stamp;
use crate::effects::Effects;
use crate::outlet::Traffic;
use crate::peers::{Elsewhere, News, Saying, Seat};
use crate::shard::{Event, Place, Shard};

impl Shard {
    /// So many listen on another node.
    pub(crate) fn listeners_elsewhere(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        node: Seat,
        count: u32,
        effects: &mut Effects,
    ) {
        if count == 0 && self.find(place).is_none() {
            return;
        }
        if self.occupied(place).set_elsewhere(node, count) {
            self.count_heard(now_ms, place, effects);
        }
        self.tidy(place);
    }

    /// A user is on a presence channel on another node.
    pub(crate) fn joined_elsewhere(
        &mut self,
        place: Place<'_>,
        node: Seat,
        member: &Member,
        effects: &mut Effects,
    ) {
        let channel = self.occupied(place);
        let members = channel.members.as_deref_mut();
        if members.is_some_and(|members| members.join_elsewhere(node, member)) {
            let frame = server::member_added(place.channel, &member.id, member.info.as_deref());
            channel.deliver(&frame, None, Traffic::Presence, effects);
        }
        self.tidy(place);
    }

    /// A user is no more on a presence channel on another node.
    pub(crate) fn left_elsewhere(
        &mut self,
        place: Place<'_>,
        node: Seat,
        user: &UserId,
        effects: &mut Effects,
    ) {
        let Some(channel) = self.find_mut(place) else { return };
        let members = channel.members.as_deref_mut();
        if members.is_some_and(|members| members.leave_elsewhere(node, user)) {
            let frame = server::member_removed(place.channel, user);
            channel.deliver(&frame, None, Traffic::Presence, effects);
        }
        self.tidy(place);
    }

    /// An event of another node. It is remembered on cache channels, unless a later one is. Whether it
    /// is of any use here.
    pub(crate) fn hear(
        &mut self,
        now_ms: u64,
        place: Place<'_>,
        event: &Event,
        stamp: Option<Stamp>,
        effects: &mut Effects,
    ) -> bool {
        let channel = self.find(place).filter(|channel| channel.here() > 0);
        let is_heard = channel.is_some();
        if let Some(channel) = channel {
            channel.deliver(&event.frame, event.except, event.traffic, effects);
        }
        if let Some(stamp) = stamp.filter(|_| place.channel.kind().is_cache()) {
            let ends_ms = now_ms + u64::from(place.app.live().settings.cache_ttl_s) * 1000;
            let frame = event.frame.clone();
            self.cache().put(place.app.handle, place.channel, frame, ends_ms, stamp);
        }
        is_heard || stamp.is_some()
    }

    /// All that another node has said.
    pub(crate) fn said_by(&self, node: Seat) -> impl Iterator<Item = Elsewhere> {
        self.channels.iter().filter(move |channel| channel.is_on(node)).map(move |channel| {
            let users = channel.members.iter().flat_map(|members| members.users_of(node)).cloned();
            Elsewhere { app: channel.app, channel: channel.name.clone(), users: users.collect() }
        })
    }

    /// Lets go of the channels of an app on which nobody is here.
    pub(crate) fn forget_app(&mut self, handle: u32) {
        self.channels.retain(|channel| channel.app != handle || channel.here() > 0);
    }

    /// The present state of an app on this node as news.
    pub(crate) fn report(&self, app: &Arc<App>, hear: &mut dyn FnMut(News)) {
        let of_app = self.channels.iter().filter(|channel| channel.app == app.handle);
        let mut say = |what| hear(News { app: Arc::clone(app), what });
        for channel in
            of_app.filter(|channel| channel.here() > 0 && channel.name.kind().is_listed())
        {
            let name = &channel.name;
            // No node has more connections than fit.
            say(Saying::Listeners(name.clone(), channel.here() as u32));
            for (user, spelled) in channel.members.iter().flat_map(|members| members.users_here()) {
                let info = Some(spelled.info()).filter(|info| info != "null").map(Into::into);
                say(Saying::Joined(name.clone(), Member { id: user.clone(), info }));
            }
        }
    }
}
