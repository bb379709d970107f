//! A WebSocket client that speaks raw JSON, over tungstenite.

use std::io;
use std::time::Instant;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use crate::{Frame, PATIENCE, Stream, Target, channel_auth, user_auth};

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code of the close frame; 1005 if it had none, 1006 if there was no close frame.
    pub code: u16,
    /// Its reason.
    pub reason: String,
}

/// Whatever comes next on a connection.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// A message.
    Frame(Frame),
    /// An RFC 6455 ping; it is answered already.
    Ping,
    /// An RFC 6455 pong with its payload.
    Pong(Vec<u8>),
    /// The end.
    Closed(Close),
}

/// One WebSocket connection.
#[derive(Debug)]
pub struct Client {
    socket: WebSocket<Stream>,
    key: String,
    secret: String,
    established: Option<Frame>,
    subprotocol: Option<String>,
}

impl Client {
    /// Connects and upgrades; the upgrade must succeed (contract 1.7).
    #[must_use]
    #[track_caller]
    pub fn open(target: Target, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_open(target, path, headers)
            .unwrap_or_else(|e| panic!("no upgrade on {path}: {e}"))
    }

    /// Connects and upgrades.
    ///
    /// # Errors
    /// Why there was no upgrade.
    pub fn try_open(target: Target, path: &str, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let scheme = if target.tls { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{path}", target.addr);
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(name, value);
        }
        let stream = target.connect().map_err(Error::Io)?;
        let (socket, response) = tungstenite::client(request, stream).map_err(|e| match e {
            HandshakeError::Failure(e) => e,
            HandshakeError::Interrupted(_) => io::Error::from(io::ErrorKind::TimedOut).into(),
        })?;
        let subprotocol = response.headers().get("sec-websocket-protocol");
        Ok(Self {
            socket,
            key: String::new(),
            secret: String::new(),
            established: None,
            subprotocol: subprotocol.map(|value| value.to_str().unwrap().to_owned()),
        })
    }

    /// The key and secret that [`subscribe`](Self::subscribe) and [`sign_in`](Self::sign_in) use.
    pub fn sign_with(&mut self, key: &str, secret: &str) {
        key.clone_into(&mut self.key);
        secret.clone_into(&mut self.secret);
    }

    /// The subprotocol that the server echoed.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Reads `connection_established`, which must come first.
    #[track_caller]
    pub fn expect_established(&mut self) -> Frame {
        let frame = self.expect("pusher:connection_established");
        self.established = Some(frame.clone());
        frame
    }

    /// Reads `connection_established`; false if something else comes or the connection ends.
    pub fn try_established(&mut self) -> bool {
        let Incoming::Frame(frame) = self.incoming() else { return false };
        let is_it = frame.event() == "pusher:connection_established";
        self.established = is_it.then_some(frame);
        is_it
    }

    /// The socket id, from `connection_established`.
    #[must_use]
    #[track_caller]
    pub fn socket_id(&self) -> String {
        let established = self.established.as_ref().expect("not established");
        let data = established.data();
        data["socket_id"].as_str().expect("no socket id").to_owned()
    }

    // --- what the server says

