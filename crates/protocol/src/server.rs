//! What the server says, byte for byte (contract 3). `data` is a string in every frame but
//! `pusher:error`; `channel` and `user_id` are left out when there is none; every frame has `data`.

use crate::channel::ChannelName;
use crate::close::Close;
use crate::frame::{Frame, FrameBuilder};
use crate::ids::UserId;
use crate::json::{JsonStr, push_string};
use crate::socket_id::SocketId;

/// The first frame of a connection (contract 1.10, 1.11).
#[must_use]
pub fn connection_established(socket_id: SocketId, activity_timeout_s: u32) -> Frame {
    let data = format!(r#"{{"socket_id":"{socket_id}","activity_timeout":{activity_timeout_s}}}"#);
    internal("pusher:connection_established", &data, None)
}

/// The one frame whose data is an object (contract 3.3, 3.4).
#[must_use]
pub fn error(code: Option<u16>, message: &str) -> Frame {
    let mut frame = FrameBuilder::with_capacity(64 + message.len());
    let out = frame.payload();
    out.extend_from_slice(br#"{"event":"pusher:error","data":{"code":"#);
    match code {
        Some(code) => out.extend_from_slice(code.to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(br#","message":"#);
    push_string(out, message);
    out.extend_from_slice(b"}}");
    frame.finish_text()
}

/// The `pusher:error` that goes before a close frame (contract 1.8).
#[must_use]
pub fn closing(close: &Close) -> Frame {
    error(Some(close.code), &close.reason)
}

/// The answer to `pusher:ping` (contract 2.1, 3.8).
#[must_use]
pub fn pong() -> Frame {
    internal("pusher:pong", "{}", None)
}

/// A subscription stands (contract 4.6).
#[must_use]
pub fn subscription_succeeded(channel: &ChannelName) -> Frame {
    internal("pusher_internal:subscription_succeeded", "{}", Some(channel))
}

/// A member as snapshots name it, escaped once for all of them: of a room, every newcomer gets one.
#[derive(Debug)]
pub struct Spelled {
    /// `\"id\":info`, as it stands in a string.
    entry: Box<[u8]>,
    /// How much of it is the id.
    id: usize,
}

impl Spelled {
    /// A member with what is said of it.
    #[must_use]
    pub fn new(id: &UserId, info: Option<&str>) -> Self {
        let mut entry = Vec::new();
        push_string(&mut entry, id.as_str());
        let mut entry = inside_a_string(entry);
        let id = entry.len();
        entry.push(b':');
        entry.extend(inside_a_string(info.unwrap_or("null").into()));
        Self { entry: entry.into(), id }
    }

    /// What is said of it, as JSON; `null` if nothing is.
    #[must_use]
    pub fn info(&self) -> String {
        let literal = [b"\"", &self.entry[self.id + 1..], b"\""].concat();
        // It was made of a text, so that it is one.
        serde_json::from_slice(&literal).unwrap_or_default()
    }
}

/// Text as it stands in a string literal, without the quotes.
fn inside_a_string(text: Vec<u8>) -> Vec<u8> {
    let mut literal = Vec::with_capacity(text.len() + 2);
    push_string(&mut literal, &crate::json::into_text(text));
    literal.pop();
    literal.remove(0);
    literal
}

/// A subscription to a presence channel stands. Who is there: ids, a hash with a key for every one of
/// them, and their number (contract 5.4, 5.5).
pub fn presence_succeeded<'a>(
    channel: &ChannelName,
    members: impl Iterator<Item = &'a Spelled> + Clone,
) -> Frame {
    let bytes: usize = members.clone().map(|member| member.entry.len() + member.id + 2).sum();
    let mut frame = FrameBuilder::with_capacity(256 + channel.as_str().len() + bytes);
    let out = frame.payload();
    out.extend_from_slice(br#"{"event":"pusher_internal:subscription_succeeded","data":""#);
    out.extend_from_slice(br#"{\"presence\":{\"ids\":["#);
    let mut count = 0;
    for member in members.clone() {
        separate(out, count);
        out.extend_from_slice(&member.entry[..member.id]);
        count += 1;
    }
    out.extend_from_slice(br#"],\"hash\":{"#);
    for (at, member) in members.enumerate() {
        separate(out, at);
        out.extend_from_slice(&member.entry);
    }
    out.extend_from_slice(format!(r#"}},\"count\":{count}}}}}","channel":"#).as_bytes());
    push_string(out, channel.as_str());
    out.push(b'}');
    frame.finish_text()
}

/// A subscription was refused, for clients that listen for it by channel (contract 4.9).
#[must_use]
pub fn subscription_error(channel: &str, message: &str, status: u16) -> Frame {
    let mut data = br#"{"type":"AuthError","error":"#.to_vec();
    push_string(&mut data, message);
    data.extend_from_slice(format!(r#","status":{status}}}"#).as_bytes());
    let data = crate::json::into_text(data);
    spliced(r#""pusher:subscription_error""#, &JsonStr::encode(&data), Some(channel), None)
}

/// Nothing is cached on the channel (contract 8.2).
#[must_use]
pub fn cache_miss(channel: &ChannelName) -> Frame {
    internal("pusher:cache_miss", "{}", Some(channel))
}

/// A user's first connection joined (contract 5.7).
#[must_use]
pub fn member_added(channel: &ChannelName, user: &UserId, info: Option<&str>) -> Frame {
    let mut data = member(user);
    if let Some(info) = info {
        data.extend_from_slice(br#","user_info":"#);
        data.extend_from_slice(info.as_bytes());
    }
    data.push(b'}');
    internal("pusher_internal:member_added", &crate::json::into_text(data), Some(channel))
}

/// A user's last connection left (contract 5.7).
#[must_use]
pub fn member_removed(channel: &ChannelName, user: &UserId) -> Frame {
    let mut data = member(user);
    data.push(b'}');
    internal("pusher_internal:member_removed", &crate::json::into_text(data), Some(channel))
}

/// How many connections listen (contract 14.1).
#[must_use]
pub fn subscription_count(channel: &ChannelName, count: usize) -> Frame {
    let data = format!(r#"{{"subscription_count":{count}}}"#);
    internal("pusher_internal:subscription_count", &data, Some(channel))
}

/// The socket is signed in; the user data goes back as the string it was (contract 6.3).
#[must_use]
pub fn signin_success(user_data: &str) -> Frame {
    let mut data = br#"{"user_data":"#.to_vec();
    push_string(&mut data, user_data);
    data.push(b'}');
    internal("pusher:signin_success", &crate::json::into_text(data), None)
}

/// Which watched users are here and which are not; an empty group is left out (contract 6.9, 6.10).
#[must_use]
pub fn watchlist_events(online: &[UserId], offline: &[UserId]) -> Frame {
    let mut data = br#"{"events":["#.to_vec();
    let groups = [("online", online), ("offline", offline)];
    for (at, (name, users)) in groups.iter().filter(|(_, users)| !users.is_empty()).enumerate() {
        separate(&mut data, at);
        data.extend_from_slice(format!(r#"{{"name":"{name}","user_ids":["#).as_bytes());
        for (at, user) in users.iter().enumerate() {
            separate(&mut data, at);
            push_string(&mut data, user.as_str());
        }
        data.extend_from_slice(b"]}");
    }
    data.extend_from_slice(b"]}");
    internal("pusher_internal:watchlist_events", &crate::json::into_text(data), None)
}

/// An event of a publisher: its own name and data, spliced in as they came (contract 3.7, 7.1).
#[must_use]
pub fn event(
    name: &JsonStr<'_>,
    channel: &ChannelName,
    data: &JsonStr<'_>,
    user: Option<&UserId>,
) -> Frame {
    spliced(name.literal(), data, Some(channel.as_str()), user)
}

fn member(user: &UserId) -> Vec<u8> {
    let mut data = br#"{"user_id":"#.to_vec();
    push_string(&mut data, user.as_str());
    data
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

fn internal(name: &str, data: &str, channel: Option<&ChannelName>) -> Frame {
    let name = format!("\"{name}\"");
    spliced(&name, &JsonStr::encode(data), channel.map(ChannelName::as_str), None)
}

fn spliced(name: &str, data: &JsonStr<'_>, channel: Option<&str>, user: Option<&UserId>) -> Frame {
    let data = data.literal();
    let room = 64 + name.len() + data.len() + channel.map_or(0, str::len);
    let mut frame = FrameBuilder::with_capacity(room);
    let out = frame.payload();
    out.extend_from_slice(br#"{"event":"#);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(br#","data":"#);
    out.extend_from_slice(data.as_bytes());
    if let Some(channel) = channel {
        out.extend_from_slice(br#","channel":"#);
        push_string(out, channel);
    }
    if let Some(user) = user {
        out.extend_from_slice(br#","user_id":"#);
        push_string(out, user.as_str());
    }
    out.push(b'}');
    frame.finish_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(frame: &Frame) -> String {
        String::from_utf8(frame.payload().to_vec()).unwrap()
    }

    fn channel(name: &str) -> ChannelName {
        name.parse().unwrap()
    }

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    // contract: 1.10, 1.11, 3.1, 3.2
    #[test]
    fn the_first_frame_is_what_sdks_parse() {
        let frame = connection_established("1.2".parse().unwrap(), 120);
        assert_eq!(
            said(&frame),
            r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":120}"}"#
        );
    }

    // contract: 1.8, 3.3, 3.4
    #[test]
    fn an_error_has_an_object_as_data() {
        assert_eq!(
            said(&error(None, "no \"x\"")),
            r#"{"event":"pusher:error","data":{"code":null,"message":"no \"x\""}}"#
        );
        assert_eq!(
            said(&closing(&crate::close::OVER_QUOTA)),
            r#"{"event":"pusher:error","data":{"code":4004,"message":"Account over quota"}}"#
        );
    }

    // contract: 3.5, 3.6, 3.8, 3.9
    #[test]
    fn every_frame_has_data_and_no_null_channel() {
        assert_eq!(said(&pong()), r#"{"event":"pusher:pong","data":"{}"}"#);
        assert_eq!(
            said(&subscription_succeeded(&channel("a"))),
            r#"{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"a"}"#
        );
        assert_eq!(
            said(&cache_miss(&channel("cache-a"))),
            r#"{"event":"pusher:cache_miss","data":"{}","channel":"cache-a"}"#
        );
    }

    // contract: 5.4, 5.5
    #[test]
    fn a_snapshot_has_a_hash_key_for_every_member() {
        let (a, b) = (user("1"), user("b\""));
        let members = [Spelled::new(&a, Some(r#"{"name":"A\n"}"#)), Spelled::new(&b, None)];
        let data =
            r#"{"presence":{"ids":["1","b\""],"hash":{"1":{"name":"A\n"},"b\"":null},"count":2}}"#;
        let room = channel("presence-r");
        let as_one = internal("pusher_internal:subscription_succeeded", data, Some(&room));
        assert_eq!(said(&presence_succeeded(&room, members.iter())), said(&as_one));
        assert_eq!(members.map(|member| member.info()), [r#"{"name":"A\n"}"#, "null"]);
    }

    // contract: 5.7, 3.2
    #[test]
    fn member_frames_leave_out_what_there_is_not() {
        let room = channel("presence-r");
        assert_eq!(
            said(&member_added(&room, &user("7"), None)),
            r#"{"event":"pusher_internal:member_added","data":"{\"user_id\":\"7\"}","channel":"presence-r"}"#
        );
        assert_eq!(
            said(&member_added(&room, &user("7"), Some(r#"{"a":1}"#))),
            r#"{"event":"pusher_internal:member_added","data":"{\"user_id\":\"7\",\"user_info\":{\"a\":1}}","channel":"presence-r"}"#
        );
        assert_eq!(
            said(&member_removed(&room, &user("7"))),
            r#"{"event":"pusher_internal:member_removed","data":"{\"user_id\":\"7\"}","channel":"presence-r"}"#
        );
    }

    // contract: 6.3
    #[test]
    fn signin_success_returns_the_string_received() {
        assert_eq!(
            said(&signin_success(r#"{"id": "1"}"#)),
            r#"{"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"id\\\": \\\"1\\\"}\"}"}"#
        );
    }

    // contract: 6.9, 6.10
    #[test]
    fn a_watchlist_frame_leaves_out_empty_groups() {
        assert_eq!(
            said(&watchlist_events(&[user("a")], &[])),
            r#"{"event":"pusher_internal:watchlist_events","data":"{\"events\":[{\"name\":\"online\",\"user_ids\":[\"a\"]}]}"}"#
        );
    }

    // contract: 3.7, 7.1
    #[test]
    fn an_event_is_spliced_in_as_it_came() {
        let name = JsonStr::encode("App\\Events\\Foo");
        let data = JsonStr::encode("{\"é\":1}");
        assert_eq!(
            said(&event(&name, &channel("presence-c"), &data, Some(&user("9")))),
            r#"{"event":"App\\Events\\Foo","data":"{\"é\":1}","channel":"presence-c","user_id":"9"}"#
        );
    }

    // contract: 14.1
    #[test]
    fn a_count_is_a_number_in_a_string() {
        assert_eq!(
            said(&subscription_count(&channel("a"), 3)),
            r#"{"event":"pusher_internal:subscription_count","data":"{\"subscription_count\":3}","channel":"a"}"#
        );
    }

    // contract: 4.9
    #[test]
    fn a_refused_subscription_names_its_channel() {
        assert_eq!(
            said(&subscription_error("private-a", "no", 401)),
            r#"{"event":"pusher:subscription_error","data":"{\"type\":\"AuthError\",\"error\":\"no\",\"status\":401}","channel":"private-a"}"#
        );
    }
}
