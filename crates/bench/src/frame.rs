//! WebSocket frames as the harness needs them: frames are split by their headers alone, and those
//! that a client says are masked. RFC 6455, section 5.2.

/// One unfragmented frame, borrowed from the read buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Which kind of frame: one of the constants below. The bit that marks a compressed message is a
    /// part of it.
    pub(crate) opcode: u8,
    /// The bytes after the header and the mask, as they are on the wire: our own masks are zero.
    pub(crate) payload: &'a [u8],
    /// Header and payload together, so the caller can step to the next frame.
    pub(crate) size: usize,
}

/// Takes the first whole frame of `bytes`; `None` if it arrived cut.
pub(crate) fn first(bytes: &[u8]) -> Option<Frame<'_>> {
    let [head, second, ..] = *bytes else {
        return None;
    };
    let (start, length): (usize, usize) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        127 => (10, long_length(bytes)?),
        short => (2, usize::from(short)),
    };
    let start = if second & MASKED == 0 { start } else { start + MASK.len() };
    let payload = bytes.get(start..start.checked_add(length)?)?;
    Some(Frame { opcode: head & (COMPRESSED | 0x0f), payload, size: start + length })
}

/// A masked frame. The mask is zero, which is legal and leaves the payload readable in captures.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, MASKED, payload.len());
    frame.extend_from_slice(&MASK);
    frame.extend_from_slice(payload);
    frame
}

/// An unmasked frame, as a server sends it.
pub(crate) fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, 0, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// The status code of a close frame's payload, if it has one.
pub(crate) fn close_code(payload: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]))
}

/// What a frame with such a payload takes on the wire, unmasked.
pub(crate) fn size(payload: usize) -> usize {
    let header = match payload {
        ..126 => 2,
        126..0x1_0000 => 4,
        _ => 10,
    };
    header + payload
}

fn header(opcode: u8, mask_bit: u8, length: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(length + 14);
    frame.push(0x80 | opcode);
    if length < 126 {
        frame.push(mask_bit | length as u8);
    } else if let Ok(short) = u16::try_from(length) {
        frame.push(mask_bit | 126);
        frame.extend_from_slice(&short.to_be_bytes());
    } else {
        frame.push(mask_bit | 127);
        frame.extend_from_slice(&(length as u64).to_be_bytes());
    }
    frame
}

fn long_length(bytes: &[u8]) -> Option<usize> {
    let field: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
    usize::try_from(u64::from_be_bytes(field)).ok()
}

/// UTF-8 text: every word of the protocol.
pub(crate) const TEXT: u8 = 0x1;
/// The same, compressed: RFC 7692, section 6.
pub(crate) const COMPRESSED_TEXT: u8 = COMPRESSED | TEXT;
/// The peer ends the connection and may say why.
pub(crate) const CLOSE: u8 = 0x8;
/// A liveness probe.
pub(crate) const PING: u8 = 0x9;
/// The answer to a probe.
pub(crate) const PONG: u8 = 0xa;
/// The first reserved bit: the message is compressed.
const COMPRESSED: u8 = 0x40;
/// Says that a mask follows the length.
const MASKED: u8 = 0x80;
/// Leaves a payload as it is.
const MASK: [u8; 4] = [0; 4];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_form_comes_back_whole() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![b'x'; length];
            let bytes = unmasked(TEXT, &payload);
            let frame = first(&bytes).expect("a whole frame");
            assert_eq!((frame.opcode, frame.payload.len()), (TEXT, length));
            assert_eq!((frame.size, size(length)), (bytes.len(), bytes.len()));
        }
    }

    #[test]
    fn a_compressed_message_is_told_from_a_plain_one() {
        let bytes = unmasked(COMPRESSED_TEXT, b"x");
        assert_eq!(first(&bytes).expect("a whole frame").opcode, COMPRESSED_TEXT);
        assert_ne!(COMPRESSED_TEXT, TEXT);
    }

    #[test]
    fn a_masked_frame_is_taken_as_it_was_said() {
        for length in [0, 125, 126, 70_000] {
            let payload = vec![b'x'; length];
            let bytes = masked(TEXT, &payload);
            let frame = first(&bytes).expect("a whole frame");
            assert_eq!((frame.payload, frame.size), (&payload[..], bytes.len()));
        }
    }

    #[test]
    fn a_cut_frame_is_not_taken() {
        for length in [5, 200, 70_000] {
            let bytes = unmasked(TEXT, &vec![b'x'; length]);
            for cut in [0, 1, 3, bytes.len() - 1] {
                assert_eq!(first(&bytes[..cut]), None);
            }
        }
    }

    #[test]
    fn a_close_frame_tells_its_code() {
        assert_eq!(close_code(&[0x10, 0x68, b'x']), Some(4200));
        assert_eq!(close_code(&[]), None);
    }
}
