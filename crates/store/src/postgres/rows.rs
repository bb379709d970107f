//! Rows become types here, as in [`crate::rows`] for SQLite.

use std::borrow::Cow;

use ::postgres::Row;

use bellwire_webhooks::attempt::{Answer, Attempt, Failure};
use bellwire_webhooks::batch::{Batch, Gap};
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::outbox::Announced;

use crate::StoreError;
use crate::rows::{kind, parse};

/// The columns of [`event`].
pub(crate) const EVENT: &str = "app, seq, kind, channel, \"user\", at_ms, body";
/// The columns of [`announced`].
pub(crate) const ANNOUNCED: &str = "app, channel, \"user\", seq";

/// What stands before a character that is written otherwise: one that nobody types.
const ESCAPE: char = '\u{1a}';

/// A number that is never negative.
pub(crate) fn number(row: &Row, at: usize) -> Result<u64, StoreError> {
    Ok(row.try_get::<_, i64>(at)?.unsigned_abs())
}

/// The same, if there is one.
pub(crate) fn number_if_any(row: &Row, at: usize) -> Result<Option<u64>, StoreError> {
    Ok(row.try_get::<_, Option<i64>>(at)?.map(i64::unsigned_abs))
}

/// A number that fits into fewer bits.
pub(crate) fn small<T: TryFrom<i64>>(
    table: &'static str,
    row: &Row,
    at: usize,
) -> Result<T, StoreError> {
    let number: i64 = row.try_get(at)?;
    let why = || StoreError::Row { table, why: format!("{number} is too large") };
    T::try_from(number).map_err(|_| why())
}

/// The same, if there is one.
pub(crate) fn small_if_any<T: TryFrom<i64>>(
    table: &'static str,
    row: &Row,
    at: usize,
) -> Result<Option<T>, StoreError> {
    let is_there = row.try_get::<_, Option<i64>>(at)?.is_some();
    is_there.then(|| small(table, row, at)).transpose()
}

/// A text, for as long as the row stands.
pub(crate) fn text(row: &Row, at: usize) -> Result<&str, StoreError> {
    Ok(row.try_get(at)?)
}

/// A text, for longer.
pub(crate) fn owned(row: &Row, at: usize) -> Result<String, StoreError> {
    Ok(row.try_get(at)?)
}

/// A text for people, as PostgreSQL can keep it: without the character zero.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// A name of others, as PostgreSQL can keep it, and from which it can be told again: two users must
/// not become one.
pub(crate) fn escaped(name: &str) -> Cow<'_, str> {
    match name.contains(['\0', ESCAPE]) {
        true => Cow::Owned(name.replace(ESCAPE, "\u{1a}\u{1a}").replace('\0', "\u{1a}0")),
        false => Cow::Borrowed(name),
    }
}

/// The name that was escaped.
fn unescaped(kept: &str) -> Cow<'_, str> {
    if !kept.contains(ESCAPE) {
        return Cow::Borrowed(kept);
    }
    let mut letters = kept.chars();
    let next = || match letters.next()? {
        ESCAPE => letters.next().map(|letter| if letter == '0' { '\0' } else { letter }),
        letter => Some(letter),
    };
    Cow::Owned(std::iter::from_fn(next).collect())
}

/// An entry of a log.
pub(crate) fn event(row: &Row) -> Result<Event, StoreError> {
    let user: Option<&str> = row.try_get(4)?;
    Ok(Event {
        app: parse("event", text(row, 0)?)?,
        seq: number(row, 1)?,
        kind: kind(row.try_get(2)?)?,
        channel: parse("event", text(row, 3)?)?,
        user: user.map(|user| parse("event", &unescaped(user))).transpose()?,
        at_ms: number(row, 5)?,
        body: text(row, 6)?.into(),
    })
}

/// Something announced.
pub(crate) fn announced(row: &Row) -> Result<Announced, StoreError> {
    let user = match text(row, 2)? {
        "" => None,
        user => Some(parse("announced", &unescaped(user))?),
    };
    Ok(Announced {
        app: parse("announced", text(row, 0)?)?,
        channel: parse("announced", text(row, 1)?)?,
        user,
        seq: number(row, 3)?,
    })
}

/// A batch; its columns are those of SQLite.
pub(crate) fn batch(row: &Row) -> Result<Batch, StoreError> {
    let seqs = serde_json::from_str(text(row, 12)?)
        .map_err(|error| StoreError::Row { table: "batch_body", why: error.to_string() })?;
    Ok(Batch {
        id: BatchId::of(number(row, 0)?),
        app: parse("batch", text(row, 1)?)?,
        endpoint: parse("batch", text(row, 2)?)?,
        lane: small("batch", row, 3)?,
        time_ms: number(row, 4)?,
        events: text(row, 13)?.into(),
        seqs,
        previous: number(row, 5)?,
        gap: gap(row, 6)?,
        deadline_ms: number(row, 9)?,
        replay: number_if_any(row, 10)?.map(ReplayId::of),
        parent: number_if_any(row, 11)?.map(BatchId::of),
    })
}

/// A gap in three columns, if there is one.
pub(crate) fn gap(row: &Row, at: usize) -> Result<Option<Gap>, StoreError> {
    let Some(first) = number_if_any(row, at)? else { return Ok(None) };
    Ok(Some(Gap { first, last: number(row, at + 1)?, count: number(row, at + 2)? }))
}

/// A lane of an endpoint in two columns.
pub(crate) fn lane(row: &Row, at: usize) -> Result<(EndpointId, u8), StoreError> {
    Ok((parse("lane", text(row, at)?)?, small("lane", row, at + 1)?))
}

/// An attempt; its columns are those of SQLite.
pub(crate) fn attempt(row: &Row) -> Result<Attempt, StoreError> {
    let failure: Option<&str> = row.try_get(5)?;
    let unknown = |name: &str| StoreError::Row { table: "attempt", why: name.into() };
    let failure = failure.map(|name| Failure::named(name).ok_or_else(|| unknown(name)));
    Ok(Attempt {
        batch: BatchId::of(number(row, 0)?),
        number: small("attempt", row, 1)?,
        at_ms: number(row, 2)?,
        answer: Answer {
            duration_ms: small("attempt", row, 3)?,
            status: small_if_any("attempt", row, 4)?,
            failure: failure.transpose()?,
            detail: owned(row, 6)?,
            remote: row.try_get(7)?,
            retry_after_ms: number_if_any(row, 8)?,
            body: owned(row, 9)?,
            request_head: owned(row, 10)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_and_none_has_a_zero() {
        for name in ["ann", "a\0b", "a\u{1a}b", "\u{1a}0", "\0\u{1a}\0", "\u{1a}\u{1a}0", ""] {
            assert!(!escaped(name).contains('\0'), "{name:?}");
            assert_eq!(unescaped(&escaped(name)), name);
        }
    }
}
