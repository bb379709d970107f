//! Events that go. Of every lane the oldest go first, always: so whoever finds an event in a lane
//! knows that the later ones are there too. They are taken in the order of the log, because a page of
//! the file holds neighbours.

use std::collections::BTreeMap;

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::event::LANES;
use bellwire_webhooks::replay::ReplayOf;
use rusqlite::{Connection, Row, params};

use super::Sweep;
use super::waiting::waiting;
use crate::StoreError;
use crate::outbox::steps::lane;
use crate::rows::{self, collect, int, number, text};
use crate::waiting::{Ends, Gone, Missed, hold, hold_for};

/// Which events may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that no lane and no replay waits for.
    ByNobody,
    /// Those too that somebody waits for; the lanes are told what they miss.
    ByAnybody,
}

/// What of an event decides about it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    seq: u64,
    lane: u8,
    at_ms: u64,
}

/// Where in a log there is something to take.
struct Start {
    oldest: Entry,
    /// Lanes of which an older event stays, so everything does.
    closed: [bool; LANES as usize],
}

/// Events that are looked at to find a part.
const WINDOW: u32 = 8 * 1024;

impl Sweep<'_> {
    /// Events of before a time. A log whose first event is younger is left alone at once: events
    /// are written in the order of time, but for the seconds that some wait for their place.
    pub(super) fn old_events(&mut self, wanted: Wanted, before_ms: u64) -> Result<(), StoreError> {
        for app in apps(self.connection)? {
            if self.room() == 0 {
                break;
            }
            let Some(first) = first(self.connection, &app)? else { continue };
            if first.at_ms >= before_ms {
                continue;
            }
            let ends = self.ends(&app, wanted)?;
            if let Some(start) = start(self.connection, &app, first, &ends, before_ms)? {
                self.take(&app, &start, &ends, before_ms, wanted)?;
            }
        }
        Ok(())
    }

    /// The oldest events of the log that has the oldest.
    pub(super) fn oldest_events(&mut self, wanted: Wanted) -> Result<(), StoreError> {
        let mut oldest: Option<(AppId, Start, Ends)> = None;
        for app in apps(self.connection)? {
            let Some(first) = first(self.connection, &app)? else { continue };
            let ends = self.ends(&app, wanted)?;
            let Some(start) = start(self.connection, &app, first, &ends, u64::MAX)? else {
                continue;
            };
            let is_older = |(_, other, _): &(_, Start, _)| start.oldest.at_ms < other.oldest.at_ms;
            if oldest.as_ref().is_none_or(is_older) {
                oldest = Some((app, start, ends));
            }
        }
        let Some((app, start, ends)) = oldest else { return Ok(()) };
        self.take(&app, &start, &ends, u64::MAX, wanted)
    }

    fn ends(&self, app: &AppId, wanted: Wanted) -> Result<Ends, StoreError> {
        match wanted {
            Wanted::ByNobody => waited_from(self.connection, app),
            Wanted::ByAnybody => Ok([u64::MAX; LANES as usize]),
        }
    }

    /// Takes what may go of the log's next stretch.
    fn take(
        &mut self,
        app: &AppId,
        start: &Start,
        ends: &Ends,
        before_ms: u64,
        wanted: Wanted,
    ) -> Result<(), StoreError> {
        let sql = "SELECT seq, lane, at_ms FROM event WHERE app = ?1 AND seq >= ?2
             ORDER BY seq LIMIT ?3";
        let stretch = params![app.as_str(), int(start.oldest.seq), WINDOW];
        let stretch = collect(self.connection, sql, stretch, entry)?;
        let mut closed = start.closed;
        let mut gone: BTreeMap<u8, Vec<Gone>> = BTreeMap::new();
        for entry in stretch {
            let lane = usize::from(entry.lane);
            closed[lane] |= !may_go(entry, ends, before_ms);
            if closed[lane] {
                continue;
            }
            if self.room() == 0 {
                break;
            }
            let event = remove(self.connection, app, entry.seq)?;
            self.swept.rows += 1;
            gone.entry(entry.lane).or_default().extend(event);
        }
        if wanted == Wanted::ByAnybody { self.confess(app, &gone) } else { Ok(()) }
    }

    /// Writes down what lanes miss of what they waited for.
    fn confess(&mut self, app: &AppId, gone: &BTreeMap<u8, Vec<Gone>>) -> Result<(), StoreError> {
        for waiting in waiting(self.connection, app)? {
            let missed = waiting.misses(gone);
            for Missed { lane, gap, owed } in &missed {
                lane::owes(self.connection, &waiting.endpoint, *lane, *owed)?;
                self.swept.lost.push((waiting.endpoint.clone(), *lane, *gap));
            }
            // For people one line an endpoint, not 64.
            if let Some(gap) = missed.iter().map(|missed| missed.gap).reduce(Gap::and) {
                lane::lost(self.connection, &waiting.endpoint, gap, "retention", self.now_ms)?;
            }
        }
        Ok(())
    }
}

