//! From bytes to what follows from them: read, decode, let the session judge, carry out.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use bellwire_hub::complaint::Complaint;
use bellwire_hub::hub::ClientEvent;
use bellwire_hub::session::Subscription;
use bellwire_hub::statistics::Counted;
use bellwire_hub::{Action, Session};
use bellwire_protocol::frame::Incoming;
use bellwire_protocol::presence::Member;
use bellwire_protocol::user::User;
use bellwire_protocol::{ChannelName, Close, Frame, UserId, close, limits};
use mio::Token;

use super::mailbox::Mailbox;
use super::transport::Transport;
use super::witness::{Sight, Trouble};
use super::worker::{READ_BYTES, Worker};

impl Worker {
    /// Reads what a socket has, within a turn's share; the rest waits, so that one sender does not hold
    /// up the others. `ended` says that the peer will send nothing more: no event will tell of the end
    /// again, so it must be met now.
    pub(super) fn readable(&mut self, slot: usize, ended: bool) {
        let mut share = READ_BYTES;
        while share > 0 {
            let Some(connection) = self.slots.at(slot) else { return };
            let Transport::Socket(socket) = &mut connection.transport else { return };
            let conn = connection.conn;
            let until_blocked = ended || socket.reads_until_blocked();
            let mut buffer = std::mem::take(&mut self.buffer);
            let read = socket.read(&mut buffer[..share]);
            if let Ok(len @ 1..) = read {
                self.tally.bytes_in += len as u64;
                self.decode(slot, &mut buffer[..len]);
            }
            self.buffer = buffer;
            if self.slots.find(conn).is_none() {
                return;
            }
            match read {
                Ok(0) => return self.drop_connection(slot),
                // Less than asked means that the socket is empty now; an event tells of more.
                Ok(len) if len < share && !until_blocked => return,
                Ok(len) => share -= len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
                Err(_) => return self.drop_connection(slot),
            }
        }
        self.unread.push(Token(slot));
    }

    /// Decodes bytes of a connection and does what its frames say.
    pub(super) fn decode(&mut self, slot: usize, bytes: &mut [u8]) {
        let Some(connection) = self.slots.at(slot) else { return };
        connection.heard_s = self.now_s;
        connection.probed_s = None;
        if let Some(closing) = &mut connection.closing {
            closing.bytes_left = closing.bytes_left.saturating_sub(bytes.len());
            if closing.bytes_left == 0 {
                return self.drop_connection(slot);
            }
        }
        let conn = connection.conn;
        let mut reader = std::mem::take(&mut connection.reader);
        let deflates = connection.deflates;
        let mut inflater = deflates.then(|| self.inflater.take().unwrap_or_default());
        self.collects = Some(slot);
        let limit = limits::CLIENT_MESSAGE_BYTES;
        let result = reader.feed(bytes, limit, inflater.as_deref_mut(), &mut |incoming| {
            self.incoming(slot, &incoming);
            match self.slots.find(conn) {
                Some(_) => ControlFlow::Continue(()),
                None => ControlFlow::Break(()),
            }
        });
        self.inflater = inflater.or(self.inflater.take());
        self.say_collected();
        if self.slots.find(conn).is_none() {
            return;
        }
        match result {
            Ok(()) => {
                if let Some(connection) = self.slots.at(slot) {
                    connection.reader = reader;
                }
            }
            Err(violation) => self.close(slot, &violation),
        }
    }

    fn incoming(&mut self, slot: usize, incoming: &Incoming<'_>) {
        let closing = self.slots.at(slot).is_none_or(|c| c.closing.is_some());
        match incoming {
            Incoming::Close(_) if closing => self.drop_connection(slot),
            Incoming::Close(code) => self.answer_close(slot, *code),
            _ if closing => {}
            Incoming::Text(text) => self.hear(slot, text),
            Incoming::Ping(payload) => self.answer_ping(slot, payload),
            Incoming::Pong => {}
        }
    }

    /// Messages of an HTTP fallback.
    pub(super) fn heard(&mut self, mailbox: &Arc<Mailbox>, texts: &[String]) {
        let Some(conn) = mailbox.conn() else { return };
        if let Some(connection) = self.slots.find(conn).and_then(|slot| self.slots.at(slot)) {
            connection.heard_s = self.now_s;
            connection.probed_s = None;
        }
        for text in texts {
            let Some(slot) = self.slots.find(conn) else { return };
            match text.len() {
                0..=limits::CLIENT_MESSAGE_BYTES => self.hear(slot, text),
                _ => self.close(slot, &close::TOO_BIG),
            }
        }
    }

