//! The life of a connection: accepted, probed, closed, dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwire_hub::interest::Listener;
use bellwire_hub::{App, Conn, Session};
use bellwire_protocol::frame::FrameReader;
use bellwire_protocol::{Close, Frame, close, server};
use metrics::{counter, gauge};
use mio::Token;

use super::connection::{Closing, Connection, Pace};
use super::fanout::Chain;
use super::inbox::Arrival;
use super::transport::Transport;
use super::witness::{Sight, Trouble, Who};
use super::worker::Worker;

/// Seconds that a client has to answer a close frame.
const CLOSE_WITHIN_S: u32 = 5;
/// Bytes that a client may have sent before it saw the close frame.
const CLOSING_BYTES: usize = 262_144;

impl Worker {
    /// Takes a connection in and greets it.
    pub(super) fn accept(&mut self, arrival: Arrival) {
        let Arrival { mut transport, app, seat, must_authorize, deflates, .. } = arrival;
        let (story, mut leftover) = (arrival.story, arrival.leftover);
        let Some(conn) = self.slots.reserve(self.number) else {
            tracing::error!("a gateway worker has no slot left");
            return;
        };
        let registered = match &mut transport {
            Transport::Socket(socket) => socket.register(&self.registry, Token(conn.slot())),
            Transport::Mailbox(mailbox) => {
                mailbox.name(conn);
                Ok(())
            }
        };
        let socket_id = conn.socket_id(self.hub.node());
        tracing::debug!(app = %app.id, socket = %socket_id, transport = transport.name(), "connected");
        count_connection(&transport, 1.0);
        self.slots.put(Connection {
            conn,
            transport,
            session: Session::new(app, socket_id, must_authorize),
            deflates,
            reader: FrameReader::default(),
            memberships: Vec::new(),
            chain: Chain::EMPTY,
            backlog: None,
            accepted_s: self.now_s,
            heard_s: self.now_s,
            probed_s: None,
            pace: Pace::InStep,
            took: false,
            closing: None,
            seat,
            story,
        });
        if let Err(error) = registered {
            tracing::warn!(%error, "a socket cannot be polled");
            return self.drop_connection(conn.slot());
        }
        self.see(conn.slot(), |connection| Sight::Connected {
            transport: connection.transport.name(),
        });
        let greeting = server::connection_established(socket_id, self.settings.activity_timeout_s);
        self.say(conn.slot(), &greeting);
        if let Some(close) = self.too_late(conn) {
            return self.close(conn.slot(), &close);
        }
        if !leftover.is_empty() {
            self.decode(conn.slot(), &mut leftover);
        }
        if self.slots.find(conn).is_some() {
            self.readable(conn.slot(), false);
        }
    }

    /// Whether the node or the app has ended between the door and here; those who were here then
    /// have been told already.
    fn too_late(&mut self, conn: Conn) -> Option<Close> {
        if self.drains {
            return Some(close::RECONNECT);
        }
        let live = self.slots.at(conn.slot())?.session.app.live();
        match (live.deleted, live.settings.enabled) {
            (true, _) => Some(close::APP_DELETED),
            (false, false) => Some(close::APP_DISABLED),
            (false, true) => None,
        }
    }

    /// Ends a connection with an error and a close frame, and waits a little for its answer.
    pub(super) fn close(&mut self, slot: usize, close: &Close) {
        let Some(connection) = self.slots.at(slot) else { return };
        if connection.closing.is_some() {
            return;
        }
        let conn = connection.conn;
        if self.collects == Some(slot) {
            self.say_collected();
        }
        let Some(connection) = self.slots.at(slot).filter(|c| c.conn == conn) else { return };
        tracing::debug!(
            app = %connection.session.app.id, socket = %connection.session.socket_id,
            code = close.code, reason = %close.reason, "closing"
        );
        counter!("bellwire_closes_total", "code" => close.code.to_string()).increment(1);
        if is_trouble(close) {
            self.note(slot, &Trouble::Closed(close));
        }
        if close.is_pusher() {
            self.say(slot, &server::closing(close));
        }
        let Some(connection) = self.slots.at(slot).filter(|c| c.conn == conn) else { return };
        if let Transport::Mailbox(mailbox) = &connection.transport {
            mailbox.close(close);
            return self.drop_connection(slot);
        }
        self.say(slot, &Frame::close(close));
        let Some(connection) = self.slots.at(slot).filter(|c| c.conn == conn) else { return };
        connection.closing =
            Some(Closing { until_s: self.now_s + CLOSE_WITHIN_S, bytes_left: CLOSING_BYTES });
        if connection.backlog.is_none()
            && let Transport::Socket(socket) = &mut connection.transport
        {
            socket.finish();
        }
        self.leave_everything(slot);
    }

