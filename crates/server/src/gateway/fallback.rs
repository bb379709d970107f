//! The HTTP fallbacks of pusher-js, xhr_streaming and xhr_polling: sessions out of POSTs
//! (contract, part B). Each is a connection like any other, with a mailbox instead of a socket.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bellwire_protocol::{Close, server};
use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep};

use super::admission::{Admitted, Door, Request};
use super::mailbox::{Fetched, Kind, Mailbox, PRELUDE, push_close};
use super::transport::Transport;
use super::{Arrival, Letter, Switchboard};

/// What names a session: key, server and session of its path (B1.3).
pub(crate) type SessionKey = (String, String, String);

/// All sessions of the HTTP fallbacks.
#[derive(Debug)]
pub(crate) struct Fallbacks {
    sessions: Mutex<HashMap<SessionKey, Arc<Mailbox>>>,
    switchboard: Arc<Switchboard>,
    bytes_max: usize,
}

/// What a receive call is answered with.
#[derive(Debug)]
pub(crate) enum Received {
    /// What the session says, as it comes.
    Stream(Stream),
    /// A refusal, whole.
    Refused(String),
}

/// Why an `xhr_send` was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// Nobody has this session; the client will notice by its activity timer (B6.2).
    UnknownSession,
    /// The body is no JSON array of strings.
    NoArray,
}

impl Fallbacks {
    pub(crate) fn new(switchboard: Arc<Switchboard>, bytes_max: usize) -> Self {
        Self { sessions: Mutex::default(), switchboard, bytes_max }
    }

    /// A receive call: continues a session or starts one (B6.1).
    pub(crate) fn receive(
        &self,
        key: SessionKey,
        kind: Kind,
        door: &Door,
        request: &Request<'_>,
    ) -> Received {
        let found = self.session(&key).filter(|mailbox| mailbox.kind() == kind);
        let mailbox = match found {
            Some(mailbox) => mailbox,
            None => match door.admit(request) {
                Ok(admitted) => self.start(key, kind, admitted),
                Err(close) => return Received::Refused(refusal(kind, &close)),
            },
        };
        // A call is a sign of life.
        let heard = Letter::Heard { mailbox: Arc::clone(&mailbox), texts: Vec::new() };
        self.switchboard.send(mailbox.worker, heard);
        Received::Stream(Stream::new(mailbox))
    }

    /// A send call; an empty array is the client's heartbeat (B4.6).
    pub(crate) fn send(&self, key: &SessionKey, body: &[u8]) -> Result<(), Unsent> {
        let mailbox = self.session(key).ok_or(Unsent::UnknownSession)?;
        let texts: Vec<String> = serde_json::from_slice(body).map_err(|_| Unsent::NoArray)?;
        if texts.is_empty() {
            mailbox.beat();
        }
        let heard = Letter::Heard { mailbox: Arc::clone(&mailbox), texts };
        self.switchboard.send(mailbox.worker, heard);
        Ok(())
    }

    /// Whether there is such a session.
    pub(crate) fn has(&self, key: &SessionKey) -> bool {
        self.session(key).is_some()
    }

    /// Forgets sessions that are over. Call it about once a second.
    pub(crate) fn sweep(&self) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, mailbox| !mailbox.is_finished());
    }

    fn session(&self, key: &SessionKey) -> Option<Arc<Mailbox>> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(key).filter(|mailbox| !mailbox.is_over()).cloned()
    }

    fn start(&self, key: SessionKey, kind: Kind, admitted: Admitted) -> Arc<Mailbox> {
        let worker = self.switchboard.choose();
        let mailbox = Arc::new(Mailbox::new(kind, worker, self.bytes_max));
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = sessions.insert(key, Arc::clone(&mailbox)) {
            before.abandon();
        }
        drop(sessions);
        let Admitted { app, seat, must_authorize, story } = admitted;
        let arrival = Arrival {
            transport: Transport::Mailbox(Arc::clone(&mailbox)),
            app,
            seat,
            must_authorize,
            story,
            deflates: false,
            leftover: Vec::new(),
        };
        self.switchboard.send(worker, Letter::Accept(Box::new(arrival)));
        mailbox
    }
}

/// A session that opens only to be refused: pusher-js understands nothing else (B6.7).
fn refusal(kind: Kind, close: &Close) -> String {
    let mut text = String::new();
    if kind == Kind::Streaming {
        text.push_str(PRELUDE);
    }
    text.push_str("o\n");
    let error = server::closing(close);
    let error = String::from_utf8_lossy(error.payload()).into_owned();
    text.push_str(&format!("a{}\n", serde_json::json!([error])));
    push_close(&mut text, close);
    text
}

/// After so long without a frame, a stream says `a[]` and a poll ends with `h` (B4.4, B5.2).
const SILENCE_MAX: Duration = Duration::from_secs(25);
/// UTF-16 units of one answer after which pusher-js aborts it and asks anew (B4.3). What would be
/// sent beyond that could be lost, so nothing is.
const ANSWER_UNITS_MAX: usize = 256 * 1024;

/// The body of a receive call's answer.
#[derive(Debug)]
pub(crate) struct Stream {
    mailbox: Arc<Mailbox>,
    receiver: u64,
    silence: Pin<Box<Sleep>>,
    units: usize,
    ended: bool,
}

impl Stream {
    fn new(mailbox: Arc<Mailbox>) -> Self {
        let receiver = mailbox.attach();
        let silence = Box::pin(sleep(SILENCE_MAX));
        Self { mailbox, receiver, silence, units: 0, ended: false }
    }

    fn chunk(&mut self, text: String) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.units += text.chars().map(char::len_utf16).sum::<usize>();
        self.silence.as_mut().reset(Instant::now() + SILENCE_MAX);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))))
    }

    fn last(&mut self, text: String) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.ended = true;
        self.mailbox.detach(self.receiver);
        self.chunk(text)
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.units > ANSWER_UNITS_MAX {
            return Poll::Pending;
        }
        match self.mailbox.poll_fetch(self.receiver, cx) {
            Poll::Ready(Fetched::Chunk(text)) => return self.chunk(text),
            Poll::Ready(Fetched::Last(text)) => return self.last(text),
            Poll::Ready(Fetched::Superseded) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        match self.silence.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if self.mailbox.kind() == Kind::Polling => self.last("h\n".into()),
            Poll::Ready(()) => self.chunk("a[]\n".into()),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.mailbox.detach(self.receiver);
    }
}
