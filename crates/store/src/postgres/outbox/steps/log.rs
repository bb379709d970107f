//! The log, and what is announced by it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ::postgres::types::ToSql;
use bellwire_protocol::AppId;
use bellwire_webhooks::event::{Event, Kind};

use crate::StoreError;
use crate::contradiction::{AGAIN, NEVER, contradiction, subject};
use crate::postgres::rows::{clean, escaped};
use crate::postgres::session::Session;
use crate::rows::{int, kind_number};

/// What is added to the logs.
#[derive(Default)]
pub(super) struct Log<'a> {
    events: Vec<&'a Event>,
    /// The last place of each log that is taken.
    places: HashMap<&'a AppId, u64>,
    changes: HashMap<Subject<'a>, Change<'a>>,
}

/// What can be announced: a channel of an app, or a user there.
type Subject<'a> = (&'a str, &'a str, &'a str);

/// What becomes of what is announced, whatever happens to it on the way.
struct Change<'a> {
    /// Whether it has to be announced before.
    was: bool,
    /// The place of its announcement afterwards, if it is announced.
    is: Option<u64>,
    /// Who said so first, and is to blame.
    first: &'a Event,
}

/// Subjects in columns.
#[derive(Default)]
struct Columns<'a> {
    app: Vec<&'a str>,
    channel: Vec<&'a str>,
    user: Vec<Cow<'a, str>>,
    seq: Vec<i64>,
}

const TELL: &str = "INSERT INTO announced (app, channel, \"user\", seq)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
     ON CONFLICT DO NOTHING";
