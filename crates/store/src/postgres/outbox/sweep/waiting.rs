//! Who waits for what of a log.

use std::collections::HashMap;

use bellwire_protocol::AppId;
use bellwire_webhooks::ids::EndpointId;

use crate::StoreError;
use crate::endpoints;
use crate::postgres::rows::{self, number, text};
use crate::postgres::session::Session;
use crate::rows::parse;
use crate::waiting::Waiting;

/// The endpoints of an app that are behind.
pub(super) fn waiting(session: &mut Session, app: &AppId) -> Result<Vec<Waiting>, StoreError> {
    let sql = "SELECT e.id, e.terms, b.after FROM endpoint e JOIN behind b ON b.endpoint = e.id
         WHERE e.app = $1";
    let mut all = session.collect(sql, &[&app.as_str()], |row| {
        let endpoint: EndpointId = parse("endpoint", text(row, 0)?)?;
        let terms = endpoints::terms(&endpoint, text(row, 1)?)?;
        Ok(Waiting::after(endpoint, terms, number(row, 2)?))
    })?;
    lanes(session, &mut all)?;
    Ok(all)
}

/// What their lanes know better.
fn lanes(session: &mut Session, all: &mut [Waiting]) -> Result<(), StoreError> {
    let ids: Vec<String> = all.iter().map(|waiting| waiting.endpoint.to_string()).collect();
    let sql = "SELECT endpoint, lane, previous, owes_first, owes_last, owes_count FROM lane
         WHERE endpoint = ANY($1)";
    let lanes = session.collect(sql, &[&ids], |row| {
        let (endpoint, lane) = rows::lane(row, 0)?;
        Ok((endpoint, lane, number(row, 2)?, rows::gap(row, 3)?))
    })?;
    let mut by_id: HashMap<EndpointId, &mut Waiting> =
        all.iter_mut().map(|waiting| (waiting.endpoint.clone(), waiting)).collect();
    for (endpoint, lane, previous, owes) in lanes {
        if let Some(waiting) = by_id.get_mut(&endpoint) {
            waiting.lane(lane, previous, owes);
        }
    }
    Ok(())
}