    /// Whatever comes next.
    #[track_caller]
    pub fn incoming(&mut self) -> Incoming {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return Incoming::Frame(Frame::parse(text.as_str().to_owned()));
                }
                Ok(Message::Ping(_)) => {
                    let _ = self.socket.flush();
                    return Incoming::Ping;
                }
                Ok(Message::Pong(payload)) => return Incoming::Pong(payload.to_vec()),
                Ok(Message::Close(frame)) => return Incoming::Closed(close(frame)),
                Ok(other) => panic!("not a text frame: {other:?}"),
                Err(Error::Io(e)) if is_timeout(&e) => {
                    assert!(Instant::now() < deadline, "nothing came");
                }
                Err(e @ (Error::Io(_) | Error::Protocol(_) | Error::ConnectionClosed)) => {
                    return Incoming::Closed(Close { code: 1006, reason: e.to_string() });
                }
                Err(e) => panic!("cannot read: {e}"),
            }
        }
    }

    /// The next message; pings and pongs are passed over, a close is a failure.
    #[track_caller]
    pub fn message(&mut self) -> Frame {
        loop {
            match self.incoming() {
                Incoming::Frame(frame) => return frame,
                Incoming::Ping | Incoming::Pong(_) => {}
                Incoming::Closed(close) => panic!("closed instead of a message: {close:?}"),
            }
        }
    }

    /// The next message, which must be this event.
    #[track_caller]
    pub fn expect(&mut self, event: &str) -> Frame {
        let frame = self.message();
        assert_eq!(frame.event(), event, "{}", frame.text());
        frame
    }

    /// The next message, which must be this event on this channel.
    #[track_caller]
    pub fn expect_on(&mut self, event: &str, channel: &str) -> Frame {
        let frame = self.expect(event);
        assert_eq!(frame.channel(), Some(channel), "{}", frame.text());
        frame
    }

    /// The next message, which must be a `pusher:error`.
    #[track_caller]
    pub fn expect_error(&mut self) -> Frame {
        let frame = self.expect("pusher:error");
        let _ = (frame.error_code(), frame.error_message());
        frame
    }

    /// Both halves of a refused subscription, in either order: the `pusher:error` with code null,
    /// which is returned, and the `pusher:subscription_error` of the channel (contract 4.8, 4.9).
    #[track_caller]
    pub fn expect_subscription_refused(&mut self, channel: &str) -> Frame {
        let mut halves = [self.message(), self.message()];
        halves.sort_by_key(|frame| frame.event() != "pusher:error");
        let [error, refusal] = halves;
        assert_eq!(error.error_code(), None, "{}", error.text());
        assert_eq!(error.channel(), None, "{}", error.text());
        assert_eq!(refusal.event(), "pusher:subscription_error", "{}", refusal.text());
        assert_eq!(refusal.channel(), Some(channel), "{}", refusal.text());
        let data = refusal.data();
        assert!(data["error"].is_string(), "{}", refusal.text());
        assert!(data["type"].is_string(), "{}", refusal.text());
        assert!(data["status"].is_u64(), "{}", refusal.text());
        error
    }

    /// The way the connection ends; messages before it are passed over.
    #[track_caller]
    pub fn expect_close(&mut self) -> Close {
        loop {
            if let Incoming::Closed(close) = self.incoming() {
                return close;
            }
        }
    }

    /// A refusal (contract 1.8): first a `pusher:error` with this code, then a close with it and
    /// the same text, which is returned.
    #[track_caller]
    pub fn expect_refusal(&mut self, code: u16) -> String {
        let error = self.expect_error();
        assert_eq!(error.error_code(), Some(u64::from(code)), "{}", error.text());
        let message = error.error_message().to_owned();
        match self.incoming() {
            Incoming::Closed(close) => {
                assert_eq!(close.code, code, "{close:?}");
                assert_eq!(close.reason, message);
            }
            other => panic!("not closed after the error: {other:?}"),
        }
        message
    }

    /// Asks for a `pusher:pong`, which must be the very next message: proves that the connection
    /// lives, that all it said has been dealt with and that nothing else came in answer to it.
    #[track_caller]
    pub fn settle(&mut self) {
        self.say("pusher:ping", &json!({}));
        self.expect("pusher:pong");
    }

    /// Like [`settle`](Self::settle), but passes over other messages; returns them.
    #[track_caller]
    pub fn drain(&mut self) -> Vec<Frame> {
        self.say("pusher:ping", &json!({}));
        let mut passed = Vec::new();
        loop {
            let frame = self.message();
            if frame.event() == "pusher:pong" {
                return passed;
            }
            passed.push(frame);
        }
    }

    // --- what the client says

    /// Sends a text frame, if the connection still takes one.
    ///
    /// # Errors
    /// Why it does not.
    pub fn try_send(&mut self, text: &str) -> Result<(), Error> {
        self.socket.send(Message::text(text))
    }

    /// Sends a text frame.
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.send_message(Message::text(text));
    }

    /// Sends any WebSocket message.
    #[track_caller]
    pub fn send_message(&mut self, message: Message) {
        self.socket.send(message).expect("cannot send");
    }

    /// Sends an RFC 6455 ping.
    #[track_caller]
    pub fn ping(&mut self, payload: &[u8]) {
        self.send_message(Message::Ping(payload.to_vec().into()));
    }

    /// Sends a JSON value.
    #[track_caller]
    pub fn send_json(&mut self, value: &Value) {
        self.send(&value.to_string());
    }

    /// Sends `{"event":…,"data":…}`.
    #[track_caller]
    pub fn say(&mut self, event: &str, data: &Value) {
        self.send_json(&json!({ "event": event, "data": data }));
    }

    /// Sends an event on a channel: `{"event":…,"channel":…,"data":…}`.
    #[track_caller]
    pub fn trigger(&mut self, channel: &str, event: &str, data: &Value) {
        self.send_json(&json!({ "event": event, "channel": channel, "data": data }));
    }

    /// The `auth` for a subscription of this connection.
    #[must_use]
    #[track_caller]
    pub fn auth_for(&self, channel: &str, channel_data: Option<&str>) -> String {
        channel_auth(&self.key, &self.secret, &self.socket_id(), channel, channel_data)
    }

    /// Asks for a subscription, signed if the channel's name calls for it, and reads nothing.
    #[track_caller]
    pub fn ask(&mut self, channel: &str, channel_data: Option<&str>) {
        self.send_json(&self.subscription(channel, channel_data));
    }

    /// The message that [`ask`](Self::ask) sends.
    #[must_use]
    #[track_caller]
    pub fn subscription(&self, channel: &str, channel_data: Option<&str>) -> Value {
        let mut data = json!({ "channel": channel, "auth": "" });
        if channel.starts_with("private-") || channel.starts_with("presence-") {
            data["auth"] = self.auth_for(channel, channel_data).into();
        }
        if let Some(channel_data) = channel_data {
            data["channel_data"] = channel_data.into();
        }
        json!({ "event": "pusher:subscribe", "data": data })
    }

    /// Subscribes and expects success.
    #[track_caller]
    pub fn subscribe(&mut self, channel: &str) -> Frame {
        self.ask(channel, None);
        self.expect_on("pusher_internal:subscription_succeeded", channel)
    }

    /// Subscribes to a presence channel and expects success.
    #[track_caller]
    pub fn join(&mut self, channel: &str, channel_data: &str) -> Frame {
        self.ask(channel, Some(channel_data));
        self.expect_on("pusher_internal:subscription_succeeded", channel)
    }

    /// Unsubscribes; there is no answer.
    #[track_caller]
    pub fn unsubscribe(&mut self, channel: &str) {
        self.say("pusher:unsubscribe", &json!({ "channel": channel }));
    }

    /// Asks for a sign-in and reads nothing.
    #[track_caller]
    pub fn ask_sign_in(&mut self, user_data: &str) {
        let auth = user_auth(&self.key, &self.secret, &self.socket_id(), user_data);
        self.say("pusher:signin", &json!({ "auth": auth, "user_data": user_data }));
    }

    /// Signs in with this `user_data` and expects success.
    #[track_caller]
    pub fn sign_in(&mut self, user_data: &str) -> Frame {
        self.ask_sign_in(user_data);
        self.expect("pusher:signin_success")
    }

    /// Goes away with a proper close, and waits for the server's.
    pub fn leave(mut self) {
        let _ = self.socket.close(None);
        loop {
            match self.incoming() {
                Incoming::Closed(_) => return,
                Incoming::Frame(_) | Incoming::Ping | Incoming::Pong(_) => {}
            }
        }
    }
}

fn close(frame: Option<tungstenite::protocol::CloseFrame>) -> Close {
    match frame {
        Some(frame) => Close { code: frame.code.into(), reason: frame.reason.as_str().to_owned() },
        None => Close { code: 1005, reason: String::new() },
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
