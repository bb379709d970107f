//! permessage-deflate (RFC 7692), each message for itself: what was sent once needs no memory in the
//! server, and one compressed frame is good for everybody who hears it.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::close::{self, Close};

/// Messages shorter than this stay as they are: they would hardly shrink.
pub(crate) const BYTES_MIN: usize = 128;
/// How hard it tries: beyond this, the size of JSON shrinks little and the time grows much.
const LEVEL: u32 = 3;
/// What ends a message, and is left out (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// By how much a buffer grows.
const STEP: usize = 4 * 1024;

/// The extension's name in the handshake.
pub const EXTENSION: &str = "permessage-deflate";
/// What the server answers to an offer that it takes.
pub const ACCEPTED: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Whether one of the offers in a `Sec-WebSocket-Extensions` header is one that we can take.
#[must_use]
pub fn is_offered(header: &str) -> bool {
    header.split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(EXTENSION))
            && parts.all(can_be_met)
    })
}

/// A smaller window for what we send is the only wish that cannot be met.
fn can_be_met(parameter: &str) -> bool {
    let (name, value) = match parameter.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
        None => (parameter, None),
    };
    match name {
        "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
        "client_max_window_bits" => value.is_none_or(|bits| is_window(bits).is_some()),
        "server_max_window_bits" => value.and_then(is_window) == Some(15),
        _ => false,
    }
}

fn is_window(bits: &str) -> Option<u8> {
    bits.parse().ok().filter(|bits| (8..=15).contains(bits))
}

/// Compresses messages.
pub struct Deflater(Compress);

impl Default for Deflater {
    fn default() -> Self {
        Self(Compress::new(Compression::new(LEVEL), false))
    }
}

impl Deflater {
    /// Appends a message; nothing is appended and `false` is returned if it does not get shorter.
    pub(crate) fn append(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        self.0.reset();
        // What needs more room than this is not worth it.
        out.reserve_exact(payload.len() + TAIL.len());
        let whole = self.0.compress_vec(payload, out, FlushCompress::Sync).is_ok()
            && self.0.total_in() == payload.len() as u64
            && out.ends_with(&TAIL);
        let is_shorter = whole && out.len() - TAIL.len() - start < payload.len();
        out.truncate(if is_shorter { out.len() - TAIL.len() } else { start });
        is_shorter
    }
}

impl std::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deflater")
    }
}

/// Reads messages that are compressed.
pub struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(false))
    }
}

impl Inflater {
    /// The message.
    ///
    /// # Errors
    /// 1009 if it has more than `limit` bytes, before more are made; 1007 if it is none.
    pub(crate) fn message(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Close> {
        self.0.reset(false);
        let mut out = Vec::with_capacity(limit.min(payload.len() * 4 + 64));
        for input in [payload, &TAIL] {
            self.feed(input, &mut out, limit)?;
        }
        Ok(out)
    }

    fn feed(&mut self, mut input: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Close> {
        loop {
            let before = self.0.total_in();
            let room = out.capacity() - out.len();
            let status = self.0.decompress_vec(input, out, FlushDecompress::Sync);
            input = &input[(self.0.total_in() - before) as usize..];
            if out.len() > limit {
                return Err(close::TOO_BIG);
            }
            let is_full = out.len() == out.capacity();
            match status {
                Err(_) => return Err(close::NOT_DEFLATED),
                // A message may end its stream; what follows is padding (RFC 7692, 7.2.3.4).
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) if is_full || room == 0 => out.reserve(STEP),
                Ok(_) if input.is_empty() => return Ok(()),
                Ok(Status::BufError) => return Err(close::NOT_DEFLATED),
                Ok(Status::Ok) => {}
            }
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inflater")
    }
}

#[cfg(test)]
#[path = "deflate_tests.rs"]
mod tests;
