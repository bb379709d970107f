//! What publishers ask of the HTTP API: one event for some channels, or a batch (contract 12.4–12.15).

use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::channel::ChannelName;
use crate::json::{self, JsonStr};
use crate::limits;
use crate::query::Query;
use crate::socket_id::SocketId;

/// One event for one or more channels.
#[derive(Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// The event's name as it came, with its quotes.
    pub name: JsonStr<'a>,
    /// The data as it came, with its quotes; never looked into (contract 3.7).
    pub data: JsonStr<'a>,
    /// Each channel once, in the order of the request.
    pub channels: SmallVec<[ChannelName; 1]>,
    /// The connection that must not hear it.
    pub except: Option<SocketId>,
    /// What the publisher wants to know of the channels.
    pub info: Info,
}

/// Attributes of a channel that a request may ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Info {
    /// Distinct users, on presence channels.
    pub user_count: bool,
    /// Connections.
    pub subscription_count: bool,
    /// The cached event, on cache channels.
    pub cache: bool,
}

/// What an app allows its publishers.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// UTF-8 bytes of one event's data.
    pub data_bytes_max: usize,
    /// Whether names are held to `[A-Za-z0-9_\-:.]+`.
    pub strict_names: bool,
}

/// Why a publish is refused; nothing of it happens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Status 400.
    #[error("{0}")]
    Bad(String),
    /// Status 413.
    #[error(
        "The data content of this event exceeds the allowed maximum ({0} bytes). See \
         https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info"
    )]
    TooLarge(usize),
}

fn bad<T>(text: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Bad(text.into()))
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "json::present")]
    name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    channel: Option<&'a RawValue>,
    #[serde(borrow, default)]
    channels: Option<&'a RawValue>,
    #[serde(borrow, default)]
    socket_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    info: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow, default)]
    batch: Option<&'a RawValue>,
}

impl<'a> Publish<'a> {
    /// Reads the body of `POST /events`.
    ///
    /// # Errors
    /// The sentence for the publisher, and whether it is 400 or 413.
    pub fn parse(body: &'a str, rules: Rules) -> Result<Self, Refused> {
        let fields: Fields<'a> = object(body)?;
        let channels = channels(&fields)?;
        Self::checked(&fields, channels, rules)
    }

    /// Reads the body of `POST /batch_events`: all events or none.
    ///
    /// # Errors
    /// As [`Publish::parse`], for the first event that is wrong.
    pub fn parse_batch(body: &'a str, rules: Rules) -> Result<Vec<Self>, Refused> {
        let batch: Batch<'a> = object(body)?;
        let Some(batch) = batch.batch else {
            return bad("Missing parameter: batch");
        };
        let items: Vec<&'a RawValue> = serde_json::from_str(batch.get())
            .or_else(|_| bad("Expected batch parameter to be an array"))?;
        if items.len() > limits::EVENTS_PER_BATCH {
            return bad(format!("Batch too large (> {})", limits::EVENTS_PER_BATCH));
        }
        items.into_iter().map(|item| Self::parse_item(item.get(), rules)).collect()
    }

    fn parse_item(item: &'a str, rules: Rules) -> Result<Self, Refused> {
        let fields: Fields<'a> = object(item)?;
        if fields.channels.is_some() {
            return bad("Batch events take a channel parameter, not channels");
        }
        let channels = channels(&fields)?;
        Self::checked(&fields, channels, rules)
    }

    /// Reads `POST /events` with everything in its query and no body (contract 12.4).
    ///
    /// # Errors
    /// As [`Publish::parse`].
    pub fn from_query(query: &Query<'_>, rules: Rules) -> Result<Publish<'static>, Refused> {
        let mut names = SmallVec::new();
        for name in query.one("channel").into_iter().chain(query.many("channels")) {
            add_channel(&mut names, name)?;
        }
        let data = query.one("data");
        Self::from_parts(query, some_channels(names)?, data, rules)
    }

    /// The deprecated `POST /channels/{channel}/events`: the body is the data (contract 12.20).
    ///
    /// # Errors
    /// As [`Publish::parse`].
    pub fn deprecated(
        channel: ChannelName,
        query: &Query<'_>,
        body: &str,
        rules: Rules,
    ) -> Result<Publish<'static>, Refused> {
        Self::from_parts(query, SmallVec::from_iter([channel]), Some(body), rules)
    }

    fn from_parts(
        query: &Query<'_>,
        channels: SmallVec<[ChannelName; 1]>,
        data: Option<&str>,
        rules: Rules,
    ) -> Result<Publish<'static>, Refused> {
        let Some(name) = query.one("name") else {
            return bad("Missing parameter: name");
        };
        let Some(data) = data else {
            return bad("Missing parameter: data");
        };
        Ok(Publish {
            name: check_name(JsonStr::encode(name), rules)?,
            data: check_data(JsonStr::encode(data), rules)?,
            channels,
            except: query.one("socket_id").map(parse_socket_id).transpose()?,
            info: query.one("info").map_or(Ok(Info::default()), Info::for_publish)?,
        })
    }

    fn checked(
        fields: &Fields<'a>,
        channels: SmallVec<[ChannelName; 1]>,
        rules: Rules,
    ) -> Result<Self, Refused> {
        let name = required_string(fields.name, "name")?;
        let data = required_string(fields.data, "data")?;
        let socket_id = optional_string(fields.socket_id, "socket_id")?;
        let info = optional_string(fields.info, "info")?;
        Ok(Self {
            name: check_name(name, rules)?,
            data: check_data(data, rules)?,
            channels,
            except: socket_id.map(|id| parse_socket_id(&id.decode())).transpose()?,
            info: info.map_or(Ok(Info::default()), |info| Info::for_publish(&info.decode()))?,
        })
    }
}

