//! Events that go. Of every lane the oldest go first, always: so whoever finds an event in a lane
//! knows that the later ones are there too.

use std::collections::BTreeMap;

use ::postgres::Row;
use bellwire_protocol::AppId;
use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::event::LANES;
use bellwire_webhooks::replay::ReplayOf;

use super::Sweep;
use super::waiting::waiting;
use crate::StoreError;
use crate::postgres::outbox::steps::{lane::Lanes, rest::lost};
use crate::postgres::rows::{number, small, text};
use crate::postgres::session::Session;
use crate::rows::{int, kind, parse};
use crate::waiting::{Ends, Gone, hold, hold_for};

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
const WINDOW: i64 = 8 * 1024;

impl Sweep<'_> {
    /// Events of before a time. A log whose first event is younger is left alone at once: events
    /// are written in the order of time, but for the seconds that some wait for their place.
    pub(super) fn old_events(&mut self, wanted: Wanted, before_ms: u64) -> Result<(), StoreError> {
        for app in apps(self.session)? {
            if self.room() == 0 {
                break;
            }
            let Some(first) = first(self.session, &app)? else { continue };
            if first.at_ms >= before_ms {
                continue;
            }
            let ends = self.ends(&app, wanted)?;
            if let Some(start) = start(self.session, &app, first, &ends, before_ms)? {
                self.take(&app, &start, &ends, before_ms, wanted)?;
            }
        }
        Ok(())
    }

    /// The oldest events of the log that has the oldest.
    pub(super) fn oldest_events(&mut self, wanted: Wanted) -> Result<(), StoreError> {
        let mut oldest: Option<(AppId, Start, Ends)> = None;
        for app in apps(self.session)? {
            let Some(first) = first(self.session, &app)? else { continue };
            let ends = self.ends(&app, wanted)?;
            let Some(start) = start(self.session, &app, first, &ends, u64::MAX)? else {
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

    fn ends(&mut self, app: &AppId, wanted: Wanted) -> Result<Ends, StoreError> {
        match wanted {
            Wanted::ByNobody => waited_from(self.session, app),
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
        let sql = "SELECT seq, lane, at_ms FROM event WHERE app = $1 AND seq >= $2
             ORDER BY seq LIMIT $3";
        let oldest = int(start.oldest.seq);
        let stretch = self.session.collect(sql, &[&app.as_str(), &oldest, &WINDOW], entry)?;
        let mut closed = start.closed;
        let those = stretch.into_iter().filter(|entry| {
            let lane = usize::from(entry.lane);
            closed[lane] |= !may_go(*entry, ends, before_ms);
            !closed[lane]
        });
        let those = those.map(|entry| int(entry.seq)).take(self.room() as usize);
        let gone = remove(self.session, app, &those.collect::<Vec<i64>>())?;
        self.swept.rows += gone.values().map(|gone| gone.len() as u64).sum::<u64>();
        if wanted == Wanted::ByAnybody { self.confess(app, &gone) } else { Ok(()) }
    }

    /// Writes down what lanes miss of what they waited for.
    fn confess(&mut self, app: &AppId, gone: &BTreeMap<u8, Vec<Gone>>) -> Result<(), StoreError> {
        for waiting in waiting(self.session, app)? {
            let missed = waiting.misses(gone);
            let mut owed = Lanes::default();
            for missed in &missed {
                owed.owes(&waiting.endpoint, missed.lane, Some(missed.owed));
                self.swept.lost.push((waiting.endpoint.clone(), missed.lane, missed.gap));
            }
            owed.write(self.session)?;
            // For people one line an endpoint, not 64.
            if let Some(gap) = missed.iter().map(|missed| missed.gap).reduce(Gap::and) {
                lost(self.session, &waiting.endpoint, gap, "retention", self.now_ms)?;
            }
        }
        Ok(())
    }
}

fn may_go(entry: Entry, ends: &Ends, before_ms: u64) -> bool {
    entry.seq <= ends[usize::from(entry.lane)] && entry.at_ms < before_ms
}

/// Takes events away, and says what they were, by their lanes and ascending.
fn remove(
    session: &mut Session,
    app: &AppId,
    seqs: &[i64],
) -> Result<BTreeMap<u8, Vec<Gone>>, StoreError> {
    let sql = "DELETE FROM event WHERE app = $1 AND seq = ANY($2)
         RETURNING seq, lane, kind, channel";
    let rows = session.collect(sql, &[&app.as_str(), &seqs], |row| {
        let (kind, channel) = (kind(row.try_get(2)?)?, parse("event", text(row, 3)?)?);
        Ok((small::<u8>("event", row, 1)?, Gone { seq: number(row, 0)?, kind, channel }))
    })?;
    let mut gone: BTreeMap<u8, Vec<Gone>> = BTreeMap::new();
    for (lane, event) in rows {
        gone.entry(lane % LANES).or_default().push(event);
    }
    gone.values_mut().for_each(|gone| gone.sort_by_key(|event| event.seq));
    Ok(gone)
}

/// The oldest event of a log that may go, if there is one. `first` is its first event.
fn start(
    session: &mut Session,
    app: &AppId,
    first: Entry,
    ends: &Ends,
    before_ms: u64,
) -> Result<Option<Start>, StoreError> {
    let mut closed = [false; LANES as usize];
    if may_go(first, ends, before_ms) {
        return Ok(Some(Start { oldest: first, closed }));
    }
    let firsts = firsts_of_lanes(session, app)?;
    for entry in firsts.iter().filter(|entry| !may_go(**entry, ends, before_ms)) {
        closed[usize::from(entry.lane)] = true;
    }
    let good = firsts.into_iter().filter(|entry| !closed[usize::from(entry.lane)]);
    Ok(good.min_by_key(|entry| entry.seq).map(|oldest| Start { oldest, closed }))
}

/// Of each lane of an app, the place up to which nobody waits for anything.
fn waited_from(session: &mut Session, app: &AppId) -> Result<Ends, StoreError> {
    let mut ends = [u64::MAX; LANES as usize];
    for waiting in waiting(session, app)? {
        hold(&mut ends, &waiting.ends);
    }
    let sql = "SELECT repeats, cursor FROM replay WHERE app = $1 AND state = 'running'";
    let replays = session.collect(sql, &[&app.as_str()], |row| {
        let of: ReplayOf = serde_json::from_str(text(row, 0)?)
            .map_err(|error| StoreError::Row { table: "replay", why: error.to_string() })?;
        Ok((of, number(row, 1)?))
    })?;
    replays.iter().for_each(|(of, cursor)| hold_for(&mut ends, of, *cursor));
    Ok(ends)
}

fn apps(session: &mut Session) -> Result<Vec<AppId>, StoreError> {
    let sql = "SELECT app FROM app_log ORDER BY app";
    session.collect(sql, &[], |row| parse("app_log", text(row, 0)?))
}

fn first(session: &mut Session, app: &AppId) -> Result<Option<Entry>, StoreError> {
    let sql = "SELECT seq, lane, at_ms FROM event WHERE app = $1 ORDER BY seq LIMIT 1";
    session.one(sql, &[&app.as_str()], entry)
}

fn firsts_of_lanes(session: &mut Session, app: &AppId) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT e.seq, e.lane, e.at_ms FROM generate_series(0::bigint, $2) l (lane)
         CROSS JOIN LATERAL (SELECT seq, lane, at_ms FROM event
             WHERE app = $1 AND lane = l.lane ORDER BY lane, seq LIMIT 1) e";
    session.collect(sql, &[&app.as_str(), &i64::from(LANES - 1)], entry)
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let lane: u8 = small("event", row, 1)?;
    Ok(Entry { seq: number(row, 0)?, lane: lane % LANES, at_ms: number(row, 2)? })
}
