//! The people: apps with their channels, clients that come, go, blip and return. It says what
//! happened exactly as the hub does, in the hub's order, and knows at any time who is really here.

use std::collections::{BTreeMap, BTreeSet};

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::{AppId, ChannelName, SocketId, UserId};

use super::disk::Named;
use super::plan::Plan;

/// All apps and all clients.
#[derive(Debug)]
pub(super) struct World {
    pub(super) halls: Vec<Hall>,
    pub(super) clients: Vec<Client>,
    /// Client events so far; each has a number of its own.
    pub(super) said: u64,
}

/// An app.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) app: AppId,
    /// Whether counts are announced.
    counts: bool,
    pub(super) rooms: Vec<Room>,
}

/// A channel.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: ChannelName,
    /// Subscriptions; the room is occupied while there are any.
    pub(super) listeners: usize,
    /// Users with the number of their tabs.
    pub(super) members: BTreeMap<UserId, usize>,
    /// Of the listeners, those that are only a number.
    crowd: usize,
    has_cached: bool,
}

/// A tab of a user.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) hall: usize,
    user: UserId,
    socket_id: SocketId,
    pub(super) is_here: bool,
    /// Where it is, or will be once it is back.
    rooms: BTreeSet<usize>,
}

/// What a client event says if it is one that some receivers refuse.
pub(super) const POISON: &str = "client-poison";

impl World {
    pub(super) fn new(plan: &Plan) -> Self {
        let hall = |app: &super::plan::AppPlan| Hall {
            app: app.id.clone(),
            counts: app.counts,
            rooms: app.channels.iter().cloned().map(Room::new).collect(),
        };
        let client = |number: usize| Client {
            hall: number % plan.apps.len(),
            user: format!("u{}", number / plan.apps.len() % 5).parse().unwrap(),
            socket_id: SocketId { node: 1, connection: number as u64 + 1 },
            is_here: false,
            rooms: BTreeSet::new(),
        };
        Self {
            halls: plan.apps.iter().map(hall).collect(),
            clients: (0..8 * plan.apps.len()).map(client).collect(),
            said: 0,
        }
    }

    /// A client comes back to where it was.
    pub(super) fn arrives(&mut self, now_ms: u64, client: usize) -> Vec<Fact> {
        let who = &mut self.clients[client];
        let mut facts = Vec::new();
        if !std::mem::replace(&mut who.is_here, true) {
            let hall = &mut self.halls[who.hall];
            who.rooms.iter().for_each(|room| hall.subscribe(now_ms, *room, &who.user, &mut facts));
        }
        facts
    }

    /// The connection of a client ends.
    pub(super) fn departs(&mut self, now_ms: u64, client: usize) -> Vec<Fact> {
        let who = &mut self.clients[client];
        let mut facts = Vec::new();
        if std::mem::replace(&mut who.is_here, false) {
            let hall = &mut self.halls[who.hall];
            who.rooms
                .iter()
                .for_each(|room| hall.unsubscribe(now_ms, *room, &who.user, &mut facts));
        }
        facts
    }

    /// A client subscribes to a channel, or leaves it if it is there already.
    pub(super) fn toggles(&mut self, now_ms: u64, client: usize, room: usize) -> Vec<Fact> {
        let who = &mut self.clients[client];
        let mut facts = Vec::new();
        let hall = &mut self.halls[who.hall];
        if who.rooms.remove(&room) {
            if who.is_here {
                hall.unsubscribe(now_ms, room, &who.user, &mut facts);
            }
        } else {
            who.rooms.insert(room);
            if who.is_here {
                hall.subscribe(now_ms, room, &who.user, &mut facts);
            }
        }
        facts
    }

    /// A client says something where it may, if it is anywhere.
    pub(super) fn says(&mut self, now_ms: u64, client: usize, is_poison: bool) -> Vec<Fact> {
        let who = &self.clients[client];
        let hall = &self.halls[who.hall];
        let mut rooms = who.rooms.iter().map(|room| &hall.rooms[*room]);
        let room = rooms.find(|room| room.name.kind().takes_client_events());
        let Some(room) = room.filter(|_| who.is_here) else { return Vec::new() };
        self.said += 1;
        let what = What::ClientEvent {
            event: if is_poison { POISON } else { "client-said" }.into(),
            data: format!("{{\"n\":{}}}", self.said).into(),
            socket_id: who.socket_id,
            user: room.name.kind().is_presence().then(|| who.user.clone()),
        };
        vec![hall.fact(now_ms, room, what)]
    }

    /// The room of a hall gets or loses a crowd.
    pub(super) fn crowds(
        &mut self,
        now_ms: u64,
        hall: usize,
        room: usize,
        crowd: usize,
    ) -> Vec<Fact> {
        let hall = &mut self.halls[hall];
        let mut facts = Vec::new();
        let nobody: UserId = "crowd".parse().unwrap();
        // On encrypted channels every count travels alone, which takes its time.
        let kind = hall.rooms[room].name.kind();
        if kind.is_presence() || kind.is_encrypted() {
            return facts;
        }
        while hall.rooms[room].crowd < crowd {
            hall.rooms[room].crowd += 1;
            hall.subscribe(now_ms, room, &nobody, &mut facts);
        }
        while hall.rooms[room].crowd > crowd {
            hall.rooms[room].crowd -= 1;
            hall.unsubscribe(now_ms, room, &nobody, &mut facts);
        }
        facts
    }

