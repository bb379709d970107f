//! Who waits for what of a log.

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::endpoint::Terms;
use bellwire_webhooks::event::LANES;
use bellwire_webhooks::ids::EndpointId;
use rusqlite::Connection;

use crate::rows::{self, collect, number, parse, text};
use crate::{StoreError, endpoints};

/// Of each lane, a place: up to it nobody waits for anything.
pub(super) type Ends = [u64; LANES as usize];

/// An endpoint for which events wait.
pub(super) struct Waiting {
    pub(super) endpoint: EndpointId,
    /// What it wants at all.
    pub(super) terms: Terms,
    /// What it does not wait for.
    pub(super) ends: Ends,
    /// What its lanes owe already.
    pub(super) owes: [Option<Gap>; LANES as usize],
}

/// The endpoints of an app that are behind.
pub(super) fn waiting(connection: &Connection, app: &AppId) -> Result<Vec<Waiting>, StoreError> {
    let sql = "SELECT e.id, e.terms, b.after
         FROM endpoint e INDEXED BY endpoint_by_app CROSS JOIN behind b ON b.endpoint = e.id
         WHERE e.app = ?1";
    collect(connection, sql, [app.as_str()], |row| {
        let endpoint = parse("endpoint", text(row, 0)?)?;
        let terms = endpoints::terms(&endpoint, text(row, 1)?)?;
        let ends = [number(row, 2)?; LANES as usize];
        let mut waiting = Waiting { endpoint, terms, ends, owes: [None; LANES as usize] };
        lanes(connection, &mut waiting)?;
        Ok(waiting)
    })
}

/// What its lanes know better.
fn lanes(connection: &Connection, waiting: &mut Waiting) -> Result<(), StoreError> {
    let sql = "SELECT lane, previous, owes_first, owes_last, owes_count FROM lane
         WHERE endpoint = ?1";
    let lanes = collect(connection, sql, [waiting.endpoint.as_str()], |row| {
        Ok((row.get::<_, u8>(0)?, number(row, 1)?, rows::gap(row, 2)?))
    })?;
    for (lane, previous, owes) in lanes {
        let at = usize::from(lane % LANES);
        waiting.ends[at] = waiting.ends[at].max(previous);
        waiting.owes[at] = owes;
    }
    Ok(())
}