impl Info {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Reads a comma-separated list of attributes.
    ///
    /// # Errors
    /// When the list is malformed or names something else than `allowed`.
    pub fn parse(list: &str, allowed: &[&str]) -> Result<Self, Refused> {
        let mut info = Self::default();
        if list.is_empty() {
            return Ok(info);
        }
        for name in list.split(',').map(str::trim) {
            match name {
                "" => return bad("info should be a comma separated list of attributes"),
                name if !allowed.contains(&name) => {
                    return bad(format!(
                        "Unknown info attribute: '{name}'. Here one may ask for {}",
                        allowed.join(", ")
                    ));
                }
                "user_count" => info.user_count = true,
                "subscription_count" => info.subscription_count = true,
                _ => info.cache = true,
            }
        }
        Ok(info)
    }

    fn for_publish(list: &str) -> Result<Self, Refused> {
        Self::parse(list, &["user_count", "subscription_count"])
    }
}

fn object<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Refused> {
    if !body.trim_start().starts_with('{') {
        return bad("Expected the body to be a JSON object");
    }
    serde_json::from_str(body).or_else(|error| bad(format!("Invalid JSON: {error}")))
}

fn required_string<'a>(raw: Option<&'a RawValue>, name: &str) -> Result<JsonStr<'a>, Refused> {
    match raw {
        Some(raw) => expect_string(raw, name),
        None => bad(format!("Missing parameter: {name}")),
    }
}

fn optional_string<'a>(
    raw: Option<&'a RawValue>,
    name: &str,
) -> Result<Option<JsonStr<'a>>, Refused> {
    raw.map(|raw| expect_string(raw, name)).transpose()
}

fn expect_string<'a>(raw: &'a RawValue, name: &str) -> Result<JsonStr<'a>, Refused> {
    JsonStr::from_raw(raw)
        .map_or_else(|| bad(format!("Expected {name} parameter to be a string")), Ok)
}

fn channels(fields: &Fields<'_>) -> Result<SmallVec<[ChannelName; 1]>, Refused> {
    let mut names = SmallVec::new();
    if let Some(channel) = fields.channel {
        add_raw_channel(&mut names, channel)?;
    }
    if let Some(channels) = fields.channels {
        let list: Vec<&RawValue> = serde_json::from_str(channels.get())
            .or_else(|_| bad("Expected channels parameter to be an array"))?;
        if list.len() > limits::CHANNELS_PER_PUBLISH {
            return too_many_channels();
        }
        for channel in list {
            add_raw_channel(&mut names, channel)?;
        }
    }
    some_channels(names)
}

fn some_channels(names: SmallVec<[ChannelName; 1]>) -> Result<SmallVec<[ChannelName; 1]>, Refused> {
    match names.len() {
        0 => bad("Missing parameter: channels"),
        1..=limits::CHANNELS_PER_PUBLISH => Ok(names),
        _ => too_many_channels(),
    }
}

fn too_many_channels<T>() -> Result<T, Refused> {
    bad(format!("Too many channels (> {})", limits::CHANNELS_PER_PUBLISH))
}

fn add_raw_channel(names: &mut SmallVec<[ChannelName; 1]>, raw: &RawValue) -> Result<(), Refused> {
    match JsonStr::from_raw(raw) {
        Some(name) => add_channel(names, &name.decode()),
        None => bad("Expected channel name to be a string"),
    }
}

fn add_channel(names: &mut SmallVec<[ChannelName; 1]>, name: &str) -> Result<(), Refused> {
    let channel = parse_channel(name)?;
    if !names.contains(&channel) {
        names.push(channel);
    }
    Ok(())
}

/// Reads a channel's name out of a request.
///
/// # Errors
/// The sentence for status 400.
pub fn parse_channel(name: &str) -> Result<ChannelName, Refused> {
    let shown: String = name.chars().take(200).collect();
    name.parse().or_else(|error| bad(format!("Invalid channel name '{shown}': {error}")))
}

fn parse_socket_id(text: &str) -> Result<SocketId, Refused> {
    text.parse().or_else(|error| bad(format!("Invalid socket id: {error}")))
}

fn check_name<'a>(name: JsonStr<'a>, rules: Rules) -> Result<JsonStr<'a>, Refused> {
    let text = name.decode();
    let strict = |b: u8| b.is_ascii_alphanumeric() || b"_-:.".contains(&b);
    if text.is_empty() {
        return bad("Event name must not be empty");
    }
    if text.chars().count() > limits::EVENT_NAME_CHARS {
        return bad(format!("Event name is longer than {} characters", limits::EVENT_NAME_CHARS));
    }
    if text.starts_with("pusher:") || text.starts_with("pusher_internal:") {
        return bad("Event names starting with 'pusher:' or 'pusher_internal:' are reserved");
    }
    if rules.strict_names && !text.bytes().all(strict) {
        return bad("Event name may only have the characters A-Z a-z 0-9 _ - : .");
    }
    Ok(name)
}

fn check_data<'a>(data: JsonStr<'a>, rules: Rules) -> Result<JsonStr<'a>, Refused> {
    if data.is_longer_than(rules.data_bytes_max) {
        return Err(Refused::TooLarge(rules.data_bytes_max));
    }
    Ok(data)
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
