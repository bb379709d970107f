//! Checks what the store promises: that every log alternates and agrees with what is announced, and
//! that no event is in two batches of a lane.
//!
//! A sweep takes from every lane its oldest events. So of what was announced before the oldest event
//! that a lane still has, nothing is known, and the first event of a channel or of a member may be
//! of either kind.

mod channel;
mod lanes;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bellwire_webhooks::event::{Event, LANES};
use bellwire_webhooks::ledger::Verdict;
use bellwire_webhooks::outbox::Announced;
use rusqlite::Connection;

use crate::StoreError;
use crate::rows::{self, ANNOUNCED, EVENT, number, text};
use channel::Channel;

/// Sentences of a verdict at most.
const BROKEN_MAX: usize = 100;

/// Checks everything, as of the moment of the caller's transaction.
pub(super) fn verify(connection: &Connection) -> Result<Verdict, StoreError> {
    let mut verdict = Verdict::default();
    for app in apps(connection)? {
        let log = Log::read(connection, &app, &mut verdict)?;
        compare(connection, &app, log, &mut verdict)?;
    }
    lanes::check(connection, &mut verdict.broken)?;
    verdict.broken.truncate(BROKEN_MAX);
    Ok(verdict)
}

/// The apps of which there is anything: found by leaps through the keys, not by a scan.
fn apps(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut apps = Vec::new();
    for table in ["app_log", "event", "announced"] {
        let sql = format!("SELECT app FROM {table} WHERE app > ?1 ORDER BY app LIMIT 1");
        let mut last = String::new();
        while let Some(app) = rows::collect(connection, &sql, [&last], |row| Ok(row.get(0)?))?.pop()
        {
            last.clone_from(&app);
            apps.push(app);
        }
    }
    apps.sort();
    apps.dedup();
    Ok(apps)
}

/// What the log of an app says.
struct Log {
    channels: HashMap<String, Channel>,
    /// The place of the oldest event of each lane.
    oldest: [Option<u64>; LANES as usize],
    /// The last place that is taken.
    last_seq: u64,
}

impl Log {
    fn read(connection: &Connection, app: &str, verdict: &mut Verdict) -> Result<Self, StoreError> {
        let last_seq = rows::collect(
            connection,
            "SELECT last_seq FROM app_log WHERE app = ?1",
            [app],
            |row| number(row, 0),
        )?;
        let mut log = Self {
            channels: HashMap::new(),
            oldest: [None; LANES as usize],
            last_seq: last_seq.first().copied().unwrap_or(0),
        };
        let sql = format!("SELECT {EVENT}, lane FROM event WHERE app = ?1 ORDER BY seq");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([app])?;
        while let Some(row) = rows.next()? {
            log.hear(&rows::event(row)?, row.get(7)?, verdict);
        }
        Ok(log)
    }

    fn hear(&mut self, event: &Event, lane: u8, verdict: &mut Verdict) {
        verdict.events += 1;
        let Event { app, seq, channel: name, .. } = event;
        let mut report = |what: String| {
            report(&mut verdict.broken, || {
                format!("app {app}, channel {name}, place {seq}: {what}")
            });
        };
        if lane != event.lane() {
            report(format!("it stands in lane {lane}, not in {}", event.lane()));
        }
        if *seq > self.last_seq {
            report(format!("the log is said to end at {}", self.last_seq));
        }
        self.oldest[usize::from(event.lane())].get_or_insert(*seq);
        let channel = self.channels.entry(name.as_str().to_owned()).or_default();
        if let Err(what) = channel.hear(event) {
            report(what);
        }
    }

    /// Whether the event at a place of a channel's lane may have been swept away.
    fn may_be_swept(&self, announced: &Announced) -> bool {
        let lane = bellwire_webhooks::event::lane_of(announced.channel.as_str());
        let oldest = self.oldest[usize::from(lane)];
        announced.seq < oldest.unwrap_or(self.last_seq + 1)
    }
}

/// Compares what is announced with what the log says of it.
fn compare(
    connection: &Connection,
    app: &str,
    mut log: Log,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {ANNOUNCED} FROM announced WHERE app = ?1 ORDER BY channel, user");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([app])?;
    // The key's order names a channel before its members.
    let mut last_channel: Option<String> = None;
    while let Some(row) = rows.next()? {
        verdict.announced += 1;
        let announced = rows::announced(row)?;
        let name = text(row, 1)?;
        let subject = Subject { app, channel: name, user: announced.user.as_ref() };
        if announced.user.is_none() {
            last_channel = Some(name.to_owned());
        } else if last_channel.as_deref() != Some(name) {
            report(&mut verdict.broken, || format!("{subject}: announced, but not its channel"));
        }
        let said = log.channels.get_mut(name).and_then(|channel| channel.take(&announced.user));
        if let Some(what) = differs(&announced, said, &log) {
            report(&mut verdict.broken, || format!("{subject}: {what}"));
        }
    }
    unannounced(app, &log, verdict);
    Ok(())
}

/// What the log said last of something: whether it is here, and at which place.
type Said = Option<(bool, u64)>;

fn differs(announced: &Announced, said: Said, log: &Log) -> Option<String> {
    let seq = announced.seq;
    match said {
        Some((true, last)) if last == seq => None,
        Some((true, last)) => Some(format!("announced at {seq}, but the log says at {last}")),
        Some((false, last)) => Some(format!("announced at {seq}, but taken back at {last}")),
        None if log.may_be_swept(announced) => None,
        None => Some(format!("announced at {seq}, where the log has no such event")),
    }
}

/// What the log says is here, and nobody has announced.
fn unannounced(app: &str, log: &Log, verdict: &mut Verdict) {
    for (name, channel) in &log.channels {
        for (user, seq) in channel.left() {
            let subject = Subject { app, channel: name, user };
            report(&mut verdict.broken, || {
                format!("{subject}: the log says at {seq} that it is here, but it is not announced")
            });
        }
    }
}

/// A channel or a member of one, in sentences.
struct Subject<'a> {
    app: &'a str,
    channel: &'a str,
    user: Option<&'a bellwire_protocol::UserId>,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "app {}, channel {}", self.app, self.channel)?;
        self.user.map_or(Ok(()), |user| write!(f, ", user {user}"))
    }
}

/// Adds a sentence, while there is room for it.
fn report(broken: &mut Vec<String>, sentence: impl FnOnce() -> String) {
    if broken.len() < BROKEN_MAX {
        broken.push(sentence());
    }
}