fn may_go(entry: Entry, ends: &Ends, before_ms: u64) -> bool {
    entry.seq <= ends[usize::from(entry.lane)] && entry.at_ms < before_ms
}

/// Takes an event away, and says what it was.
fn remove(connection: &Connection, app: &AppId, seq: u64) -> Result<Option<Gone>, StoreError> {
    let sql = "DELETE FROM event WHERE app = ?1 AND seq = ?2 RETURNING kind, channel";
    let gone = collect(connection, sql, params![app.as_str(), int(seq)], |row| {
        let channel = rows::parse("event", text(row, 1)?)?;
        Ok(Gone { seq, kind: rows::kind(row.get(0)?)?, channel })
    });
    Ok(gone?.pop())
}

/// The oldest event of a log that may go, if there is one. `first` is its first event.
fn start(
    connection: &Connection,
    app: &AppId,
    first: Entry,
    ends: &Ends,
    before_ms: u64,
) -> Result<Option<Start>, StoreError> {
    let mut closed = [false; LANES as usize];
    if may_go(first, ends, before_ms) {
        return Ok(Some(Start { oldest: first, closed }));
    }
    let mut oldest: Option<Entry> = None;
    for lane in 0..LANES {
        let Some(entry) = first_of_lane(connection, app, lane)? else { continue };
        if !may_go(entry, ends, before_ms) {
            closed[usize::from(lane)] = true;
        } else if oldest.is_none_or(|oldest| entry.seq < oldest.seq) {
            oldest = Some(entry);
        }
    }
    Ok(oldest.map(|oldest| Start { oldest, closed }))
}

/// Of each lane of an app, the place up to which nobody waits for anything.
fn waited_from(connection: &Connection, app: &AppId) -> Result<Ends, StoreError> {
    let mut ends = [u64::MAX; LANES as usize];
    for waiting in waiting(connection, app)? {
        hold(&mut ends, &waiting.ends);
    }
    let sql = "SELECT repeats, cursor FROM replay WHERE app = ?1 AND state = 'running'";
    let replays = collect(connection, sql, [app.as_str()], |row| {
        let of: ReplayOf = serde_json::from_str(text(row, 0)?)
            .map_err(|error| StoreError::Row { table: "replay", why: error.to_string() })?;
        Ok((of, number(row, 1)?))
    })?;
    replays.iter().for_each(|(of, cursor)| hold_for(&mut ends, of, *cursor));
    Ok(ends)
}

fn apps(connection: &Connection) -> Result<Vec<AppId>, StoreError> {
    collect(connection, "SELECT app FROM app_log ORDER BY app", [], |row| {
        rows::parse("app_log", text(row, 0)?)
    })
}

fn first(connection: &Connection, app: &AppId) -> Result<Option<Entry>, StoreError> {
    let sql = "SELECT seq, lane, at_ms FROM event WHERE app = ?1 ORDER BY seq LIMIT 1";
    Ok(collect(connection, sql, [app.as_str()], entry)?.pop())
}

fn first_of_lane(
    connection: &Connection,
    app: &AppId,
    lane: u8,
) -> Result<Option<Entry>, StoreError> {
    let sql = "SELECT seq, lane, at_ms FROM event INDEXED BY event_by_lane
         WHERE app = ?1 AND lane = ?2 ORDER BY seq LIMIT 1";
    Ok(collect(connection, sql, params![app.as_str(), lane], entry)?.pop())
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let lane: u8 = row.get(1)?;
    Ok(Entry { seq: number(row, 0)?, lane: lane % LANES, at_ms: number(row, 2)? })
}
