//! Lines of a console as they travel. What a newer node says besides is passed over.

use bellwire_live::console::Counts;
use bellwire_live::line::{Line, LogType};
use bellwire_live::sharing::Said;
use bellwire_protocol::SocketId;
use bytes::Bytes;

use crate::reading::{Reader, Refusal, put_number, put_part, put_text};

/// Bytes of a message, roughly: a line more at most.
const MESSAGE_BYTES: usize = 32 << 10;

/// Messages of what a node says, in order: at least one.
#[must_use]
pub fn encode(said: &Said) -> Vec<Bytes> {
    let mut messages = Vec::new();
    let mut out = head(&said.node, &said.left_out);
    let mut part = Vec::new();
    for line in &said.lines {
        if out.len() > MESSAGE_BYTES {
            // What was left out is told once.
            let next = head(&said.node, &Counts::default());
            messages.push(std::mem::replace(&mut out, next).into());
        }
        part.clear();
        put_line(&mut part, line);
        put_part(&mut out, &part);
    }
    messages.push(out.into());
    messages
}

/// Reads a message.
///
/// # Errors
/// Which part cannot be read.
pub fn decode(bytes: &Bytes) -> Result<Said, Refusal> {
    let mut reader = Reader::of(bytes);
    let node = reader.parsed::<String>("node")?.into();
    let mut left_out = Counts::default();
    let told = reader.part("left out")?;
    let mut told = Reader::of(&told);
    while !told.is_at_end() {
        let (kind, count) = (kind(&mut told)?, told.number("count")?);
        if let Some(kind) = kind {
            left_out[kind as usize] = count;
        }
    }
    let mut lines = Vec::new();
    while !reader.is_at_end() {
        let part = reader.part("line")?;
        lines.extend(line(&mut Reader::of(&part))?);
    }
    Ok(Said { node, lines, left_out })
}

fn head(node: &str, left_out: &Counts) -> Vec<u8> {
    let (mut out, mut part) = (Vec::new(), Vec::new());
    put_text(&mut out, node);
    for kind in LogType::ALL {
        let count = left_out[kind as usize];
        if count > 0 {
            put_text(&mut part, kind.name());
            put_number(&mut part, count);
        }
    }
    put_part(&mut out, &part);
    out
}

fn put_line(out: &mut Vec<u8>, line: &Line) {
    let flags = [
        (line.socket.is_some(), SOCKET),
        (line.channel.is_some(), CHANNEL),
        (line.event.is_some(), EVENT),
        (line.user.is_some(), USER),
        (line.payload.is_some(), PAYLOAD),
        (line.truncated, TRUNCATED),
    ];
    put_text(out, line.kind.name());
    out.push(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum());
    put_number(out, line.at_ms);
    put_text(out, &line.detail);
    put_number(out, line.bytes as u64);
    if let Some(socket) = line.socket {
        put_number(out, socket.node);
        put_number(out, socket.connection);
    }
    let texts = [&line.channel, &line.event, &line.user, &line.payload];
    texts.into_iter().flatten().for_each(|text| put_text(out, text));
}

/// A line; nothing if its type is not known here.
fn line(reader: &mut Reader<'_>) -> Result<Option<Line>, Refusal> {
    let Some(kind) = kind(reader)? else { return Ok(None) };
    let flags = reader.byte("flags")?;
    let at_ms = reader.number("time")?;
    let detail: String = reader.parsed("detail")?;
    let bytes = usize::try_from(reader.number("bytes")?).unwrap_or(usize::MAX);
    let socket = if flags & SOCKET == 0 {
        None
    } else {
        let node = reader.number("socket id")?;
        Some(SocketId { node, connection: reader.number("socket id")? })
    };
    let mut text = |flag, part| {
        let is_there = flags & flag != 0;
        is_there.then(|| reader.parsed::<String>(part).map(Into::into)).transpose()
    };
    let line = Line {
        socket,
        channel: text(CHANNEL, "channel")?,
        event: text(EVENT, "event")?,
        user: text(USER, "user")?,
        payload: text(PAYLOAD, "payload")?,
        truncated: flags & TRUNCATED != 0,
        bytes,
        ..Line::new(kind, at_ms, detail)
    };
    Ok(Some(line))
}

fn kind(reader: &mut Reader<'_>) -> Result<Option<LogType>, Refusal> {
    Ok(LogType::named(&reader.parsed::<String>("type")?))
}

const SOCKET: u8 = 1;
const CHANNEL: u8 = 2;
const EVENT: u8 = 4;
const USER: u8 = 8;
const PAYLOAD: u8 = 16;
const TRUNCATED: u8 = 32;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    fn a_line() -> impl Strategy<Value = Line> {
        let text = || of(".{0,20}".prop_map(|text: String| Box::<str>::from(text)));
        let kind = (0..LogType::ALL.len()).prop_map(|at| LogType::ALL[at]);
        let texts = (text(), text(), text(), of("é{0,4000}".prop_map(|text: String| text)));
        let numbers = (any::<u64>(), of(any::<(u64, u64)>()), any::<usize>(), any::<bool>());
        (kind, ".{0,40}", texts, numbers).prop_map(
            |(kind, detail, (channel, event, user, payload), (at_ms, socket, bytes, truncated))| {
                Line {
                    socket: socket.map(|(node, connection)| SocketId { node, connection }),
                    channel,
                    event,
                    user,
                    payload: payload.map(Into::into),
                    truncated,
                    bytes,
                    ..Line::new(kind, at_ms, detail)
                }
            },
        )
    }

    fn said() -> impl Strategy<Value = Said> {
        let left_out = any::<[u64; LogType::ALL.len()]>();
        ("[a-z]{1,9}", proptest::collection::vec(a_line(), 0..30), left_out)
            .prop_map(|(node, lines, left_out)| Said { node: node.into(), lines, left_out })
    }

    proptest! {
        #[test]
        fn what_is_said_comes_back_in_order_and_is_counted_once(said in said()) {
            let messages = encode(&said);
            let most = messages.iter().map(Bytes::len).max();
            prop_assert!(most <= Some(MESSAGE_BYTES + 10_000), "{most:?}");
            let mut back = Said { lines: Vec::new(), left_out: Counts::default(), ..said.clone() };
            for message in messages {
                let part = decode(&message).unwrap();
                prop_assert_eq!(&part.node, &said.node);
                back.lines.extend(part.lines);
                let both = back.left_out.into_iter().zip(part.left_out);
                back.left_out = both.map(|(a, b)| a + b).collect::<Vec<_>>().try_into().unwrap();
            }
            prop_assert_eq!(back, said);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            let _ = decode(&bytes.into());
        }
    }

    #[test]
    fn a_type_of_a_newer_node_is_passed_over() {
        let kind = LogType::Error;
        let lines = vec![Line::new(kind, 1, "a"), Line::new(kind, 2, "b")];
        let said = Said { node: Arc::from("n"), lines, left_out: Counts::default() };
        let bytes = encode(&said)[0].to_vec();
        let at = bytes.windows(5).position(|window| window == b"error").unwrap();
        let mut newer = bytes;
        newer[at..at + 5].copy_from_slice(b"mango");
        let read = decode(&newer.into()).unwrap();
        assert_eq!(read.lines, said.lines[1..]);
    }
}
