//! Points in time as people and programs write them. What is written is in UTC, what is read may have
//! any offset, or be a number of milliseconds from a program, or a span from a person. The calendar
//! is jiff's, whose parser knows more forms than are promised here.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{self, DateTime};
use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A point in time, in milliseconds since the Unix epoch, up to the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T09:30:00.000Z")]
pub(crate) struct Moment(pub(crate) u64);

/// Why a text is none; [`Moment::EXPECTED`] says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMoment;

impl Moment {
    /// What a text should be.
    pub(crate) const EXPECTED: &str =
        "expected a time like 2026-11-21T09:30:00Z, or milliseconds since 1970";

    /// Milliseconds since the epoch.
    pub(crate) fn ms(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}Z", utc(self.0))
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let ms = match is_number {
            true => text.parse().ok(),
            // A space between date and time is for people.
            false => rfc_3339(text).filter(|_| !text.contains(' ')).and_then(since_epoch),
        };
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

/// A point in time as people write it on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Milliseconds since the epoch.
    At(u64),
    /// So many milliseconds ago.
    Ago(u64),
}

impl When {
    /// Milliseconds since the epoch.
    pub(crate) fn ms(self, now_ms: u64) -> u64 {
        match self {
            Self::At(ms) => ms,
            Self::Ago(ms) => now_ms.saturating_sub(ms),
        }
    }
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected =
            "expected a time like 2026-11-21T09:30:00Z, or how long ago like 1h, 30m or 2d";
        let at = || rfc_3339(text).and_then(since_epoch).map(Self::At);
        span_ms(text).map(Self::Ago).or_else(at).ok_or(expected)
    }
}

/// A number of milliseconds, seconds, minutes, hours or days as people write it: `500ms`, `2s`,
/// `30m`, `1h`, `2d`.
pub(crate) fn span_ms(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY_MS,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit_ms)
}

/// Milliseconds as people read them.
pub(crate) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / DAY_MS),
    }
}

/// A date as RFC 3339 has it, to the second.
pub(crate) fn date(ms: u64) -> String {
    format!("{:.0}Z", utc(ms))
}

/// The time of the day.
pub(crate) fn clock(ms: u64) -> String {
    format!("{:.0}Z", utc(ms).time())
}

/// Milliseconds from the epoch to a date like `2026-11-21T09:30:00.5+01:00`; before 1970 they are
/// negative. Date and time may have a space between them. Digits below milliseconds are cut off, and
/// a leap second is the second before it.
pub(crate) fn rfc_3339(text: &str) -> Option<i64> {
    let (local, zone) = text.split_at(zone_at(text)?);
    let to_the_ms = local.get(.."2026-11-21T09:30:00.000".len()).unwrap_or(local);
    let text = format!("{to_the_ms}{zone}");
    let pieces = Pieces::parse(&text).ok()?;
    let offset_s = i64::from(pieces.to_numeric_offset()?.seconds());
    let local = pieces.date().to_datetime(pieces.time()?);
    let utc = local.checked_sub(SignedDuration::from_secs(offset_s)).ok()?;
    let ms = i64::try_from(utc.duration_since(EPOCH).as_millis()).ok()?;
    (offset_s.unsigned_abs() * 1_000 < DAY_MS).then_some(ms)
}

/// Where the zone of a text begins that has the form of RFC 3339, whatever its digits.
fn zone_at(text: &str) -> Option<usize> {
    let form = text.replace(|c: char| c.is_ascii_digit(), "0");
    let rest = form.strip_prefix("0000-00-00")?.strip_prefix(['T', 't', ' '])?;
    let rest = rest.strip_prefix("00:00:00")?;
    let zone = match rest.strip_prefix(".0") {
        Some(digits) => digits.trim_start_matches('0'),
        None => rest,
    };
    matches!(zone, "Z" | "z" | "+00:00" | "-00:00").then_some(text.len() - zone.len())
}

fn since_epoch(ms: i64) -> Option<u64> {
    u64::try_from(ms).ok()
}

/// Milliseconds since the epoch in the calendar, which ends with the year 9999.
fn utc(ms: u64) -> DateTime {
    EPOCH.saturating_add(SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX)))
}

const EPOCH: DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);
const DAY_MS: u64 = 86_400_000;
/// The first millisecond of the year 10000.
const END_MS: u64 = 253_402_300_800_000;

#[cfg(test)]
#[path = "moment_tests.rs"]
mod tests;
