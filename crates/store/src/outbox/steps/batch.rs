//! Batches from the cut to the end.

use bellwire_webhooks::attempt::{Attempt, Failure};
use bellwire_webhooks::batch::{Batch, Outcome};
use bellwire_webhooks::event::LANES;
use bellwire_webhooks::ids::BatchId;
use rusqlite::{Connection, params};

use super::numbers;
use crate::StoreError;
use crate::rows::{array, int, outcome_number, run};

/// A batch is cut.
pub(super) fn cut(connection: &Connection, batch: &Batch) -> Result<(), StoreError> {
    let gap = batch.gap.map(numbers);
    let added = run(
        connection,
        "INSERT INTO batch (id, app, endpoint, lane, time_ms, previous, gap_first, gap_last,
             gap_count, deadline_ms, replay, parent)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
         WHERE EXISTS (SELECT 1 FROM endpoint WHERE id = ?3)",
        params![
            int(batch.id.number()),
            batch.app.as_str(),
            batch.endpoint.as_str(),
            batch.lane,
            int(batch.time_ms),
            int(batch.previous),
            gap.map(|gap| gap[0]),
            gap.map(|gap| gap[1]),
            gap.map(|gap| gap[2]),
            int(batch.deadline_ms),
            batch.replay.map(|id| int(id.number())),
            batch.parent.map(|id| int(id.number())),
        ],
    )?;
    if added == 0 {
        return Ok(());
    }
    let id = int(batch.id.number());
    run(
        connection,
        "INSERT INTO batch_body (batch, seqs, events) VALUES (?1, ?2, ?3)",
        params![id, array(&batch.seqs), &*batch.events],
    )?;
    if batch.lane < LANES { sent(connection, batch) } else { Ok(()) }
}

/// Notes the last place that was cut in a lane.
fn sent(connection: &Connection, batch: &Batch) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO lane (endpoint, lane, previous) VALUES (?1, ?2, ?3)
         ON CONFLICT (endpoint, lane)
         DO UPDATE SET previous = max(previous, excluded.previous)",
        params![batch.endpoint.as_str(), batch.lane, int(batch.last_seq())],
    )?;
    Ok(())
}

/// An attempt was made.
pub(super) fn attempted(connection: &Connection, attempt: &Attempt) -> Result<(), StoreError> {
    let answer = &attempt.answer;
    run(
        connection,
        "INSERT INTO attempt (batch, number, at_ms, duration_ms, status, failure, detail, remote,
             retry_after_ms, body, request_head)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
         WHERE EXISTS (SELECT 1 FROM batch WHERE id = ?1)",
        params![
            int(attempt.batch.number()),
            attempt.number,
            int(attempt.at_ms),
            answer.duration_ms,
            answer.status,
            answer.failure.map(Failure::name),
            answer.detail,
            answer.remote,
            answer.retry_after_ms.map(int),
            answer.body,
            answer.request_head,
        ],
    )?;
    Ok(())
}

/// A batch has ended.
pub(super) fn end(
    connection: &Connection,
    batch: BatchId,
    outcome: Outcome,
    at_ms: u64,
) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE batch SET outcome = ?2, ended_at_ms = ?3 WHERE id = ?1",
        params![int(batch.number()), outcome_number(outcome), int(at_ms)],
    )?;
    Ok(())
}
