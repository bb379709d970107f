//! What the floor reads and says: as little of HTTP and Pusher as the harness's own client needs, found
//! by searching. Frames have the members of a real server's, so the same size.

use anyhow::{Context as _, Result, bail};
use memchr::memmem;

use crate::frame::{self, Frame};
use crate::publisher::header;

/// A request that has arrived to its end.
pub(super) struct Request<'a> {
    /// Head and body together.
    pub(super) size: usize,
    /// The body of a publish; `None` asks for an upgrade.
    pub(super) published: Option<&'a [u8]>,
}

/// A publish as its hearers get it.
pub(super) struct Published<'a> {
    /// Where to.
    pub(super) channel: &'a [u8],
    /// What each gets.
    pub(super) frame: Vec<u8>,
}

/// What a frame asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish<'a> {
    /// To be said to the others.
    ClientEvent,
    /// To hear a channel, as this member if it is a presence channel.
    Subscribe {
        /// Its name.
        channel: &'a [u8],
        /// The channel data as it stands in the JSON, escapes and all.
        member: &'a [u8],
    },
    /// To hear it no more.
    Unsubscribe {
        /// Its name.
        channel: &'a [u8],
    },
    /// Nothing that the floor knows.
    Nothing,
}

/// The first request of `bytes`; `None` if it arrived cut.
pub(super) fn request(bytes: &[u8]) -> Result<Option<Request<'_>>> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let is_publish = bytes.starts_with(b"POST ");
    let head = std::str::from_utf8(&bytes[..end])?;
    let length = header(head, "content-length").unwrap_or("0").parse::<usize>()?;
    let size = end + 4 + length;
    Ok(bytes.get(end + 4..size).map(|body| Request { size, published: is_publish.then_some(body) }))
}

pub(super) fn published(body: &[u8]) -> Result<Published<'_>> {
    let (name, data) = (string(body, b"\"name\":")?, string(body, b"\"data\":")?);
    let channel = string(body, CHANNEL)?;
    let parts: [&[u8]; 7] =
        [b"{\"event\":", name, b",\"data\":", data, b",\"channel\":", channel, b"}"];
    let frame = frame::unmasked(frame::TEXT, &parts.concat());
    Ok(Published { channel: inside(channel), frame })
}

/// # Errors
/// When the peer leaves.
pub(super) fn wish<'a>(frame: &Frame<'a>) -> Result<Wish<'a>> {
    let payload = frame.payload;
    if frame.opcode != frame::TEXT {
        return if frame.opcode == frame::CLOSE { bail!("left") } else { Ok(Wish::Nothing) };
    }
    if payload.get(EVENT_PLACE..).is_some_and(|event| event.starts_with(b"client-")) {
        return Ok(Wish::ClientEvent);
    }
    let says = |word: &[u8]| memmem::find(payload, word).is_some();
    if says(b"pusher:subscribe") {
        let channel = inside(string(payload, CHANNEL)?);
        return Ok(Wish::Subscribe { channel, member: member(payload) });
    }
    if says(b"pusher:unsubscribe") {
        return Ok(Wish::Unsubscribe { channel: inside(string(payload, CHANNEL)?) });
    }
    Ok(Wish::Nothing)
}

pub(super) fn established() -> Vec<u8> {
    frame::unmasked(frame::TEXT, ESTABLISHED)
}

/// With a text as long as the list of that many members would be; 0 if it is no presence channel.
pub(super) fn succeeded(channel: &[u8], members: usize) -> Vec<u8> {
    let data = [b"{".to_vec(), vec![b'x'; members * MEMBER_BYTES], b"}".to_vec()].concat();
    internal("subscription_succeeded", channel, &data)
}

pub(super) fn member_added(channel: &[u8], member: &[u8]) -> Vec<u8> {
    internal("member_added", channel, member)
}

pub(super) fn member_removed(channel: &[u8], member: &[u8]) -> Vec<u8> {
    internal("member_removed", channel, member)
}

