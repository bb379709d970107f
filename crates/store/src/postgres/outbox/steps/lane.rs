//! What endpoints wait for and owe, the last word for each.

use std::collections::HashMap;

use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::ids::EndpointId;

use crate::StoreError;
use crate::postgres::session::Session;
use crate::rows::int;

/// What is said of endpoints and their lanes.
#[derive(Default)]
pub(in crate::postgres::outbox) struct Lanes<'a> {
    /// The place after which events wait, if they do.
    behind: HashMap<&'a EndpointId, Option<u64>>,
    /// What a lane owes, if it does.
    owes: HashMap<(&'a EndpointId, u8), Option<Gap>>,
}

impl<'a> Lanes<'a> {
    pub(super) fn behind(&mut self, endpoint: &'a EndpointId, after: Option<u64>) {
        self.behind.insert(endpoint, after);
    }

    pub(in crate::postgres::outbox) fn owes(
        &mut self,
        endpoint: &'a EndpointId,
        lane: u8,
        gap: Option<Gap>,
    ) {
        self.owes.insert((endpoint, lane), gap);
    }

    pub(in crate::postgres::outbox) fn write(
        &self,
        session: &mut Session,
    ) -> Result<(), StoreError> {
        self.write_behind(session)?;
        self.write_owed(session)?;
        self.write_paid(session)
    }

    fn write_behind(&self, session: &mut Session) -> Result<(), StoreError> {
        let done = self.behind.iter().filter(|(_, after)| after.is_none());
        let done: Vec<&str> = done.map(|(endpoint, _)| endpoint.as_str()).collect();
        if !done.is_empty() {
            session.run("DELETE FROM behind WHERE endpoint = ANY($1)", &[&done])?;
        }
        let waits =
            self.behind.iter().filter_map(|(id, after)| Some((id.as_str(), int((*after)?))));
        let (endpoints, after): (Vec<&str>, Vec<i64>) = waits.unzip();
        if endpoints.is_empty() {
            return Ok(());
        }
        session.run(
            "INSERT INTO behind (endpoint, after)
             SELECT * FROM unnest($1::text[], $2::bigint[]) t (endpoint)
             WHERE EXISTS (SELECT 1 FROM endpoint e WHERE e.id = t.endpoint)
             ON CONFLICT (endpoint) DO UPDATE SET after = excluded.after",
            &[&endpoints, &after],
        )?;
        Ok(())
    }

    fn write_owed(&self, session: &mut Session) -> Result<(), StoreError> {
        let owed = self.owes.iter().filter_map(|(lane, gap)| Some((lane, (*gap)?)));
        let owed: Vec<_> = owed.collect();
        if owed.is_empty() {
            return Ok(());
        }
        let endpoints: Vec<&str> =
            owed.iter().map(|((endpoint, _), _)| endpoint.as_str()).collect();
        let lanes: Vec<i64> = owed.iter().map(|((_, lane), _)| (*lane).into()).collect();
        let of = |what: fn(&Gap) -> u64| -> Vec<i64> {
            owed.iter().map(|(_, gap)| int(what(gap))).collect()
        };
        session.run(
            "INSERT INTO lane (endpoint, lane, owes_first, owes_last, owes_count)
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[],
                 $5::bigint[]) t (endpoint)
             WHERE EXISTS (SELECT 1 FROM endpoint e WHERE e.id = t.endpoint)
             ON CONFLICT (endpoint, lane) DO UPDATE SET owes_first = excluded.owes_first,
                 owes_last = excluded.owes_last, owes_count = excluded.owes_count",
            &[&endpoints, &lanes, &of(|gap| gap.first), &of(|gap| gap.last), &of(|gap| gap.count)],
        )?;
        Ok(())
    }

    fn write_paid(&self, session: &mut Session) -> Result<(), StoreError> {
        let paid = self.owes.iter().filter(|(_, gap)| gap.is_none());
        let (endpoints, lanes): (Vec<&str>, Vec<i64>) =
            paid.map(|((endpoint, lane), _)| (endpoint.as_str(), i64::from(*lane))).unzip();
        if endpoints.is_empty() {
            return Ok(());
        }
        session.run(
            "UPDATE lane l SET owes_first = NULL, owes_last = NULL, owes_count = NULL
             FROM unnest($1::text[], $2::bigint[]) t (endpoint, lane)
             WHERE (l.endpoint, l.lane) = (t.endpoint, t.lane)",
            &[&endpoints, &lanes],
        )?;
        Ok(())
    }
}
