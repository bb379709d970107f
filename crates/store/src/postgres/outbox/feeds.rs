//! What nodes have said and nobody has heard.

use bellwire_webhooks::node::NodeId;
use bellwire_webhooks::outbox::FeedRow;

use crate::StoreError;
use crate::postgres::rows::number;
use crate::postgres::session::Session;
use crate::rows::int;

/// Of each node as much as fits, and of all that the oldest. What is heard is left out, even if a node
/// whose answer was lost has said it once more.
const FEEDS: &str = "SELECT f.node, f.n, f.body FROM node
     LEFT JOIN heard h ON h.node = node.id
     LEFT JOIN unnest($1::bigint[], $2::bigint[]) t (node, n) ON t.node = node.id
     CROSS JOIN LATERAL (
         SELECT feed.node, feed.n, feed.came, feed.body FROM feed
         WHERE feed.node = node.id AND feed.n > greatest(h.n, t.n, 0)
         ORDER BY feed.n LIMIT $3) f
     ORDER BY f.came, f.n LIMIT $3";

/// Reads them.
pub(super) fn feeds(
    session: &mut Session,
    after: &[(NodeId, u64)],
    limit: u32,
) -> Result<Vec<FeedRow>, StoreError> {
    let (nodes, last): (Vec<i64>, Vec<i64>) =
        after.iter().map(|(node, n)| (int(node.number()), int(*n))).unzip();
    session.collect(FEEDS, &[&nodes, &last, &i64::from(limit)], |row| {
        let node = NodeId::of(number(row, 0)?);
        Ok(FeedRow { node, n: number(row, 1)?, body: row.try_get(2)? })
    })
}