fn internal(event: &str, channel: &[u8], data: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 7] = [
        b"{\"event\":\"pusher_internal:",
        event.as_bytes(),
        b"\",\"data\":\"",
        data,
        b"\",\"channel\":\"",
        channel,
        b"\"}",
    ];
    frame::unmasked(frame::TEXT, &parts.concat())
}

/// Channel data ends with its own brace, whatever escapes it has; empty if there is none.
fn member(payload: &[u8]) -> &[u8] {
    let Some(key) = memmem::find(payload, MEMBER) else { return &[] };
    let rest = &payload[key + MEMBER.len()..];
    memmem::find(rest, b"}\"").map_or(&[][..], |end| &rest[..=end])
}

/// A string member of the harness's own JSON, quotes included; it holds no escapes.
fn string<'a>(body: &'a [u8], key: &[u8]) -> Result<&'a [u8]> {
    let start = memmem::find(body, key).context("a member")? + key.len();
    let length = memchr::memchr(b'"', &body[start + 1..]).context("the member's end")?;
    Ok(&body[start..start + length + 2])
}

/// A string without its quotes.
fn inside(quoted: &[u8]) -> &[u8] {
    &quoted[1..quoted.len() - 1]
}

/// The answer to a publish.
pub(super) const ACCEPTED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
/// The answer to an upgrade.
pub(super) const UPGRADED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const ESTABLISHED: &[u8] = br#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.1\",\"activity_timeout\":120}"}"#;
const CHANNEL: &[u8] = b"\"channel\":";
const MEMBER: &[u8] = b"\"channel_data\":\"";
/// Where the event's name starts in a client event of the harness.
const EVENT_PLACE: usize = b"{\"event\":\"".len();
/// About what a member takes in the list of a presence channel: its id twice, with quotes.
const MEMBER_BYTES: usize = 44;

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::sign::Credentials;
    use crate::topics::{self, Pass};

    fn payload(bytes: &[u8]) -> String {
        let frame = frame::first(bytes).expect("a whole frame");
        String::from_utf8_lossy(frame.payload).into_owned()
    }

    #[test]
    fn a_publish_becomes_the_frame_of_a_real_server() {
        let published =
            published(br#"{"channel":"c","data":"~~0~~","name":"load"}"#).expect("a publish");
        assert_eq!(published.channel, b"c");
        let text = payload(&published.frame);
        assert_eq!(text, r#"{"event":"load","data":"~~0~~","channel":"c"}"#);
    }

    #[test]
    fn what_the_client_says_is_understood() {
        let credentials =
            Rc::new(Credentials { app_id: "1".into(), key: "k".into(), secret: "s".into() });
        let pass = Pass { credentials, member: Some(r#"{"user_id":"7"}"#.into()) };
        let join = topics::subscribe("presence-room", "1.1", Some(&pass));
        let wanted =
            Wish::Subscribe { channel: b"presence-room", member: br#"{\"user_id\":\"7\"}"# };
        assert_eq!(wish(&frame::first(&join).expect("a frame")).expect("a wish"), wanted);
        let leave = topics::unsubscribe("presence-room");
        let wanted = Wish::Unsubscribe { channel: b"presence-room" };
        assert_eq!(wish(&frame::first(&leave).expect("a frame")).expect("a wish"), wanted);
        let goodbye = frame::masked(frame::CLOSE, b"");
        assert!(wish(&frame::first(&goodbye).expect("a frame")).is_err());
    }

    #[test]
    fn a_member_is_told_as_a_real_server_tells_it() {
        let text = payload(&member_added(b"presence-room", br#"{\"user_id\":\"7\"}"#));
        let wanted = r#"{"event":"pusher_internal:member_added","data":"{\"user_id\":\"7\"}","channel":"presence-room"}"#;
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_request_is_taken_when_its_body_is_there() {
        let bytes = b"POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET";
        let request = request(bytes).expect("http").expect("a whole request");
        assert_eq!((request.size, request.published), (bytes.len() - 3, Some(&b"{}"[..])));
        assert!(super::request(&bytes[..bytes.len() - 4]).expect("http").is_none());
    }
}