    /// Drops a connection whose backlog is over the cap: what waits is thrown away with it.
    #[cold]
    pub(super) fn drop_slow(&mut self, slot: usize) {
        let Some(connection) = self.slots.at(slot) else { return };
        tracing::info!(
            app = %connection.session.app.id, socket = %connection.session.socket_id,
            "closing a reader that is too slow"
        );
        if let Transport::Socket(socket) = &connection.transport {
            socket.reset_on_close();
        }
        self.note(slot, &Trouble::TooSlow(self.settings.backlog_bytes_max));
        self.drop_connection(slot);
    }

    /// Forgets a connection at once.
    pub(super) fn drop_connection(&mut self, slot: usize) {
        self.leave_everything(slot);
        let Some(mut connection) = self.slots.remove(slot) else { return };
        self.tally.backlog_bytes -= connection.backlog_bytes() as i64;
        count_connection(&connection.transport, -1.0);
        match &mut connection.transport {
            Transport::Socket(socket) => socket.deregister(&self.registry),
            Transport::Mailbox(mailbox) => mailbox.abandon(),
        }
        tracing::debug!(
            app = %connection.session.app.id, socket = %connection.session.socket_id, "disconnected"
        );
    }

    /// Ends all subscriptions and the sign-in, and gives the place in the quota back.
    fn leave_everything(&mut self, slot: usize) {
        let Some(connection) = self.slots.at(slot) else { return };
        let conn = connection.conn;
        let app = Arc::clone(&connection.session.app);
        let memberships = std::mem::take(&mut connection.memberships);
        let subscriptions = connection.session.take_subscriptions();
        let user = connection.session.take_user();
        let behind = std::mem::replace(&mut connection.pace, Pace::Stuck) == Pace::Behind;
        connection.seat.give_back();
        let has_ended = std::mem::replace(&mut connection.story.has_ended, true);
        if !has_ended {
            self.see(slot, |_| Sight::Disconnected { subscriptions: &subscriptions });
        }
        self.rooms.leave_all(&mut self.slots, memberships, behind);
        self.tally.subscriptions -= subscriptions.len() as i64;
        for subscription in subscriptions {
            let user = subscription.user.as_ref();
            self.hub.unsubscribe(self.now_ms, &app, &subscription.channel, conn, user, true);
        }
        if let Some(user) = user {
            self.hub.sign_out(&app, conn, &user.member.id, &user.watchlist);
        }
    }

    /// Tells of a connection, if anybody looks.
    pub(super) fn see<'a>(
        &'a mut self,
        slot: usize,
        sight: impl FnOnce(&'a Connection) -> Sight<'a>,
    ) {
        let at_ms = self.now_ms;
        let Some(connection) = self.slots.at(slot) else { return };
        let app = &connection.session.app;
        if app.interest.is_there(Listener::Console) {
            let socket = Some(connection.session.socket_id);
            let who = Who { socket, story: &connection.story, at_ms };
            self.witness.see(app, who, &sight(connection));
        }
    }

    /// Tells of what went wrong with a connection.
    #[cold]
    pub(super) fn note(&mut self, slot: usize, trouble: &Trouble<'_>) {
        let at_ms = self.now_ms;
        let Some(connection) = self.slots.at(slot) else { return };
        let socket = Some(connection.session.socket_id);
        let who = Who { socket, story: &connection.story, at_ms };
        self.witness.note(&connection.session.app, who, trouble);
    }

