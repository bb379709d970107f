//! The two HTTP fallbacks of pusher-js, as it speaks them (contract, part B).

use std::io;

use serde_json::Value;

use crate::{Connection, Frame, Request, Response, Target};

/// A frame of the fallback transports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FallbackFrame {
    /// `o`, with the host name if it has one.
    Open(Option<String>),
    /// `a[…]`: messages.
    Messages(Vec<String>),
    /// `h`.
    Heartbeat,
    /// `c[code,"reason"]`.
    Close(u16, String),
}

impl FallbackFrame {
    /// Reads one line without its line feed.
    #[must_use]
    #[track_caller]
    pub fn parse(line: &str) -> Self {
        let (kind, rest) = line.split_at(1);
        let json = || -> Value {
            serde_json::from_str(rest).unwrap_or_else(|e| panic!("not a frame ({e}): {line}"))
        };
        match kind {
            "o" if rest.is_empty() => Self::Open(None),
            "o" => Self::Open(json()["hostname"].as_str().map(str::to_owned)),
            "a" => Self::Messages(
                json()
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|message| message.as_str().expect("no string").to_owned())
                    .collect(),
            ),
            "m" => Self::Messages(vec![json().as_str().expect("no string").to_owned()]),
            "h" if rest.is_empty() => Self::Heartbeat,
            "c" => {
                let json = json();
                let code = u16::try_from(json[0].as_u64().expect("no code")).unwrap();
                Self::Close(code, json[1].as_str().expect("no reason").to_owned())
            }
            _ => panic!("not a frame: {line:?}"),
        }
    }
}

/// One session: the parts of its URL.
#[derive(Clone, Debug)]
pub struct Fallback {
    target: Target,
    base: String,
}

impl Fallback {
    /// A session of the app with this key. `session` is the client's own eight characters.
    #[must_use]
    pub fn new(target: Target, key: &str, session: &str) -> Self {
        Self::at(target, &format!("/pusher/app/{key}/123/{session}"))
    }

    /// A session at any path.
    #[must_use]
    pub fn at(target: Target, base: &str) -> Self {
        Self { target, base: base.to_owned() }
    }

    /// The request of a call, such as `xhr_streaming`.
    #[must_use]
    pub fn request(&self, call: &str) -> Request {
        let query = match call {
            "xhr_send" => "t=1700000000000&n=2",
            _ => "protocol=7&client=js&version=8.6.0&t=1700000000000&n=1",
        };
        Request::new("POST", &format!("{}/{call}?{query}", self.base))
            .header("Content-Type", "application/json")
            .header("Origin", "https://shop.example")
    }

    /// Opens the receiving half of xhr_streaming; the answer must be 200.
    #[must_use]
    #[track_caller]
    pub fn stream(&self) -> Streaming {
        let mut connection = Connection::open(self.target);
        connection.write(&self.request("xhr_streaming").to_bytes()).unwrap();
        let head = connection.head().expect("no answer");
        assert_eq!(head.status, 200);
        let unread = connection.declared_body(&head).expect("no body");
        Streaming {
            connection,
            head,
            received: unread.len(),
            unread,
            is_open: false,
            waiting: Vec::new(),
        }
    }

    /// One xhr_polling receive call.
    #[track_caller]
    pub fn poll(&self) -> Vec<FallbackFrame> {
        let response = Connection::open(self.target).exchange(&self.request("xhr"));
        assert_eq!(response.status, 200, "{}", response.text());
        frames(&response)
    }

    /// Polls until there is a message, and returns the messages of that poll.
    #[track_caller]
    pub fn poll_messages(&self) -> Vec<Frame> {
        loop {
            let messages = messages(&self.poll());
            if !messages.is_empty() {
                return messages;
            }
        }
    }

    /// Sends these messages with xhr_send.
    #[track_caller]
    pub fn send(&self, messages: &[String]) -> Response {
        let body = Value::from(messages.to_vec()).to_string();
        let request = self.request("xhr_send").body(body);
        Connection::open(self.target).exchange(&request)
    }

