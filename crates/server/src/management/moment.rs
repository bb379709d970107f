//! Points in time as the API has them: RFC 3339 in UTC with milliseconds; what comes in may have any
//! offset, or be a number of milliseconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A point in time, in milliseconds since the Unix epoch, up to the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T09:30:00.000Z")]
pub(super) struct Moment(pub(super) u64);

/// Why a text is none; [`Moment::EXPECTED`] says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoMoment;

const DAY_MS: u64 = 86_400_000;
/// The first millisecond of the year 10000.
const END_MS: u64 = 253_402_300_800_000;

impl Moment {
    /// What a text should be.
    pub(super) const EXPECTED: &str =
        "expected a time like 2026-11-21T09:30:00Z, or milliseconds since 1970";

    /// Milliseconds since the epoch.
    pub(super) fn ms(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0 / DAY_MS);
        let (s, ms) = (self.0 % DAY_MS / 1000, self.0 % 1000);
        let (hour, minute, second) = (s / 3600, s / 60 % 60, s % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let ms = if is_number { text.parse().ok() } else { rfc_3339(text) };
        ms.filter(|ms| *ms < END_MS).map(Self).ok_or(NoMoment)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected a time like 2026-11-21T09:30:00Z, or milliseconds since 1970"
        )]
        enum Form {
            Number(u64),
            Text(String),
        }
        let text = match Form::deserialize(deserializer)? {
            Form::Number(ms) => ms.to_string(),
            Form::Text(text) => text,
        };
        text.parse().map_err(|NoMoment| serde::de::Error::custom(Self::EXPECTED))
    }
}

/// Milliseconds since the epoch of a text like `2026-11-21T09:30:00.5+01:00`.
fn rfc_3339(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let days = days(year, month, day)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let s = days * 86_400 + hour * 3600 + minute * 60 + second;
    let ms = i64::try_from(s * 1000 + thousandths(fraction)?).ok()?;
    u64::try_from(ms - offset_ms(zone)?).ok()
}

/// The numbers of a text, each with so many digits.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_good = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| is_good)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn thousandths(fraction: &str) -> Option<u64> {
    let is_good = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    is_good.then(|| digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

fn offset_ms(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next()? {
        'Z' | 'z' => return (zone.len() == 1).then_some(0),
        '+' => 1,
        _ => -1,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let two = |text: &str| text.parse::<u8>().ok().filter(|_| text.len() == 2).map(i64::from);
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar. Years start
/// in March inside, so that the leap day is the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (years + era * 400 + u64::from(month <= 2), month, day)
}

/// The way back; none, if the calendar has no such day or it is before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let years = year.checked_sub(u64::from(month <= 2))?;
    let from_march = (month + 9) % 12;
    let of_era = years % 400 * 365 + years % 400 / 4 - years % 400 / 100;
    let of_year = (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let days = (years / 400 * 146_097 + of_era + of_year).checked_sub(719_468)?;
    (civil(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
#[path = "moment_tests.rs"]
mod tests;
