//! RFC 6455 frames: what we send is built once with its header in front; what clients send is
//! decoded in place, without a buffer of its own unless a frame arrived cut.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use bytes::{BufMut, Bytes};

use crate::close::{self, Close};
use crate::deflate::{self, Deflater, Inflater};

/// A finished, unmasked frame as it goes to any number of sockets, and the message inside it for
/// transports without frames.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Header and payload.
    bytes: Bytes,
    /// Where the payload starts.
    header: u8,
    /// The same compressed, once somebody wants it so: one for all clones.
    squeezed: Option<Arc<OnceLock<Bytes>>>,
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Frame {}

impl Frame {
    /// A text frame.
    #[must_use]
    pub fn text(payload: &str) -> Self {
        let mut builder = FrameBuilder::with_capacity(payload.len());
        builder.payload().extend_from_slice(payload.as_bytes());
        builder.finish(OP_TEXT)
    }

    /// An empty ping.
    #[must_use]
    pub fn ping() -> Self {
        FrameBuilder::with_capacity(0).finish(OP_PING)
    }

    /// The answer to a ping.
    #[must_use]
    pub fn pong(payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(2 + payload.len());
        put_pong(&mut bytes, payload);
        Self { header: (bytes.len() - payload.len()) as u8, bytes: bytes.into(), squeezed: None }
    }

    /// A close frame.
    #[must_use]
    pub fn close(close: &Close) -> Self {
        let mut builder = FrameBuilder::with_capacity(2 + close.reason.len());
        builder.payload().extend_from_slice(&close.code.to_be_bytes());
        builder.payload().extend_from_slice(close.reason.as_bytes());
        builder.finish(OP_CLOSE)
    }

    /// Header and payload, to be written as they are.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The same frame for many that want it compressed: it will be compressed once for all clones.
    #[must_use]
    pub fn shared(mut self) -> Self {
        if self.is_text() && self.payload().len() >= deflate::BYTES_MIN {
            self.squeezed = Some(Arc::default());
        }
        self
    }

    /// Header and payload for those who take compressed messages; as they are if that is no shorter.
    #[must_use]
    pub fn squeezed(&self, deflater: &mut Deflater) -> Bytes {
        match &self.squeezed {
            Some(shared) => shared.get_or_init(|| self.squeeze(deflater)).clone(),
            None if self.is_text() && self.payload().len() >= deflate::BYTES_MIN => {
                self.squeeze(deflater)
            }
            None => self.bytes.clone(),
        }
    }

    fn squeeze(&self, deflater: &mut Deflater) -> Bytes {
        let mut builder = FrameBuilder::with_capacity(self.payload().len());
        if deflater.append(self.payload(), builder.payload()) {
            // It is kept for as long as somebody reads slowly: without the room that it did not need.
            builder.payload().shrink_to_fit();
            builder.finish(COMPRESSED | OP_TEXT).bytes
        } else {
            self.bytes.clone()
        }
    }

    /// The payload alone.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.bytes[usize::from(self.header)..]
    }

    /// The payload alone, shared.
    #[must_use]
    pub fn message(&self) -> Bytes {
        self.bytes.slice(usize::from(self.header)..)
    }

    /// Whether the payload is a message, rather than a ping, pong or close.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.bytes.first() == Some(&(FIN | OP_TEXT))
    }
}

/// Appends the answer to a ping; `payload` is that of the ping, at most 125 bytes.
pub fn put_pong(out: &mut impl BufMut, payload: &[u8]) {
    let (header, size) = header(OP_PONG, payload.len());
    out.put_slice(&header[..size]);
    out.put_slice(payload);
}

/// Builds a payload in the place where its header will be put in front of it, so that a frame costs
/// one allocation.
#[derive(Debug)]
pub struct FrameBuilder(Vec<u8>);

impl FrameBuilder {
    /// Room for a payload of about so many bytes.
    #[must_use]
    pub fn with_capacity(payload: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_MAX + payload);
        bytes.extend_from_slice(&[0; HEADER_MAX]);
        Self(bytes)
    }

    /// Where to append the payload.
    pub fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// The text frame of what was appended, which must be UTF-8.
    #[must_use]
    pub fn finish_text(self) -> Frame {
        self.finish(OP_TEXT)
    }

    fn finish(mut self, opcode: u8) -> Frame {
        let len = self.0.len() - HEADER_MAX;
        let (header, size) = header(opcode, len);
        let start = HEADER_MAX - size;
        self.0[start..HEADER_MAX].copy_from_slice(&header[..size]);
        // `size` is at most 10.
        Frame { bytes: Bytes::from(self.0).slice(start..), header: size as u8, squeezed: None }
    }
}

