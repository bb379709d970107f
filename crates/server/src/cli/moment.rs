//! Points in time as people read and write them. What is printed is in UTC.

use std::str::FromStr;

/// A point in time as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Milliseconds since the epoch.
    At(u64),
    /// So many milliseconds ago.
    Ago(u64),
}

impl When {
    /// Milliseconds since the epoch.
    pub(super) fn ms(self, now_ms: u64) -> u64 {
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
        let at = || rfc3339(text).map(Self::At);
        span_ms(text).map(Self::Ago).or_else(at).ok_or(expected)
    }
}

/// A number of milliseconds, seconds, minutes, hours or days as people write it: `500ms`, `2s`,
/// `30m`, `1h`, `2d`.
pub(super) fn span_ms(text: &str) -> Option<u64> {
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
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / DAY_MS),
    }
}

/// A date as RFC 3339 has it, to the second.
pub(super) fn date(ms: u64) -> String {
    let (year, month, day) = civil(ms / DAY_MS);
    format!("{year:04}-{month:02}-{day:02}T{}", clock(ms))
}

/// A date as RFC 3339 has it, to the millisecond.
pub(super) fn precise(ms: u64) -> String {
    format!("{}.{:03}Z", date(ms).trim_end_matches('Z'), ms % 1_000)
}

/// The time of the day.
pub(super) fn clock(ms: u64) -> String {
    let s = ms % DAY_MS / 1000;
    format!("{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

const DAY_MS: u64 = 86_400_000;

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar. Years start
/// in March inside, so that the leap day is the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let of_era_years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_era_years + of_era_years / 4 - of_era_years / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + of_era_years + u64::from(month <= 2);
    (year, month, day)
}

/// The inverse of [`civil`], for days that the calendar has.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let from_march = (month + 9) % 12;
    let year_from_march = year - i64::from(month <= 2);
    let (era, of_era_years) = (year_from_march / 400, year_from_march % 400);
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let of_era = of_era_years * 365 + of_era_years / 4 - of_era_years / 100 + of_year;
    let days = era * 146_097 + of_era - 719_468;
    let back = civil(u64::try_from(days).ok()?);
    let is_real = [year, month, day] == [back.0, back.1, back.2].map(u64::cast_signed);
    is_real.then_some(days)
}

/// Reads a date of RFC 3339 since 1970, in milliseconds since the epoch.
fn rfc3339(text: &str) -> Option<u64> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let [hour, minute, second] = numbers(rest.get(..8)?, ':', [2, 2, 2])?;
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (ms, zone) = fraction_ms(rest.get(8..)?)?;
    let seconds = days(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second;
    u64::try_from((seconds - offset_s(zone)?) * 1_000 + ms).ok()
}

/// Three numbers of so many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut next = |digits| {
        let part = parts.next().filter(|part| part.len() == digits && is_number(part));
        part?.parse().ok()
    };
    let numbers = [next(digits[0])?, next(digits[1])?, next(digits[2])?];
    parts.next().is_none().then_some(numbers)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The milliseconds of a fraction of a second, if there is one, and what follows.
fn fraction_ms(text: &str) -> Option<(i64, &str)> {
    let Some(fraction) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = fraction.find(|c: char| !c.is_ascii_digit())?;
    let (digits, zone) = fraction.split_at(end);
    let first: String = digits.chars().chain("00".chars()).take(3).collect();
    (!digits.is_empty()).then(|| Some((first.parse().ok()?, zone)))?
}

/// Seconds by which a zone is ahead of UTC.
fn offset_s(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let [hours, minutes, _] = numbers(&format!("{rest}:00"), ':', [2, 2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> Option<When> {
        text.parse().ok()
    }

    #[test]
    fn a_time_is_a_date_of_the_calendar_with_a_zone() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2012-11-16T17:49:39.999Z", 1_353_088_179_999),
            ("2012-11-16 18:49:39.9996+01:00", 1_353_088_179_999),
            ("2012-11-16t12:19:39.9-05:30", 1_353_088_179_900),
            ("2100-03-01T00:00:00z", 4_107_542_400_000),
        ] {
            assert_eq!(when(text), Some(When::At(ms)), "{text}");
        }
        for no_time in [
            "",
            "yesterday",
            "2012-11-16",
            "2012-11-16T17:49:39",
            "2012-11-16T17:49:39.Z",
            "2012-11-16T17:49Z",
            "2012-13-16T17:49:39Z",
            "2100-02-29T00:00:00Z",
            "2012-11-31T00:00:00Z",
            "2012-11-16T24:00:00Z",
            "2012-11-16T17:49:39+1:00",
            "1969-12-31T23:59:59Z",
            "+012-11-16T17:49:39Z",
            "2012-11-16T17:49:39ü",
        ] {
            assert_eq!(when(no_time), None, "{no_time}");
        }
    }

    #[test]
    fn every_day_is_read_as_it_is_printed() {
        for day in (0..60_000).step_by(13) {
            let ms = day * DAY_MS + 45_296_789;
            assert_eq!(when(&precise(ms)), Some(When::At(ms)));
        }
    }

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        for (text, ms) in [
            ("500ms", 500),
            ("2s", 2_000),
            ("30m", 1_800_000),
            ("1h", 3_600_000),
            ("2d", 2 * DAY_MS),
        ] {
            assert_eq!(span_ms(text), Some(ms), "{text}");
            assert_eq!(when(text).map(|when| when.ms(10 * DAY_MS)), Some(10 * DAY_MS - ms));
        }
        for no_span in ["", "1", "h", "-1h", "1.5h", "1w", "1 h", "99999999999999999999d"] {
            assert_eq!(span_ms(no_span), None, "{no_span}");
        }
        assert_eq!(When::Ago(5).ms(3), 0);
    }

    #[test]
    fn spans_are_short() {
        let spans = [999, 1_250, 61_000, 7_200_000, 3 * DAY_MS].map(span);
        assert_eq!(spans, ["999 ms", "1.2 s", "1 min", "2 h", "3 d"]);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(date(1_353_088_179_999), "2012-11-16T17:49:39Z");
        assert_eq!(date(4_107_542_399_000), "2100-02-28T23:59:59Z");
        assert_eq!(date(4_107_542_400_000), "2100-03-01T00:00:00Z");
    }
}