    /// Lets the session judge a message, and carries out its verdict.
    fn hear(&mut self, slot: usize, text: &str) {
        self.tally.messages_in += 1;
        let now_ms = self.now_ms;
        let Some(connection) = self.slots.at(slot) else { return };
        connection.story.messages_in = connection.story.messages_in.saturating_add(1);
        match connection.session.handle(now_ms, text) {
            Action::Nothing => {}
            Action::Say(frame) => self.say(slot, &frame),
            Action::Complain(complaint) => self.complain(slot, &complaint),
            Action::Subscribe { channel, member } => self.subscribe(slot, channel, member),
            Action::Unsubscribe(subscription) => self.unsubscribe(slot, &subscription),
            Action::Publish(event) => self.publish(slot, event),
            Action::SignIn { user, user_data, before } => {
                self.sign_in(slot, &user, &user_data, &before);
            }
            Action::Close(close) => self.close(slot, &close),
        }
    }

    fn subscribe(&mut self, slot: usize, channel: ChannelName, member: Option<Member>) {
        let now_ms = self.now_ms;
        let Some(connection) = self.slots.at(slot) else { return };
        let (app, conn) = (Arc::clone(&connection.session.app), connection.conn);
        if channel.kind().needs_auth() && !self.authorize(slot) {
            return;
        }
        match self.hub.subscribe(now_ms, &app, &channel, conn, member.as_ref()) {
            Ok(id) => {
                self.tally.subscriptions += 1;
                let user = member.as_ref().map(|member| &member.id);
                self.see(slot, |_| Sight::Subscribed { channel: &channel, user });
                if let Some(connection) = self.slots.at(slot) {
                    connection.session.subscribed(channel, id, member.map(|member| member.id));
                }
            }
            Err(refusal) => self.complain(slot, &Session::refused(&channel, &refusal)),
        }
    }

    fn complain(&mut self, slot: usize, complaint: &Complaint) {
        self.note(slot, &Trouble::Complaint(complaint));
        complaint.frames().iter().for_each(|frame| self.say(slot, frame));
    }

    fn unsubscribe(&mut self, slot: usize, subscription: &Subscription) {
        let Some(connection) = self.slots.at(slot) else { return };
        let (app, conn) = (Arc::clone(&connection.session.app), connection.conn);
        let Subscription { channel, user, .. } = subscription;
        self.tally.subscriptions -= 1;
        self.see(slot, |_| Sight::Unsubscribed(subscription));
        self.hub.unsubscribe(self.now_ms, &app, channel, conn, user.as_ref(), false);
    }

    fn publish(&mut self, slot: usize, event: ClientEvent) {
        let Some(connection) = self.slots.at(slot) else { return };
        let (app, conn) = (Arc::clone(&connection.session.app), connection.conn);
        self.tally.client_events_in += 1;
        app.usage.count_messages(1);
        app.usage.statistics.count(Counted::ClientIn, 1);
        app.usage.statistics.sizes.add(event.frame.payload().len() as u64);
        let (channel, frame) = (&event.channel, &event.frame);
        self.see(slot, |_| Sight::ClientEvent { channel, frame });
        self.hub.publish_from(self.now_ms, &app, event, conn);
    }

    fn sign_in(&mut self, slot: usize, user: &User, user_data: &str, before: &[UserId]) {
        let Some(connection) = self.slots.at(slot) else { return };
        let (app, conn) = (Arc::clone(&connection.session.app), connection.conn);
        if self.authorize(slot) {
            self.hub.sign_in(&app, conn, user, user_data, before);
        }
    }

    /// The connection has proved itself, and counts toward the quota from now on (contract 10.4);
    /// whether there was room for it.
    fn authorize(&mut self, slot: usize) -> bool {
        let Some(connection) = self.slots.at(slot) else {
            return false;
        };
        if !connection.session.authorize() || connection.seat.take(&connection.session.app) {
            return true;
        }
        self.close(slot, &close::OVER_QUOTA);
        false
    }

    fn answer_close(&mut self, slot: usize, code: Option<u16>) {
        let code = code.unwrap_or(close::NORMAL.code);
        let answer = Close { code, reason: "".into() };
        self.say(slot, &Frame::close(&answer));
        self.say_collected();
        self.drop_connection(slot);
    }
}