    /// Somebody publishes to a channel.
    pub(super) fn publishes(&mut self, now_ms: u64, hall: usize, room: usize) -> Vec<Fact> {
        let hall = &mut self.halls[hall];
        let room = &mut hall.rooms[room];
        let fills = room.name.kind().is_cache() && !room.has_cached && room.listeners > 0;
        room.has_cached = room.name.kind().is_cache();
        let room = &*room;
        let fact = Fact {
            app: hall.app.clone(),
            channel: room.name.clone(),
            at_ms: now_ms,
            what: What::CacheFilled,
        };
        if fills { vec![fact] } else { Vec::new() }
    }

    /// The time of a cached event is over.
    pub(super) fn forgets(&mut self, hall: usize, room: usize) {
        self.halls[hall].rooms[room].has_cached = false;
    }

    /// The server is gone, and everybody with it.
    pub(super) fn crashes(&mut self) {
        for client in &mut self.clients {
            client.is_here = false;
        }
        for room in self.halls.iter_mut().flat_map(|hall| &mut hall.rooms) {
            *room = Room::new(room.name.clone());
        }
    }

    /// Everything that is here.
    pub(super) fn here(&self) -> BTreeSet<Named> {
        let mut here = BTreeSet::new();
        for hall in &self.halls {
            for room in hall.rooms.iter().filter(|room| room.listeners > 0) {
                let name = || room.name.as_str().to_owned();
                here.insert((hall.app.clone(), name(), None));
                let members = room.members.keys();
                here.extend(members.map(|user| (hall.app.clone(), name(), Some(user.clone()))));
            }
        }
        here
    }

    /// A client knows here what it knew elsewhere.
    pub(super) fn knows_from(&mut self, client: usize, other: &Self) {
        self.clients[client].rooms = other.clients[client].rooms.clone();
    }

    /// How many listen to the channels of apps that count, as facts.
    pub(super) fn counts(&self, now_ms: u64, app: &AppId) -> Vec<Fact> {
        let hall = self.halls.iter().find(|hall| hall.app == *app).unwrap();
        let rooms = hall.rooms.iter().filter(|room| hall.counts && room.listeners > 0);
        let rooms = rooms.filter(|room| room.name.kind().announces_count());
        let count = |room: &Room| What::SubscriptionCount(room.listeners);
        rooms.map(|room| hall.fact(now_ms, room, count(room))).collect()
    }

    /// The present state of an app as facts.
    pub(super) fn retells(&self, now_ms: u64, app: &AppId) -> Vec<Fact> {
        let hall = self.halls.iter().find(|hall| hall.app == *app).unwrap();
        let mut facts = Vec::new();
        for room in hall.rooms.iter().filter(|room| room.listeners > 0) {
            facts.push(hall.fact(now_ms, room, What::Occupied));
            let members = room.members.keys().cloned();
            facts.extend(members.map(|user| hall.fact(now_ms, room, What::MemberAdded(user))));
        }
        facts
    }
}

impl Hall {
    fn fact(&self, at_ms: u64, room: &Room, what: What) -> Fact {
        Fact { app: self.app.clone(), channel: room.name.clone(), at_ms, what }
    }

    fn subscribe(&mut self, now_ms: u64, room: usize, user: &UserId, facts: &mut Vec<Fact>) {
        let mut whats = Vec::new();
        let room_at = room;
        let room = &mut self.rooms[room];
        if room.listeners == 0 {
            whats.push(What::Occupied);
        }
        if room.name.kind().is_presence() {
            let tabs = room.members.entry(user.clone()).or_default();
            *tabs += 1;
            if *tabs == 1 {
                whats.push(What::MemberAdded(user.clone()));
            }
        }
        room.listeners += 1;
        if room.name.kind().is_cache() && !room.has_cached {
            whats.push(What::CacheMiss);
        }
        if self.counts && room.name.kind().announces_count() {
            whats.push(What::SubscriptionCount(room.listeners));
        }
        self.tell(now_ms, room_at, whats, facts);
    }

    fn unsubscribe(&mut self, now_ms: u64, room: usize, user: &UserId, facts: &mut Vec<Fact>) {
        let mut whats = Vec::new();
        let room_at = room;
        let room = &mut self.rooms[room];
        room.listeners -= 1;
        if room.name.kind().is_presence() {
            let tabs = room.members.get_mut(user).unwrap();
            *tabs -= 1;
            if *tabs == 0 {
                room.members.remove(user);
                whats.push(What::MemberRemoved(user.clone()));
            }
        }
        if self.counts && room.name.kind().announces_count() {
            whats.push(What::SubscriptionCount(room.listeners));
        }
        if room.listeners == 0 {
            whats.push(What::Vacated);
        }
        self.tell(now_ms, room_at, whats, facts);
    }

    fn tell(&self, now_ms: u64, room: usize, whats: Vec<What>, facts: &mut Vec<Fact>) {
        let room = &self.rooms[room];
        facts.extend(whats.into_iter().map(|what| self.fact(now_ms, room, what)));
    }
}

impl Room {
    fn new(name: ChannelName) -> Self {
        Self { name, listeners: 0, members: BTreeMap::new(), crowd: 0, has_cached: false }
    }
}
