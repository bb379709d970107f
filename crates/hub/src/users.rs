//! Who is signed in and who watches whom, for a share of the apps. One lock covers a whole app, so
//! that what a watcher is told first and what it hears later meet without a gap.

use std::collections::HashMap;
use std::sync::Arc;

use bellwire_protocol::{Close, Frame, UserId, server};
use indexmap::IndexSet;

use crate::app::App;
use crate::conn::Conn;
use crate::effects::Effects;
use crate::outlet::Message;
use crate::peers::{Saying, Seat, Seats};

/// Connections in the order in which they came, each found in one step.
type Conns = IndexSet<Conn, foldhash::fast::RandomState>;

/// The signed-in users of a share of the apps.
#[derive(Debug, Default)]
pub(crate) struct Users {
    apps: HashMap<u32, AppUsers, foldhash::fast::RandomState>,
}

#[derive(Debug, Default)]
struct AppUsers {
    /// The connections of every signed-in user.
    online: HashMap<UserId, Conns, foldhash::fast::RandomState>,
    /// The other nodes on which a user is signed in.
    elsewhere: HashMap<UserId, Seats, foldhash::fast::RandomState>,
    /// The connections that watch a user, signed in or not.
    watchers: HashMap<UserId, Conns, foldhash::fast::RandomState>,
}

impl Users {
    /// A connection signs in. Order on that connection: success, `notice` (the cut watchlist), then
    /// who is here of the watched (contract 6.14).
    pub(crate) fn sign_in(
        &mut self,
        app: &Arc<App>,
        conn: Conn,
        user: &UserId,
        watchlist: &[UserId],
        frames: impl IntoIterator<Item = Frame>,
        effects: &mut Effects,
    ) {
        let users = self.apps.entry(app.handle).or_default();
        let conns = users.online.entry(user.clone()).or_default();
        let first = conns.is_empty();
        conns.insert(conn);
        if first {
            effects.news(app, || Saying::Online(user.clone()));
        }
        if first && !users.elsewhere.contains_key(user) {
            users.announce(user, true, effects);
        }
        for frame in frames {
            effects.tell(conn.worker(), Message::Say { conn, frame });
        }
        if let Some(frame) = users.watch(conn, watchlist) {
            effects.tell(conn.worker(), Message::Say { conn, frame });
        }
    }

    /// A signed-in connection is gone, or signs in anew.
    pub(crate) fn sign_out(
        &mut self,
        app: &Arc<App>,
        conn: Conn,
        user: &UserId,
        watchlist: &[UserId],
        effects: &mut Effects,
    ) {
        let Some(users) = self.apps.get_mut(&app.handle) else { return };
        users.unwatch(conn, watchlist);
        let Some(conns) = users.online.get_mut(user) else { return };
        conns.swap_remove(&conn);
        if conns.is_empty() {
            users.online.remove(user);
            effects.news(app, || Saying::Offline(user.clone()));
            if !users.elsewhere.contains_key(user) {
                users.announce(user, false, effects);
            }
        }
        self.tidy(app.handle);
    }

    /// A user has signed in on another node, or is no more there.
    pub(crate) fn elsewhere(
        &mut self,
        app: u32,
        node: Seat,
        user: &UserId,
        is_online: bool,
        effects: &mut Effects,
    ) {
        let users = self.apps.entry(app).or_default();
        let was_online = users.is_online(user);
        let nodes = users.elsewhere.entry(user.clone()).or_default();
        if is_online {
            nodes.add(node);
        } else {
            nodes.remove(node);
        }
        if nodes.is_empty() {
            users.elsewhere.remove(user);
        }
        if was_online != users.is_online(user) {
            users.announce(user, is_online, effects);
        }
        self.tidy(app);
    }

    /// The users who are signed in on another node, with their apps.
    pub(crate) fn online_on(&self, node: Seat) -> impl Iterator<Item = (u32, &UserId)> {
        self.apps.iter().flat_map(move |(app, users)| {
            let there = users.elsewhere.iter().filter(move |(_, nodes)| nodes.has(node));
            there.map(|(user, _)| (*app, user))
        })
    }

    /// The users who are signed in here.
    pub(crate) fn online_here(&self, app: u32) -> impl Iterator<Item = &UserId> {
        self.apps.get(&app).into_iter().flat_map(|users| users.online.keys())
    }

    fn tidy(&mut self, app: u32) {
        let is_nothing = |users: &AppUsers| {
            users.online.is_empty() && users.watchers.is_empty() && users.elsewhere.is_empty()
        };
        if self.apps.get(&app).is_some_and(is_nothing) {
            self.apps.remove(&app);
        }
    }

    /// Forgets whom a connection watches.
    pub(crate) fn unwatch(&mut self, app: u32, conn: Conn, watchlist: &[UserId]) {
        if let Some(users) = self.apps.get_mut(&app) {
            users.unwatch(conn, watchlist);
        }
    }

    /// The signed-in users of an app, with how many connections each has here; in no order.
    pub(crate) fn online(&self, app: u32) -> impl Iterator<Item = (&UserId, usize)> {
        self.apps.get(&app).into_iter().flat_map(|users| {
            let here = users.online.iter().map(|(user, conns)| (user, conns.len()));
            let others = users.elsewhere.keys().filter(|user| !users.online.contains_key(*user));
            here.chain(others.map(|user| (user, 0)))
        })
    }

    /// Ends every connection that signed in as the user; how many there were (contract 11.2).
    pub(crate) fn terminate(
        &self,
        app: u32,
        user: &str,
        close: &Close,
        effects: &mut Effects,
    ) -> usize {
        let conns = self.apps.get(&app).and_then(|users| users.online.get(user));
        for conn in conns.into_iter().flatten() {
            effects.tell(conn.worker(), Message::Close { conn: *conn, close: close.clone() });
        }
        conns.map_or(0, IndexSet::len)
    }
}

impl AppUsers {
    /// Whether a user is signed in anywhere.
    fn is_online(&self, user: &UserId) -> bool {
        self.online.contains_key(user) || self.elsewhere.contains_key(user)
    }

    /// Starts watching; the frame that says who of the watched is here (contract 6.10).
    fn watch(&mut self, conn: Conn, watchlist: &[UserId]) -> Option<Frame> {
        for user in watchlist {
            let watchers = self.watchers.entry(user.clone()).or_default();
            watchers.insert(conn);
        }
        let (online, offline): (Vec<UserId>, Vec<UserId>) =
            watchlist.iter().cloned().partition(|user| self.is_online(user));
        (!watchlist.is_empty()).then(|| server::watchlist_events(&online, &offline))
    }

    fn unwatch(&mut self, conn: Conn, watchlist: &[UserId]) {
        for user in watchlist {
            if let Some(watchers) = self.watchers.get_mut(user) {
                watchers.swap_remove(&conn);
                if watchers.is_empty() {
                    self.watchers.remove(user);
                }
            }
        }
    }

    /// Tells the watchers that a user came or went.
    fn announce(&self, user: &UserId, online: bool, effects: &mut Effects) {
        let Some(watchers) = self.watchers.get(user) else { return };
        let changed = std::slice::from_ref(user);
        let frame = match online {
            true => server::watchlist_events(changed, &[]),
            false => server::watchlist_events(&[], changed),
        };
        for conn in watchers {
            effects.tell(conn.worker(), Message::Say { conn: *conn, frame: frame.clone() });
        }
    }
}
