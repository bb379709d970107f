//! Batches from the cut to the end.

use std::collections::HashMap;

use bellwire_webhooks::attempt::{Attempt, Failure};
use bellwire_webhooks::batch::{Batch, Gap, Outcome};
use bellwire_webhooks::ids::BatchId;

use crate::StoreError;
use crate::postgres::rows::clean;
use crate::postgres::session::Session;
use crate::rows::{array, int, outcome_number};

/// Batches that are cut.
#[derive(Default)]
pub(super) struct Cuts<'a>(Vec<&'a Batch>);

/// Attempts that were made.
#[derive(Default)]
pub(super) struct Attempts<'a>(Vec<&'a Attempt>);

/// Batches that have ended, the last word for each.
#[derive(Default)]
pub(super) struct Ends(HashMap<i64, (Outcome, u64)>);

/// The last place that was cut in a lane is noted with the batches; 64 lanes are live ones.
const CUT: &str = "WITH t AS MATERIALIZED (
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
             $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
             $12::bigint[], $13::text[], $14::text[], $15::bigint[])
             t (id, app, endpoint, lane, time_ms, previous, gap_first, gap_last, gap_count,
                 deadline_ms, replay, parent, seqs, events, last_seq)
         WHERE EXISTS (SELECT 1 FROM endpoint e WHERE e.id = t.endpoint)),
     body AS (
         INSERT INTO batch_body (batch, seqs, events) SELECT id, seqs, events FROM t),
     sent AS (
         INSERT INTO lane (endpoint, lane, previous)
         SELECT endpoint, lane, max(last_seq) FROM t WHERE lane < 64 GROUP BY endpoint, lane
         ON CONFLICT (endpoint, lane)
         DO UPDATE SET previous = greatest(lane.previous, excluded.previous))
     INSERT INTO batch (id, app, endpoint, lane, time_ms, previous, gap_first, gap_last,
         gap_count, deadline_ms, replay, parent)
     SELECT id, app, endpoint, lane, time_ms, previous, gap_first, gap_last, gap_count,
         deadline_ms, replay, parent FROM t";

impl<'a> Cuts<'a> {
    pub(super) fn push(&mut self, batch: &'a Batch) {
        self.0.push(batch);
    }

    pub(super) fn write(&self, session: &mut Session) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let of = |what: fn(&Batch) -> u64| column(&self.0, |batch| int(what(batch)));
        let any = |what: fn(&Batch) -> Option<u64>| column(&self.0, |batch| what(batch).map(int));
        let gap =
            |what: fn(Gap) -> u64| column(&self.0, |batch| batch.gap.map(|gap| int(what(gap))));
        session.run(
            CUT,
            &[
                &of(|batch| batch.id.number()),
                &column(&self.0, |batch| batch.app.as_str()),
                &column(&self.0, |batch| batch.endpoint.as_str()),
                &of(|batch| batch.lane.into()),
                &of(|batch| batch.time_ms),
                &of(|batch| batch.previous),
                &gap(|gap| gap.first),
                &gap(|gap| gap.last),
                &gap(|gap| gap.count),
                &of(|batch| batch.deadline_ms),
                &any(|batch| batch.replay.map(|id| id.number())),
                &any(|batch| batch.parent.map(|id| id.number())),
                &column(&self.0, |batch| array(&batch.seqs)),
                &column(&self.0, |batch| &*batch.events),
                &of(Batch::last_seq),
            ],
        )?;
        Ok(())
    }
}

impl<'a> Attempts<'a> {
    pub(super) fn push(&mut self, attempt: &'a Attempt) {
        self.0.push(attempt);
    }

    pub(super) fn write(&self, session: &mut Session) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let of = |what: fn(&Attempt) -> u64| column(&self.0, |attempt| int(what(attempt)));
        let any =
            |what: fn(&Attempt) -> Option<u64>| column(&self.0, |attempt| what(attempt).map(int));
        let text =
            |what: fn(&'a Attempt) -> &'a str| column(&self.0, |attempt| clean(what(attempt)));
        session.run(
            "INSERT INTO attempt (batch, number, at_ms, duration_ms, status, failure, detail,
                 remote, retry_after_ms, body, request_head)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],
                 $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[],
                 $11::text[]) t (batch)
             WHERE EXISTS (SELECT 1 FROM batch WHERE id = t.batch)",
            &[
                &of(|attempt| attempt.batch.number()),
                &of(|attempt| attempt.number.into()),
                &of(|attempt| attempt.at_ms),
                &of(|attempt| attempt.answer.duration_ms.into()),
                &any(|attempt| attempt.answer.status.map(u64::from)),
                &column(&self.0, |attempt| attempt.answer.failure.map(Failure::name)),
                &text(|attempt| &attempt.answer.detail),
                &column(&self.0, |attempt| attempt.answer.remote.as_deref()),
                &any(|attempt| attempt.answer.retry_after_ms),
                &text(|attempt| &attempt.answer.body),
                &text(|attempt| &attempt.answer.request_head),
            ],
        )?;
        Ok(())
    }
}

impl Ends {
    pub(super) fn push(&mut self, batch: BatchId, outcome: Outcome, at_ms: u64) {
        self.0.insert(int(batch.number()), (outcome, at_ms));
    }

    pub(super) fn write(&self, session: &mut Session) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = self.0.keys().copied().collect();
        let outcomes: Vec<i64> =
            self.0.values().map(|(outcome, _)| outcome_number(*outcome)).collect();
        let times: Vec<i64> = self.0.values().map(|(_, at_ms)| int(*at_ms)).collect();
        session.run(
            "UPDATE batch b SET outcome = t.outcome, ended_at_ms = t.at_ms
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) t (id, outcome, at_ms)
             WHERE b.id = t.id",
            &[&ids, &outcomes, &times],
        )?;
        Ok(())
    }
}

/// One column of many rows.
fn column<'a, R, T>(rows: &[&'a R], what: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(|row| what(row)).collect()
}
