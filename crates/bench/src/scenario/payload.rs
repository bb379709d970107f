//! Event data that carries a sequence number at a fixed place, so that a receiver tells events apart
//! without reading JSON.

use anyhow::{Context as _, Result};
use memchr::memmem;

/// Data of `bytes` bytes (at least as many as the mark needs) that carries `sequence`.
pub(super) fn data(sequence: u32, bytes: usize) -> String {
    let mut text = format!("{MARK}{sequence:010}{MARK}");
    let padding = bytes.saturating_sub(text.len());
    text.extend(std::iter::repeat_n('x', padding));
    text
}

/// The same, as records that differ from each other in their numbers: about as compressible as what
/// people send.
pub(super) fn records(sequence: u32, bytes: usize) -> String {
    let mut text = data(sequence, 0);
    let mut number = u64::from(sequence);
    while text.len() < bytes {
        // Knuth's MMIX constants; only that the digits vary matters.
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (id, price) = (number >> 40, (number >> 16) % 100_000);
        text += &format!(r#"{{"id":{id},"symbol":"S{}","price":{price}}},"#, id % 500);
    }
    text.truncate(bytes.max(MARKED));
    text
}

/// A message that is said again and again, each time with another number.
#[derive(Debug)]
pub(super) struct Stamped {
    /// The whole of it.
    message: Vec<u8>,
    /// Where its number starts.
    place: usize,
}

impl Stamped {
    /// # Errors
    /// When the message holds no data of ours.
    pub(super) fn new(message: Vec<u8>) -> Result<Self> {
        let mark = memmem::find(&message, MARK.as_bytes()).context("a message without a mark")?;
        Ok(Self { message, place: mark + MARK.len() })
    }

    /// The message with this number.
    pub(super) fn with(&mut self, sequence: u32) -> &[u8] {
        let mut rest = sequence;
        for digit in self.message[self.place..self.place + DIGITS].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        &self.message
    }
}

/// Finds sequence numbers. Servers order the members of a frame as they like, but always alike: the
/// place is looked for once and then trusted, as long as the marks are there.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Where the number starts in a payload, once known.
    place: Option<usize>,
}

impl Reader {
    /// The number that a payload carries; `None` for frames that are not ours.
    pub(super) fn sequence(&mut self, payload: &[u8]) -> Option<u32> {
        if let Some(found) = self.place.and_then(|place| number_at(payload, place)) {
            return Some(found);
        }
        let place = memmem::find(payload, MARK.as_bytes())? + MARK.len();
        self.place = Some(place);
        number_at(payload, place)
    }
}

fn number_at(payload: &[u8], place: usize) -> Option<u32> {
    let digits = payload.get(place..place + DIGITS)?;
    payload[place + DIGITS..].starts_with(MARK.as_bytes()).then_some(())?;
    digits.iter().try_fold(0_u32, |number, digit| {
        digit.is_ascii_digit().then(|| number.wrapping_mul(10) + u32::from(digit - b'0'))
    })
}

const MARK: &str = "~~";
const DIGITS: usize = 10;
/// Length of a number with its marks.
const MARKED: usize = DIGITS + 2 * MARK.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_wherever_the_frame_has_it() {
        let mut reader = Reader::default();
        for front in ["{\"event\":\"load\",\"data\":\"", "{\"channel\":\"load\",\"data\":\""] {
            for sequence in [0, 7, 4_000_000_000] {
                let payload = format!("{front}{}\"}}", data(sequence, 100));
                assert_eq!(reader.sequence(payload.as_bytes()), Some(sequence));
            }
        }
        assert_eq!(reader.sequence(b"{\"event\":\"pusher:ping\"}"), None);
    }

    #[test]
    fn a_stamped_message_is_the_one_that_would_have_been_made() {
        let mut stamped = Stamped::new(data(0, 40).into()).expect("data of ours");
        for sequence in [7, 4_000_000_000, 12] {
            assert_eq!(stamped.with(sequence), data(sequence, 40).as_bytes());
        }
        assert!(Stamped::new(b"no mark".to_vec()).is_err());
    }

    #[test]
    fn data_has_the_size_asked_for() {
        assert_eq!(data(1, 100).len(), 100);
        assert_eq!(data(1, 0).len(), MARKED);
        assert_eq!([0, 100, 1000].map(|bytes| records(1, bytes).len()), [MARKED, 100, 1000]);
    }

    #[test]
    fn records_differ_from_event_to_event_and_carry_the_number() {
        let numbered = |sequence| records(sequence, 300).split_off(MARKED);
        assert_ne!(numbered(1), numbered(2));
        assert_eq!(Reader::default().sequence(records(7, 300).as_bytes()), Some(7));
    }
}
