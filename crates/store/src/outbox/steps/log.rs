//! The log, and what is announced by it.

use bellwire_webhooks::event::{Event, Kind};
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::contradiction::{AGAIN, NEVER, contradiction, subject};
use crate::rows::{int, kind_number, run};

/// Adds to the log, and to what is announced or from it.
pub(super) fn append(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO event (app, seq, kind, lane, channel, user, at_ms, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            event.app.as_str(),
            int(event.seq),
            kind_number(event.kind),
            event.lane(),
            event.channel.as_str(),
            event.user.as_ref().map(|user| user.as_str()),
            int(event.at_ms),
            &*event.body,
        ],
    )?;
    match event.kind {
        Kind::Occupied | Kind::MemberAdded => announce(connection, event),
        Kind::Vacated | Kind::MemberRemoved => take_back(connection, event),
        Kind::ClientEvent | Kind::CacheMiss | Kind::SubscriptionCount => Ok(()),
    }
}

fn announce(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    let added = run(
        connection,
        "INSERT INTO announced (app, channel, user, seq) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        params![event.app.as_str(), event.channel.as_str(), subject(event)?, int(event.seq)],
    )?;
    if added == 1 { Ok(()) } else { Err(contradiction(event, AGAIN)) }
}

fn take_back(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    let removed = run(
        connection,
        "DELETE FROM announced WHERE app = ?1 AND channel = ?2 AND user = ?3",
        params![event.app.as_str(), event.channel.as_str(), subject(event)?],
    )?;
    if removed == 1 { Ok(()) } else { Err(contradiction(event, NEVER)) }
}