    /// Sends `{"event":…,"data":…}` and expects 204.
    #[track_caller]
    pub fn say(&self, event: &str, data: &Value) {
        let message = serde_json::json!({ "event": event, "data": data }).to_string();
        let response = self.send(&[message]);
        assert_eq!(response.status, 204, "{}", response.text());
    }
}

/// The frames of a finished response.
#[track_caller]
fn frames(response: &Response) -> Vec<FallbackFrame> {
    let text = response.text();
    assert!(text.ends_with('\n'), "no line feed at the end: {text:?}");
    text.lines().map(FallbackFrame::parse).collect()
}

fn messages(frames: &[FallbackFrame]) -> Vec<Frame> {
    frames
        .iter()
        .flat_map(|frame| match frame {
            FallbackFrame::Messages(messages) => messages.clone(),
            _ => Vec::new(),
        })
        .map(Frame::parse)
        .collect()
}

/// The receiving half of an xhr_streaming session.
#[derive(Debug)]
pub struct Streaming {
    connection: Connection,
    head: Response,
    received: usize,
    unread: Vec<u8>,
    is_open: bool,
    waiting: Vec<String>,
}

impl Streaming {
    /// Status and headers of the response.
    #[must_use]
    pub fn head(&self) -> &Response {
        &self.head
    }

    /// Bytes of the body so far, which is what makes pusher-js start anew after 256 KiB.
    #[must_use]
    pub fn received(&self) -> usize {
        self.received
    }

    /// Whether everything received has been looked at: pusher-js checks the size only then.
    #[must_use]
    pub fn is_read_through(&self) -> bool {
        self.unread.is_empty() && self.waiting.is_empty()
    }

    /// The next line, line feed included; `None` when the server has ended the response.
    #[track_caller]
    pub fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8(line).expect("not UTF-8"));
            }
            match self.connection.chunk() {
                Ok(Some(chunk)) => {
                    self.received += chunk.len();
                    self.unread.extend(chunk);
                }
                Ok(None) => return None,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => panic!("nothing came"),
                Err(_) => return None,
            }
        }
    }

    /// The next frame; `None` at the end. The prelude of `h` before the session opens is passed
    /// over, as pusher-js does.
    #[track_caller]
    pub fn frame(&mut self) -> Option<FallbackFrame> {
        loop {
            let line = self.line()?;
            let line = line.trim_end_matches('\n');
            if !self.is_open && line.len() > 1 && line.bytes().all(|byte| byte == b'h') {
                continue;
            }
            let frame = FallbackFrame::parse(line);
            self.is_open = true;
            return Some(frame);
        }
    }

    /// The next Pusher message; `o`, `h` and empty `a[]` are passed over.
    #[track_caller]
    pub fn message(&mut self) -> Frame {
        while self.waiting.is_empty() {
            match self.frame().expect("the response ended") {
                FallbackFrame::Messages(messages) => self.waiting = messages,
                FallbackFrame::Open(_) | FallbackFrame::Heartbeat => {}
                close @ FallbackFrame::Close(..) => panic!("closed: {close:?}"),
            }
        }
        Frame::parse(self.waiting.remove(0))
    }

    /// The next Pusher message, which must be this event.
    #[track_caller]
    pub fn expect(&mut self, event: &str) -> Frame {
        let frame = self.message();
        assert_eq!(frame.event(), event, "{}", frame.text());
        frame
    }

    /// The code of the `c` frame that comes, other frames passed over.
    #[track_caller]
    pub fn close_code(&mut self) -> u16 {
        loop {
            if let FallbackFrame::Close(code, _) = self.frame().expect("ended without c") {
                return code;
            }
        }
    }

    /// Gives up the request in the middle, as pusher-js does.
    pub fn abort(self) {
        self.connection.abort();
    }
}
