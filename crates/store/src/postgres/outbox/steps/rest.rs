//! What is said now and then, and what is heard of nodes.

use std::collections::BTreeMap;

use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::ids::EndpointId;
use bellwire_webhooks::node::NodeId;
use bellwire_webhooks::outbox::Step;

use crate::StoreError;
use crate::postgres::session::Session;
use crate::rows::int;

/// How far the feeds of nodes are heard.
#[derive(Default)]
pub(super) struct Heard(BTreeMap<i64, i64>);

/// Writes one of the steps that are few.
pub(super) fn write(session: &mut Session, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Lost { endpoint, gap, reason, at_ms } => {
            return lost(session, endpoint, *gap, reason, *at_ms);
        }
        Step::Failing { endpoint, since_ms } => session.run(
            "UPDATE endpoint SET failing_since_ms = $2 WHERE id = $1",
            &[&endpoint.as_str(), &since_ms.map(int)],
        )?,
        // What a person has disabled meanwhile stays as it is.
        Step::Disable { endpoint, reason, at_ms } => session.run(
            "UPDATE endpoint SET disabled_reason = $2, disabled_at_ms = $3
             WHERE id = $1 AND disabled_reason IS NULL",
            &[&endpoint.as_str(), reason, &int(*at_ms)],
        )?,
        // What a person has cancelled meanwhile stays cancelled.
        Step::Replayed { replay, progress } => session.run(
            "UPDATE replay SET cursor = $2, delivered = $3, failed = $4,
                 state = CASE state WHEN 'running' THEN $5 ELSE state END
             WHERE id = $1",
            &[
                &int(replay.number()),
                &int(progress.cursor),
                &int(progress.delivered),
                &int(progress.failed),
                &progress.state.name(),
            ],
        )?,
        _ => 0,
    };
    Ok(())
}

/// Writes down for people what a receiver missed.
pub(in crate::postgres::outbox) fn lost(
    session: &mut Session,
    endpoint: &EndpointId,
    gap: Gap,
    reason: &str,
    at_ms: u64,
) -> Result<(), StoreError> {
    session.run(
        "INSERT INTO lost (app, endpoint, gap_first, gap_last, gap_count, reason, at_ms)
         SELECT app, id, $2, $3, $4, $5, $6 FROM endpoint WHERE id = $1",
        &[
            &endpoint.as_str(),
            &int(gap.first),
            &int(gap.last),
            &int(gap.count),
            &reason,
            &int(at_ms),
        ],
    )?;
    Ok(())
}

impl Heard {
    pub(super) fn push(&mut self, node: NodeId, n: u64) {
        let last = self.0.entry(int(node.number())).or_default();
        *last = int(n).max(*last);
    }

    /// What is heard goes. A node that is forgotten has no feed.
    pub(super) fn write(&self, session: &mut Session) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (nodes, last): (Vec<i64>, Vec<i64>) = self.0.iter().unzip();
        session.run(
            "WITH gone AS (
                 DELETE FROM feed f USING unnest($1::bigint[], $2::bigint[]) t (node, n)
                 WHERE f.node = t.node AND f.n <= t.n)
             INSERT INTO heard (node, n)
             SELECT * FROM unnest($1::bigint[], $2::bigint[]) t (node)
             WHERE EXISTS (SELECT 1 FROM node WHERE id = t.node) ORDER BY node
             ON CONFLICT (node) DO UPDATE SET n = greatest(heard.n, excluded.n)",
            &[&nodes, &last],
        )?;
        Ok(())
    }
}
