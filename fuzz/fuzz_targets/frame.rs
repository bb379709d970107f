//! The frame codec: however the bytes of a client are cut, it reads the same, and whole frames are
//! read as a plain model of RFC 6455 reads them.
//!
//! Input: a byte for mode, limit and compression, a byte that decides the cuts, then either raw bytes
//! or frames as `first byte, length, payload`.

#![no_main]

use std::ops::ControlFlow;

use bellwire_protocol::deflate::Inflater;
use bellwire_protocol::frame::{FrameReader, Incoming};
use libfuzzer_sys::fuzz_target;

const LIMITS: [usize; 6] = [0, 1, 125, 126, 300, 70_000];

fuzz_target!(|input: &[u8]| {
    let Some((&[mode, seed], rest)) = input.split_first_chunk::<2>() else {
        return;
    };
    let limit = LIMITS[usize::from(mode >> 1) % LIMITS.len()];
    if mode & 1 == 0 {
        read_in_any_cuts(rest, limit, seed, mode & 0x80 != 0);
    } else {
        let frames = frames(rest);
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes(seed)).collect();
        assert_eq!(read_in_any_cuts(&bytes, limit, seed, false), model(&frames, limit));
    }
});

/// What was read, and the code of the close that ended it.
type Outcome = (Vec<Said>, Option<u16>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

fn read_in_any_cuts(bytes: &[u8], limit: usize, seed: u8, deflates: bool) -> Outcome {
    let (whole, kept) = read(&[bytes], limit, deflates);
    let (cut, kept_of_cut) = read(&cuts(bytes, seed), limit, deflates);
    assert_eq!(whole, cut, "cuts matter");
    assert_eq!(kept, kept_of_cut, "cuts leave different remains");
    whole
}

/// Reads piece after piece, as a connection does: not beyond a violation or a close frame.
fn read(pieces: &[&[u8]], limit: usize, deflates: bool) -> (Outcome, Option<usize>) {
    let mut reader = FrameReader::default();
    let mut inflater = deflates.then(Inflater::default);
    let mut said = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let result = reader.feed(&mut piece, limit, inflater.as_mut(), &mut |incoming| {
            said.push(match incoming {
                Incoming::Text(text) => Said::Text(text.into()),
                Incoming::Ping(payload) => Said::Ping(payload.into()),
                Incoming::Pong => Said::Pong,
                Incoming::Close(code) => Said::Close(code),
            });
            match said.last() {
                Some(Said::Close(_)) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        if let Err(close) = result {
            return ((said, Some(close.code)), None);
        }
        if matches!(said.last(), Some(Said::Close(_))) {
            return ((said, None), None);
        }
        // A header, and a message that is not complete, are the most that is ever kept.
        assert!(reader.kept_bytes() <= 2 * limit + 125 + 14, "keeps too much");
    }
    ((said, None), Some(reader.kept_bytes()))
}

/// Pieces of 1 to 16 bytes, or of up to 4096.
fn cuts(mut bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let largest = if seed & 1 == 0 { 16 } else { 4096 };
    let mut state = u32::from(seed) | 0x9E37_0000;
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = 1 + (state >> 16) as usize % largest;
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

struct Sent {
    first: u8,
    payload: Vec<u8>,
}

impl Sent {
    /// With a mask and a length of the shortest form.
    fn bytes(&self, seed: u8) -> Vec<u8> {
        let len = self.payload.len();
        let mut bytes = vec![self.first];
        match len {
            0..=125 => bytes.push(0x80 | len as u8),
            126..=0xFFFF => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        let mask = [seed, seed.rotate_left(3), !seed, seed ^ 0x5A];
        bytes.extend(mask);
        bytes.extend(self.payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        bytes
    }
}

/// Reads `first byte, length, payload`; the length 255 stands for a payload of many equal bytes.
fn frames(mut input: &[u8]) -> Vec<Sent> {
    let mut frames = Vec::new();
    while let Some((&[first, len], rest)) = input.split_first_chunk::<2>() {
        if let (255, Some((&[a, b, fill], rest))) = (len, rest.split_first_chunk::<3>()) {
            let payload = vec![fill; usize::from(u16::from_be_bytes([a, b])) + 1_000];
            frames.push(Sent { first, payload });
            input = rest;
        } else {
            let (payload, rest) = rest.split_at(usize::from(len).min(rest.len()));
            frames.push(Sent { first, payload: payload.to_vec() });
            input = rest;
        }
        if frames.len() == 64 {
            break;
        }
    }
    frames
}

/// What RFC 6455 and the contract make of whole frames.
fn model(frames: &[Sent], limit: usize) -> Outcome {
    let mut said = Vec::new();
    let mut message: Option<Vec<u8>> = None;
    for Sent { first, payload } in frames {
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
        if first & 0x70 != 0 {
            return (said, Some(1002));
        }
        match opcode {
            0 | 1 if message.is_some() != (opcode == 0) => return (said, Some(1002)),
            0 | 1 => {
                let mut whole = message.take().unwrap_or_default();
                whole.extend(payload);
                if whole.len() > limit {
                    return (said, Some(1009));
                }
                if !fin {
                    message = Some(whole);
                    continue;
                }
                match String::from_utf8(whole) {
                    Ok(text) => said.push(Said::Text(text)),
                    Err(_) => return (said, Some(1007)),
                }
            }
            2 => return (said, Some(1003)),
            8..=10 if !fin || payload.len() > 125 => return (said, Some(1002)),
            9 => said.push(Said::Ping(payload.clone())),
            10 => said.push(Said::Pong),
            8 => return closed(said, payload),
            _ => return (said, Some(1002)),
        }
    }
    (said, None)
}

fn closed(mut said: Vec<Said>, payload: &[u8]) -> Outcome {
    let code = match payload {
        [] => None,
        [_] => return (said, Some(1002)),
        [a, b, reason @ ..] => {
            if std::str::from_utf8(reason).is_err() {
                return (said, Some(1007));
            }
            let code = u16::from_be_bytes([*a, *b]);
            let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if !may_be_sent {
                return (said, Some(1002));
            }
            Some(code)
        }
    };
    said.push(Said::Close(code));
    (said, None)
}
