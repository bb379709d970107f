//! One other node, as the link's thread knows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwire_hub::neighbours::CachedEvent;
use bellwire_hub::peers::Seat;
use bellwire_hub::{App, Hub};
use bellwire_protocol::{AppId, ChannelName, Frame, UserId};
use std::collections::{HashMap, HashSet};

use super::{Link, now_ms};
use crate::roster::{Roster, Told};

/// Another node.
#[derive(Debug)]
pub(super) struct Neighbour {
    /// Its number in the hub.
    pub(super) seat: Seat,
    /// While it tells everything: what it has named.
    named: Option<HashSet<Named>>,
    /// Whether it told of an app that is not known here yet.
    was_strange: bool,
    /// Whether it has to tell everything again, because something was missed.
    has_gap: bool,
    /// When it was asked for that.
    asked: Option<Instant>,
    /// How long it has to tell everything, until it is asked again.
    patience: Duration,
    /// Its connections, by app.
    connections: HashMap<AppId, u64>,
    /// The apps at whose consoles somebody looks there.
    pub(super) looks: HashSet<AppId>,
}

/// Something of which a node says that it is so.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Named {
    Channel(AppId, ChannelName),
    Member(AppId, ChannelName, UserId),
    User(AppId, UserId),
    Console(AppId),
}

/// How long a node has for telling everything, until it is asked again.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// Twice as long each time while it tells of apps that are not known here; at most so long.
const ASK_AT_LEAST_EVERY: Duration = Duration::from_secs(60);

impl Neighbour {
    /// A node of which nothing was heard yet.
    pub(super) fn new(seat: Seat) -> Self {
        Self {
            seat,
            named: None,
            was_strange: false,
            has_gap: true,
            asked: None,
            patience: ASK_EVERY,
            connections: HashMap::new(),
            looks: HashSet::new(),
        }
    }

    /// Something it said did not come.
    pub(super) fn miss(&mut self) {
        self.has_gap = true;
        self.named = None;
        self.asked = None;
    }

    /// Whether everything it said is known.
    pub(super) fn is_whole(&self) -> bool {
        !self.has_gap
    }

    /// Whether it has to be asked now; then it was.
    pub(super) fn is_to_be_asked(&mut self, now: Instant) -> bool {
        let is_recent = self.asked.is_some_and(|asked| now.duration_since(asked) < self.patience);
        let is_due = self.has_gap && !is_recent;
        if is_due {
            self.asked = Some(now);
        }
        is_due
    }

    /// Its connections, by app.
    pub(super) fn connections(&self) -> impl Iterator<Item = (&AppId, u64)> {
        self.connections.iter().map(|(app, count)| (app, *count))
    }

    /// Takes in what it says; whether everything is told now.
    pub(super) fn take_in(&mut self, link: &Link, hub: &Arc<Hub>, roster: Roster) -> bool {
        if roster.begins {
            self.named = Some(HashSet::new());
            self.was_strange = false;
            self.connections.clear();
        }
        for item in roster.items {
            match (item.what, link.apps.by_id(item.app.as_str())) {
                (Told::Looks(looks), _) => self.look(item.app, looks),
                (what, Some(app)) => self.take_in_item(hub, &app, what),
                (_, None) => self.was_strange = true,
            }
        }
        if let Some(named) = self.named.take_if(|_| roster.ends) {
            self.keep_only(link, hub, &named);
            self.looks.retain(|app| named.contains(&Named::Console(app.clone())));
            self.has_gap = false;
        } else if self.named.is_some() || !self.was_strange {
            return false;
        }
        self.wonder();
        roster.ends && !self.has_gap
    }

    /// If it told of an app that is not known here, it is asked again later.
    fn wonder(&mut self) {
        if !std::mem::take(&mut self.was_strange) {
            self.patience = ASK_EVERY;
        } else if !self.has_gap {
            self.has_gap = true;
            self.asked = Some(Instant::now());
            self.patience = (2 * self.patience).min(ASK_AT_LEAST_EVERY);
        }
    }

    /// It is not there any more.
    pub(super) fn take_back(self, link: &Link, hub: &Arc<Hub>) {
        self.keep_only(link, hub, &HashSet::new());
    }

    fn take_in_item(&mut self, hub: &Arc<Hub>, app: &Arc<App>, what: Told) {
        let (seat, now_ms, id) = (self.seat, now_ms(), app.id.clone());
        match what {
            // Whether the app is known or not.
            Told::Looks(_) => {}
            Told::Listeners(channel, count) => {
                hub.listeners_elsewhere(now_ms, app, &channel, seat, count);
                self.name(|| Named::Channel(id, channel));
            }
            Told::Joined(channel, member) => {
                hub.joined_elsewhere(app, &channel, seat, &member);
                self.name(|| Named::Member(id, channel, member.id));
            }
            Told::Left(channel, user) => {
                hub.left_elsewhere(app, &channel, seat, &user);
                self.name(|| Named::Member(id, channel, user));
            }
            Told::Online(user) => {
                hub.user_elsewhere(app, seat, &user, true);
                self.name(|| Named::User(id, user));
            }
            Told::Offline(user) => {
                hub.user_elsewhere(app, seat, &user, false);
                self.name(|| Named::User(id, user));
            }
            Told::Terminate(user) => hub.terminated_elsewhere(app, &user),
            Told::Connections(count) => drop(self.connections.insert(id, count)),
            Told::Cached { channel, message, stamp, left_ms } => {
                let Ok(text) = std::str::from_utf8(&message) else { return };
                let event = CachedEvent { channel, frame: Frame::text(text), stamp, left_ms };
                hub.remembered_elsewhere(now_ms, app, event);
            }
        }
    }

    fn look(&mut self, app: AppId, looks: bool) {
        if looks {
            self.looks.insert(app.clone());
            self.name(|| Named::Console(app));
        } else {
            self.looks.remove(&app);
        }
    }

    fn name(&mut self, named: impl FnOnce() -> Named) {
        if let Some(all) = &mut self.named {
            all.insert(named());
        }
    }

    /// What was not named is so no more.
    fn keep_only(&self, link: &Link, hub: &Arc<Hub>, named: &HashSet<Named>) {
        let apps: HashMap<u32, Arc<App>> =
            link.apps.all().into_iter().map(|app| (app.handle, app)).collect();
        for said in hub.said_by(self.seat) {
            let Some(app) = apps.get(&said.app) else {
                hub.forget_app(said.app);
                continue;
            };
            let (id, channel) = (&app.id, &said.channel);
            for user in said.users {
                if !named.contains(&Named::Member(id.clone(), channel.clone(), user.clone())) {
                    hub.left_elsewhere(app, channel, self.seat, &user);
                }
            }
            if !named.contains(&Named::Channel(id.clone(), channel.clone())) {
                hub.listeners_elsewhere(now_ms(), app, channel, self.seat, 0);
            }
        }
        for (handle, user) in hub.online_on(self.seat) {
            let Some(app) = apps.get(&handle) else { continue };
            if !named.contains(&Named::User(app.id.clone(), user.clone())) {
                hub.user_elsewhere(app, self.seat, &user, false);
            }
        }
    }
}