    /// Ends all connections of an app.
    pub(super) fn close_app(&mut self, app: &Arc<App>, close: &Close) {
        for slot in 0..self.slots.len() {
            if self.slots.at(slot).is_some_and(|c| Arc::ptr_eq(&c.session.app, app)) {
                self.close(slot, close);
            }
        }
    }

    /// Gives every connection its moment to leave in, evenly over the window.
    pub(super) fn drain(&mut self, window: Duration) {
        let conns: Vec<Conn> =
            (0..self.slots.len()).filter_map(|slot| Some(self.slots.at(slot)?.conn)).collect();
        let (now, count) = (Instant::now(), conns.len().max(1) as u32);
        let moment = |(at, conn)| (now + window * at as u32 / count, conn);
        self.leaving = conns.into_iter().enumerate().map(moment).collect();
        self.drains = true;
    }

    /// Sends away everyone whose moment has come.
    pub(super) fn send_away(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some((_, conn)) = self.leaving.pop_front_if(|(at, _)| *at <= now) {
            if let Some(slot) = self.slots.find(conn) {
                self.close(slot, &close::RECONNECT);
            }
        }
    }

    /// One look at every connection, once a second, for all that time brings.
    pub(super) fn scan(&mut self) {
        for slot in 0..self.slots.len() {
            self.find_stuck(slot);
            match self.due(slot) {
                Due::Nothing => {}
                Due::Probe => self.probe(slot),
                Due::Close(close) => self.close(slot, &close),
                Due::Drop => self.drop_connection(slot),
            }
        }
    }

    /// A reader that has taken nothing for a whole second is stuck: publishers wait for it no
    /// longer.
    fn find_stuck(&mut self, slot: usize) {
        let Some(connection) = self.slots.at(slot) else { return };
        let took = std::mem::take(&mut connection.took);
        if connection.pace == Pace::Behind && !took {
            self.set_pace(slot, Pace::Stuck);
        }
    }

    fn due(&mut self, slot: usize) -> Due {
        let (now_s, settings) = (self.now_s, self.settings);
        let Some(connection) = self.slots.at(slot) else {
            return Due::Nothing;
        };
        if let Some(Closing { until_s, .. }) = connection.closing {
            return if now_s >= until_s { Due::Drop } else { Due::Nothing };
        }
        if let Transport::Mailbox(mailbox) = &connection.transport
            && mailbox.is_alone_too_long()
        {
            return Due::Drop;
        }
        // Whole seconds: more than so many have passed only if one more has begun.
        let age_s = now_s - connection.accepted_s;
        if connection.session.owes_authorization() && age_s > settings.authorize_within_s {
            return Due::Close(close::UNAUTHORIZED);
        }
        match connection.probed_s {
            Some(probed_s) if now_s - probed_s > settings.pong_timeout_s => {
                Due::Close(close::NO_PONG)
            }
            None if now_s - connection.heard_s > settings.activity_timeout_s => Due::Probe,
            _ => Due::Nothing,
        }
    }

    /// Asks a silent client whether it lives, by the ping that every WebSocket library answers
    /// (contract 2.3).
    fn probe(&mut self, slot: usize) {
        let now_s = self.now_s;
        let Some(connection) = self.slots.at(slot) else { return };
        connection.probed_s = Some(now_s);
        match &connection.transport {
            Transport::Socket(_) => self.say(slot, &Frame::ping()),
            Transport::Mailbox(mailbox) => mailbox.probe(),
        }
    }
}

/// Whether a close tells of a mistake: of the client, or of whoever set the limits.
fn is_trouble(close: &Close) -> bool {
    let is_wanted = [close::NORMAL, close::TERMINATED, close::APP_DELETED, close::APP_DISABLED];
    let is_usual = [close::RECONNECT, close::NO_PONG];
    !is_wanted.contains(close) && !is_usual.contains(close)
}

fn count_connection(transport: &Transport, by: f64) {
    let tls = if transport.is_tls() { "yes" } else { "no" };
    gauge!("bellwire_connections", "transport" => transport.name(), "tls" => tls).increment(by);
}

/// What time brings for a connection.
enum Due {
    Nothing,
    Probe,
    Close(Close),
    Drop,
}
