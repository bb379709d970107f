//! A client that believes what it hears, as SDKs do: its picture of a channel is made of frames and
//! of nothing else. News that do not fit the picture are a bug of the hub.

use std::collections::{BTreeMap, BTreeSet};

use bellwire_protocol::Frame;
use serde_json::Value;

/// What one connection believes.
#[derive(Default)]
pub(super) struct Listener {
    /// By channel.
    pub(super) pictures: BTreeMap<String, Picture>,
    /// Who of the watched is online.
    pub(super) watched: BTreeMap<String, bool>,
    /// Whether the next watchlist frame is the first after a sign-in.
    fresh: bool,
}

/// What a connection believes of one channel.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) members: BTreeSet<String>,
    /// The data of every event since the success, cached ones included.
    pub(super) events: Vec<String>,
    /// Whether nothing was cached.
    pub(super) missed: bool,
    /// The last count that was said.
    pub(super) count: Option<u64>,
}

impl Listener {
    pub(super) fn hear(&mut self, frame: &Frame) {
        let said: Value = serde_json::from_slice(frame.payload()).unwrap();
        let data = said["data"].as_str().unwrap();
        match said["event"].as_str().unwrap() {
            "pusher:signin_success" => {
                self.watched.clear();
                self.fresh = true;
            }
            "pusher_internal:watchlist_events" => self.watch(&json(data)),
            "pusher_internal:subscription_succeeded" => {
                let picture = Picture { members: members(data), ..Picture::default() };
                let channel = text(&said["channel"]);
                let before = self.pictures.insert(channel, picture);
                assert!(before.is_none(), "admitted twice: {said}");
            }
            event => {
                let picture = self.pictures.get_mut(said["channel"].as_str().unwrap());
                picture.unwrap_or_else(|| panic!("not subscribed: {said}")).hear(event, data);
            }
        }
    }

    fn watch(&mut self, data: &Value) {
        for group in data["events"].as_array().unwrap() {
            let online = group["name"] == "online";
            for user in group["user_ids"].as_array().unwrap() {
                let before = self.watched.insert(text(user), online);
                let expected = if self.fresh { None } else { Some(!online) };
                assert_eq!(before, expected, "{user} is {online} already");
            }
        }
        self.fresh = false;
    }
}

impl Picture {
    fn hear(&mut self, event: &str, data: &str) {
        match event {
            "pusher_internal:member_added" => {
                assert!(self.members.insert(user_id(data)), "there already: {data}");
            }
            "pusher_internal:member_removed" => {
                assert!(self.members.remove(&user_id(data)), "not there: {data}");
            }
            "pusher_internal:subscription_count" => {
                self.count = json(data)["subscription_count"].as_u64();
            }
            "pusher:cache_miss" => {
                assert!(self.events.is_empty() && !self.missed, "a miss comes first and once");
                self.missed = true;
            }
            _ => self.events.push(data.into()),
        }
    }
}

fn members(succeeded: &str) -> BTreeSet<String> {
    let presence = &json(succeeded)["presence"];
    let ids = presence["ids"].as_array().map_or(&[][..], Vec::as_slice);
    let members: BTreeSet<String> = ids.iter().map(text).collect();
    let hash = presence["hash"].as_object().map_or(0, serde_json::Map::len);
    assert_eq!((ids.len(), hash), (members.len(), members.len()), "{succeeded}");
    members
}

fn user_id(data: &str) -> String {
    text(&json(data)["user_id"])
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
