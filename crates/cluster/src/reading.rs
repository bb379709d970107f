//! Numbers and texts in a few bytes, and a reader that cannot be led outside of what it reads.

use std::str::FromStr;

use bytes::Bytes;

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A newer node wrote them.
    #[error("{0} {1} of a message is not known here")]
    Newer(&'static str, u8),
    /// Nobody of ours wrote them.
    #[error("a message's {0} cannot be read")]
    Damaged(&'static str),
}

/// Writes a number, seven bits a byte, the small end first.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a text behind its length.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Writes bytes behind their length.
pub(crate) fn put_part(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads from the beginning; every part has a name for the refusal.
pub(crate) struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn of(bytes: &'a Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn byte(&mut self, part: &'static str) -> Result<u8, Refusal> {
        let byte = *self.bytes.get(self.at).ok_or(Refusal::Damaged(part))?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn number(&mut self, part: &'static str) -> Result<u64, Refusal> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte(part)?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Refusal::Damaged(part))
    }

    pub(crate) fn parsed<T: FromStr>(&mut self, part: &'static str) -> Result<T, Refusal> {
        let damaged = Refusal::Damaged(part);
        let length = usize::try_from(self.number(part)?).map_err(|_| damaged)?;
        let end = self.at.checked_add(length).ok_or(damaged)?;
        let text = self.bytes.get(self.at..end).ok_or(damaged)?;
        self.at = end;
        std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(damaged)
    }

    /// A part behind its length, without a copy.
    pub(crate) fn part(&mut self, part: &'static str) -> Result<Bytes, Refusal> {
        let damaged = Refusal::Damaged(part);
        let length = usize::try_from(self.number(part)?).map_err(|_| damaged)?;
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let found = self.bytes.slice(self.at..end.ok_or(damaged)?);
        self.at += length;
        Ok(found)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// All that is left, without a copy.
    pub(crate) fn rest(self) -> Bytes {
        self.bytes.slice(self.at..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_that_is_too_large_is_refused() {
        for bytes in [
            [0xff; 11].as_slice(),
            &[0xff; 3],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
        ] {
            let bytes = Bytes::copy_from_slice(bytes);
            assert!(Reader::of(&bytes).number("number").is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_number_comes_back(number: u64, shift in 0..64) {
            let number = number >> shift;
            let mut out = Vec::new();
            put_number(&mut out, number);
            prop_assert_eq!(Reader::of(&out.into()).number("number"), Ok(number));
        }
    }
}