/// What is taken back and announced again in one transaction.
const TELL_ANEW: &str = "UPDATE announced a SET seq = t.seq
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) t (app, channel, \"user\", seq)
     WHERE (a.app, a.channel, a.\"user\") = (t.app, t.channel, t.\"user\")";
const TAKE_BACK: &str = "DELETE FROM announced a
     USING unnest($1::text[], $2::text[], $3::text[]) t (app, channel, \"user\")
     WHERE (a.app, a.channel, a.\"user\") = (t.app, t.channel, t.\"user\")";
const IS_TOLD: &str = "SELECT a.app, a.channel, a.\"user\" FROM announced a
     JOIN unnest($1::text[], $2::text[], $3::text[]) t (app, channel, \"user\")
     ON (a.app, a.channel, a.\"user\") = (t.app, t.channel, t.\"user\")";

impl<'a> Log<'a> {
    /// Adds to the log, and to what is announced or from it.
    pub(super) fn append(&mut self, event: &'a Event) -> Result<(), StoreError> {
        self.take_place(&event.app, event.seq);
        self.events.push(event);
        match event.kind {
            Kind::Occupied | Kind::MemberAdded => self.change(event, Some(event.seq)),
            Kind::Vacated | Kind::MemberRemoved => self.change(event, None),
            Kind::ClientEvent | Kind::CacheMiss | Kind::SubscriptionCount => Ok(()),
        }
    }

    /// Places up to this one are taken.
    pub(super) fn take_place(&mut self, app: &'a AppId, seq: u64) {
        let last = self.places.entry(app).or_default();
        *last = seq.max(*last);
    }

    fn change(&mut self, event: &'a Event, is: Option<u64>) -> Result<(), StoreError> {
        let subject = (event.app.as_str(), event.channel.as_str(), subject(event)?);
        let was = is.is_none();
        let change = self.changes.entry(subject);
        let change = change.or_insert(Change { was, is: was.then_some(0), first: event });
        if change.is.is_some() != was {
            return Err(contradiction(event, if was { NEVER } else { AGAIN }));
        }
        change.is = is;
        Ok(())
    }

    pub(super) fn write(&self, session: &mut Session) -> Result<(), StoreError> {
        if !self.places.is_empty() {
            self.write_events(session)?;
        }
        let good = self.write_changes(session)?;
        if good { Ok(()) } else { Err(self.blame(session)?) }
    }

    fn write_events(&self, session: &mut Session) -> Result<(), StoreError> {
        let (apps, lasts): (Vec<&str>, Vec<i64>) =
            self.places.iter().map(|(app, last)| (app.as_str(), int(*last))).unzip();
        let of = |what: fn(&Event) -> i64| -> Vec<i64> {
            self.events.iter().map(|event| what(event)).collect()
        };
        let texts = |what: fn(&'a Event) -> &'a str| -> Vec<&str> {
            self.events.iter().map(|event| what(event)).collect()
        };
        let users = self.events.iter().map(|event| event.user.as_ref());
        let users: Vec<Option<Cow<'_, str>>> =
            users.map(|user| user.map(|user| escaped(user.as_str()))).collect();
        let bodies: Vec<Cow<'_, str>> =
            self.events.iter().map(|event| clean(&event.body)).collect();
        session.run(
            "WITH place AS (
                 INSERT INTO app_log (app, last_seq) SELECT * FROM unnest($1::text[], $2::bigint[])
                 ON CONFLICT (app)
                 DO UPDATE SET last_seq = greatest(app_log.last_seq, excluded.last_seq))
             INSERT INTO event (app, seq, kind, lane, channel, \"user\", at_ms, body)
             SELECT * FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                 $7::text[], $8::text[], $9::bigint[], $10::text[])",
            &[
                &apps,
                &lasts,
                &texts(|event| event.app.as_str()),
                &of(|event| int(event.seq)),
                &of(|event| kind_number(event.kind)),
                &of(|event| event.lane().into()),
                &texts(|event| event.channel.as_str()),
                &users,
                &of(|event| int(event.at_ms)),
                &bodies,
            ],
        )?;
        Ok(())
    }

    /// Writes what is announced; whether it was as the events have it.
    fn write_changes(&self, session: &mut Session) -> Result<bool, StoreError> {
        let new = self.those(|change| !change.was && change.is.is_some());
        let old = self.those(|change| change.was && change.is.is_none());
        let anew = self.those(|change| change.was && change.is.is_some());
        let passed = self.those(|change| !change.was && change.is.is_none());
        Ok(new.told(session, TELL)? == new.len()
            && old.named(session, TAKE_BACK)? == old.len()
            && anew.told(session, TELL_ANEW)? == anew.len()
            && passed.named(session, IS_TOLD)? == 0)
    }

    fn those(&self, which: impl Fn(&Change<'_>) -> bool) -> Columns<'a> {
        let mut columns = Columns::default();
        for (subject, change) in self.changes.iter().filter(|(_, change)| which(change)) {
            columns.push(*subject, change.is.unwrap_or(0));
        }
        columns
    }

    /// Finds out who contradicts what is announced.
    fn blame(&self, session: &mut Session) -> Result<StoreError, StoreError> {
        session.batch("ROLLBACK")?;
        let all = self.those(|_| true);
        let told = session.collect(IS_TOLD, &all.names(), |row| {
            Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?])
        })?;
        let told: HashSet<[String; 3]> = told.into_iter().collect();
        let is_told = |(app, channel, user): &Subject<'_>| {
            told.contains(&[(*app).into(), (*channel).into(), escaped(user).into_owned()])
        };
        let wrong = self.changes.iter().filter(|(subject, change)| change.was != is_told(subject));
        let wrong = wrong.map(|(_, change)| change).min_by_key(|change| change.first.seq);
        let nobody = || StoreError::Contradiction("but nobody knows where".into());
        Ok(wrong.map_or_else(nobody, |change| {
            contradiction(change.first, if change.was { NEVER } else { AGAIN })
        }))
    }
}

impl<'a> Columns<'a> {
    fn push(&mut self, (app, channel, user): Subject<'a>, seq: u64) {
        self.app.push(app);
        self.channel.push(channel);
        self.user.push(escaped(user));
        self.seq.push(int(seq));
    }

    fn len(&self) -> u64 {
        self.app.len() as u64
    }

    fn names(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.app, &self.channel, &self.user]
    }

    /// Runs a statement with subjects and places; how many rows it found.
    fn told(&self, session: &mut Session, sql: &str) -> Result<u64, StoreError> {
        if self.app.is_empty() {
            return Ok(0);
        }
        session.run(sql, &[&self.app, &self.channel, &self.user, &self.seq])
    }

    /// Runs a statement with subjects; how many rows it found.
    fn named(&self, session: &mut Session, sql: &str) -> Result<u64, StoreError> {
        if self.app.is_empty() { Ok(0) } else { session.run(sql, &self.names()) }
    }
}