/// The header of an unmasked frame, and how many of its bytes count.
fn header(opcode: u8, len: usize) -> ([u8; HEADER_MAX], usize) {
    let mut out = [0; HEADER_MAX];
    out[0] = FIN | opcode;
    let size = match len {
        0..=125 => {
            out[1] = len as u8;
            2
        }
        126..=0xFFFF => {
            out[1] = 126;
            out[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            4
        }
        _ => {
            out[1] = 127;
            out[2..10].copy_from_slice(&(len as u64).to_be_bytes());
            10
        }
    };
    (out, size)
}

/// What a client's frames say.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A whole message.
    Text(&'a str),
    /// A ping with what its pong must carry.
    Ping(&'a [u8]),
    /// Any pong.
    Pong,
    /// The client closes, with this code if it gave one.
    Close(Option<u16>),
}

/// What a connection must remember between two reads. Empty, and one word large, unless a frame or
/// a message arrived cut.
#[derive(Debug, Default)]
pub struct FrameReader(Option<Box<Partial>>);

#[derive(Debug, Default)]
struct Partial {
    /// The bytes of a frame that is not complete.
    cut: Vec<u8>,
    /// The unmasked payload of the fragments so far.
    message: Vec<u8>,
    /// Whether a fragmented message is under way; it may be empty so far.
    fragmented: bool,
    /// Whether it is compressed.
    squeezed: bool,
}

impl FrameReader {
    /// Decodes what a read brought and hands each message or control frame to `on`, until it breaks.
    ///
    /// # Errors
    /// The close that a violation calls for: 1002, 1003, 1007 or 1009. A message over `limit` bytes
    /// is refused by its header, before it is kept. With an inflater, messages may be compressed.
    pub fn feed(
        &mut self,
        read: &mut [u8],
        limit: usize,
        inflater: Option<&mut Inflater>,
        on: &mut dyn FnMut(Incoming<'_>) -> ControlFlow<()>,
    ) -> Result<(), Close> {
        match &mut self.0 {
            Some(partial) if !partial.cut.is_empty() => {
                let mut joined = std::mem::take(&mut partial.cut);
                joined.extend_from_slice(read);
                self.decode(&mut joined, limit, inflater, on)
            }
            _ => self.decode(read, limit, inflater, on),
        }
    }

    /// Bytes that are kept for a cut frame or message.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |partial| partial.cut.len() + partial.message.len())
    }

    fn decode(
        &mut self,
        mut bytes: &mut [u8],
        limit: usize,
        mut inflater: Option<&mut Inflater>,
        on: &mut dyn FnMut(Incoming<'_>) -> ControlFlow<()>,
    ) -> Result<(), Close> {
        while let Some(head) = Head::parse(bytes)? {
            self.check(&head, limit, inflater.is_some())?;
            if bytes.len() < head.size + head.len {
                break;
            }
            let (frame, rest) = bytes.split_at_mut(head.size + head.len);
            let payload = &mut frame[head.size..];
            unmask(payload, head.mask);
            if self.accept(&head, payload, limit, inflater.as_deref_mut(), on)?.is_break() {
                return Ok(());
            }
            bytes = rest;
        }
        self.keep(bytes);
        Ok(())
    }

    fn keep(&mut self, cut: &[u8]) {
        if !cut.is_empty() {
            self.0.get_or_insert_default().cut = cut.to_vec();
        } else if self.0.as_ref().is_some_and(|partial| !partial.fragmented) {
            self.0 = None;
        }
    }

    fn fragmented(&self) -> bool {
        self.0.as_ref().is_some_and(|partial| partial.fragmented)
    }

    fn check(&self, head: &Head, limit: usize, may_squeeze: bool) -> Result<(), Close> {
        let kept = self.0.as_ref().map_or(0, |partial| partial.message.len());
        // The first frame of a message says whether it is compressed (RFC 7692, 6).
        if head.squeezed && (!may_squeeze || head.opcode != OP_TEXT) {
            return Err(close::PROTOCOL_ERROR);
        }
        match head.opcode {
            OP_BINARY => Err(close::BINARY),
            OP_TEXT if self.fragmented() => Err(close::PROTOCOL_ERROR),
            OP_CONTINUATION if !self.fragmented() => Err(close::PROTOCOL_ERROR),
            OP_TEXT | OP_CONTINUATION if kept + head.len > limit => Err(close::TOO_BIG),
            OP_TEXT | OP_CONTINUATION => Ok(()),
            OP_CLOSE | OP_PING | OP_PONG if head.fin && head.len <= 125 => Ok(()),
            _ => Err(close::PROTOCOL_ERROR),
        }
    }

    fn accept(
        &mut self,
        head: &Head,
        payload: &[u8],
        limit: usize,
        inflater: Option<&mut Inflater>,
        on: &mut dyn FnMut(Incoming<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Close> {
        Ok(match head.opcode {
            OP_PING => on(Incoming::Ping(payload)),
            OP_PONG => on(Incoming::Pong),
            OP_CLOSE => on(Incoming::Close(close_code(payload)?)),
            _ if head.fin && !self.fragmented() => {
                let inflater = inflater.filter(|_| head.squeezed);
                say(payload, limit, inflater, on)?
            }
            _ => {
                let partial = self.0.get_or_insert_default();
                partial.fragmented = true;
                partial.squeezed |= head.squeezed;
                partial.message.extend_from_slice(payload);
                if !head.fin {
                    return Ok(ControlFlow::Continue(()));
                }
                let message = std::mem::take(&mut partial.message);
                let squeezed = std::mem::take(&mut partial.squeezed);
                partial.fragmented = false;
                say(&message, limit, inflater.filter(|_| squeezed), on)?
            }
        })
    }
}

/// Hands on a whole message; with an inflater, it is compressed.
fn say(
    message: &[u8],
    limit: usize,
    inflater: Option<&mut Inflater>,
    on: &mut dyn FnMut(Incoming<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Close> {
    Ok(match inflater {
        Some(inflater) => on(Incoming::Text(text(&inflater.message(message, limit)?)?)),
        None => on(Incoming::Text(text(message)?)),
    })
}

/// The header of a client's frame.
struct Head {
    fin: bool,
    /// Whether the message that begins is compressed.
    squeezed: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Bytes of the header itself.
    size: usize,
    /// Bytes of the payload.
    len: usize,
}

impl Head {
    /// The header, once it is complete. Reserved bits, missing masks and lengths that could be
    /// shorter are violations (RFC 6455, 5.2).
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Close> {
        let Some(&[first, second]) = bytes.first_chunk::<2>() else {
            return Ok(None);
        };
        if first & (RESERVED & !COMPRESSED) != 0 || second & MASKED == 0 {
            return Err(close::PROTOCOL_ERROR);
        }
        let (len, len_end) = match second & !MASKED {
            126 => match bytes.get(2..4) {
                Some(&[a, b]) => (u64::from(u16::from_be_bytes([a, b])), 4),
                _ => return Ok(None),
            },
            127 => match bytes.get(2..).and_then(|rest| rest.first_chunk::<8>()) {
                Some(long) => (u64::from_be_bytes(*long), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        let minimal = match len_end {
            4 => len > 125,
            10 => len > 0xFFFF && len >> 63 == 0,
            _ => true,
        };
        if !minimal {
            return Err(close::PROTOCOL_ERROR);
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= FRAME_MAX);
        let len = len.ok_or(close::TOO_BIG)?;
        let Some(mask) = bytes.get(len_end..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            fin: first & FIN != 0,
            squeezed: first & COMPRESSED != 0,
            opcode: first & 0x0F,
            mask: *mask,
            size: len_end + 4,
            len,
        }))
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let (words, tail) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

fn text(payload: &[u8]) -> Result<&str, Close> {
    std::str::from_utf8(payload).map_err(|_| close::NOT_UTF8)
}

/// The code in a close frame; codes that must not appear on the wire are violations
/// (RFC 6455, 7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Close> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(close::PROTOCOL_ERROR) };
    };
    text(reason)?;
    match u16::from_be_bytes(*code) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(Some(code)),
        _ => Err(close::PROTOCOL_ERROR),
    }
}

const HEADER_MAX: usize = 10;
/// No frame is near this size; it keeps sums of lengths from overflowing.
const FRAME_MAX: usize = 1 << 30;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
/// The first reserved bit: the message is compressed (RFC 7692, 6).
const COMPRESSED: u8 = 0x40;
const MASKED: u8 = 0x80;

const OP_CONTINUATION: u8 = 0;
const OP_TEXT: u8 = 1;
const OP_BINARY: u8 = 2;
const OP_CLOSE: u8 = 8;
const OP_PING: u8 = 9;
const OP_PONG: u8 = 10;

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
