//! Queries: channels, one channel, its users (contract 12.16–12.20).

use bellwire_protocol::publish::Info;
use bellwire_protocol::{ChannelName, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Call, refused};
use crate::http::Answer;

impl Call<'_> {
    /// `GET /channels`: occupied ones only.
    pub(super) fn channels(&self) -> Result<Answer, Answer> {
        let prefix = self.query.one("filter_by_prefix").unwrap_or_default();
        let info = self.info(&["user_count"])?;
        if info.user_count && !prefix.starts_with("presence-") {
            return Err(Answer::bad(
                "user_count may only be requested for presence channels - please supply \
                 filter_by_prefix beginning with presence-",
            ));
        }
        let mut channels = Map::new();
        for (name, known) in self.house.hub.channels(&self.app, prefix) {
            let attributes =
                if info.user_count { json!({ "user_count": known.users }) } else { json!({}) };
            channels.insert(name.to_string(), attributes);
        }
        Ok(super::json(json!({ "channels": channels }).to_string()))
    }

    /// `GET /channels/{name}`: any legal name, occupied or not.
    pub(super) fn channel(&self, channel: &ChannelName) -> Result<Answer, Answer> {
        let info = self.info(&["user_count", "subscription_count", "cache"])?;
        self.check_info(info)?;
        let kind = channel.kind();
        if info.user_count && !kind.is_presence() {
            return Err(Answer::bad("user_count is only available on presence channels"));
        }
        if info.cache && !kind.is_cache() {
            return Err(Answer::bad("cache is only available on cache channels"));
        }
        let known = self.house.hub.info(&self.app, channel);
        let mut attributes = Map::new();
        attributes.insert("occupied".into(), json!(known.subscriptions > 0));
        if info.user_count {
            attributes.insert("user_count".into(), json!(known.users));
        }
        if info.subscription_count {
            attributes.insert("subscription_count".into(), json!(known.subscriptions));
        }
        if info.cache {
            attributes.insert("cache".into(), self.cached(channel));
        }
        Ok(super::json(Value::Object(attributes).to_string()))
    }

    /// `GET /channels/{name}/users`: presence channels only.
    pub(super) fn channel_users(&self, channel: &ChannelName) -> Result<Answer, Answer> {
        let extraneous: Vec<&str> = self.query.keys().filter(|key| !is_auth(key)).collect();
        if !extraneous.is_empty() {
            return Err(Answer::bad(&format!(
                "The following query string parameters are extraneous: {}",
                extraneous.join(", ")
            )));
        }
        if !channel.kind().is_presence() {
            return Err(Answer::bad("Users are only available on presence channels"));
        }
        let users = self.house.hub.users(&self.app, channel);
        let users: Vec<Value> =
            users.iter().map(|id| json!({ "id": UserId::as_str(id) })).collect();
        Ok(super::json(json!({ "users": users }).to_string()))
    }

    /// The deprecated `GET /channels/{name}/stats`.
    pub(super) fn channel_stats(&self, channel: &ChannelName) -> Answer {
        let known = self.house.hub.info(&self.app, channel);
        let mut stats = json!({
            "occupied": known.subscriptions > 0,
            "connection_count": known.subscriptions,
        });
        if channel.kind().is_presence() {
            stats["user_count"] = json!(known.users);
        }
        super::json(stats.to_string())
    }

    fn info(&self, allowed: &[&str]) -> Result<Info, Answer> {
        Info::parse(self.query.one("info").unwrap_or_default(), allowed).map_err(refused)
    }

    /// `{"data":…,"ttl":seconds}`, or null (contract 8.7).
    fn cached(&self, channel: &ChannelName) -> Value {
        #[derive(Deserialize)]
        struct Event<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let Some((frame, left_ms)) = self.house.hub.cached(self.now_ms, &self.app, channel) else {
            return Value::Null;
        };
        let event = serde_json::from_slice::<Event<'_>>(frame.payload());
        let data =
            event.ok().and_then(|event| serde_json::from_str::<Value>(event.data.get()).ok());
        json!({ "data": data, "ttl": left_ms.div_ceil(1000) })
    }
}

fn is_auth(key: &str) -> bool {
    matches!(key, "auth_key" | "auth_timestamp" | "auth_version" | "auth_signature" | "body_md5")
}
