//! A WebSocket connection whose every byte is made by the test, for frames no library would send.

use std::io::{self, Read, Write};

use crate::{Connection, Request, Stream, Target};

/// The opcodes of RFC 6455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "RFC 6455 says what they are")]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// One frame; valid unless a test makes it otherwise.
#[derive(Clone, Debug)]
pub struct WireFrame {
    /// Opcode, 0 to 15.
    pub opcode: u8,
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The three reserved bits, 0 to 7.
    pub reserved: u8,
    /// Whether the payload is masked.
    pub masked: bool,
    /// Payload.
    pub payload: Vec<u8>,
    /// The length that the header claims, if it lies.
    pub claimed_length: Option<u64>,
}

impl WireFrame {
    /// A final, masked frame.
    #[must_use]
    pub fn new(opcode: Opcode, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            opcode: opcode as u8,
            fin: true,
            reserved: 0,
            masked: true,
            payload: payload.into(),
            claimed_length: None,
        }
    }

    /// A text frame.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::new(Opcode::Text, text)
    }

    /// A close frame.
    #[must_use]
    pub fn close(code: u16) -> Self {
        Self::new(Opcode::Close, code.to_be_bytes())
    }

    /// More frames of the same message follow.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// Without a mask, which a client must not do.
    #[must_use]
    pub fn unmasked(mut self) -> Self {
        self.masked = false;
        self
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x08];
        let mut bytes = vec![u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode];
        let mask_bit = u8::from(self.masked) << 7;
        let length = self.claimed_length.unwrap_or(self.payload.len() as u64);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..=125), _) => bytes.push(mask_bit | short),
            (_, Ok(medium)) => {
                bytes.push(mask_bit | 126);
                bytes.extend(medium.to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend(MASK);
            let masked = self.payload.iter().zip(MASK.iter().cycle());
            bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend(&self.payload);
        }
        bytes
    }
}

/// An upgraded connection.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
}

impl Wire {
    /// Connects and upgrades on `path`.
    #[must_use]
    #[track_caller]
    pub fn open(target: Target, path: &str) -> Self {
        let mut wire = Self { stream: target.connect().expect("cannot connect") };
        wire.send_bytes(&Self::upgrade(path).to_bytes());
        wire.expect_upgraded();
        wire
    }

    /// Connects and offers extensions; which the server agrees to.
    #[must_use]
    #[track_caller]
    pub fn open_offering(target: Target, path: &str, offers: &str) -> (Self, Option<String>) {
        let mut wire = Self { stream: target.connect().expect("cannot connect") };
        let request = Self::upgrade(path).header("Sec-WebSocket-Extensions", offers);
        wire.send_bytes(&request.to_bytes());
        let agreed = wire.expect_upgraded();
        (wire, agreed)
    }

    /// Connects, and sends the upgrade and `early` in one write.
    #[must_use]
    #[track_caller]
    pub fn open_with_early_bytes(target: Target, path: &str, early: &[u8]) -> Self {
        let mut wire = Self { stream: target.connect().expect("cannot connect") };
        let mut bytes = Self::upgrade(path).to_bytes();
        bytes.extend(early);
        wire.send_bytes(&bytes);
        wire.expect_upgraded();
        wire
    }

    /// The upgrade request of a browser.
    #[must_use]
    pub fn upgrade(path: &str) -> Request {
        Request::get(path)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// Takes over a connection that has been upgraded elsewhere.
    #[must_use]
    pub fn over(stream: Stream) -> Self {
        Self { stream }
    }

    /// The stream below.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Sends a frame.
    #[track_caller]
    pub fn send(&mut self, frame: &WireFrame) {
        self.send_bytes(&frame.to_bytes());
    }

    /// Sends bytes.
    #[track_caller]
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send_bytes(bytes).expect("cannot send");
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// What the operating system says, such as that the server has closed the connection.
    pub fn try_send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// The next frame; `None` when the server has closed the connection.
    #[track_caller]
    pub fn read(&mut self) -> Option<WireFrame> {
        match self.try_read() {
            Ok(frame) => Some(frame),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("nothing came");
            }
            Err(_) => None,
        }
    }

    /// The text of the next text frame; pings are passed over without an answer.
    #[track_caller]
    pub fn text(&mut self) -> String {
        loop {
            let frame = self.read().expect("the connection ended");
            match frame.opcode {
                1 => return String::from_utf8(frame.payload).unwrap(),
                9 | 10 => {}
                _ => panic!("not a text frame: {frame:?}"),
            }
        }
    }

    /// The code of the close frame that comes, other frames passed over; `None` if the connection
    /// ends without one.
    #[track_caller]
    pub fn close_code(&mut self) -> Option<u16> {
        while let Some(frame) = self.read() {
            if frame.opcode == Opcode::Close as u8 {
                let code = frame.payload.first_chunk::<2>();
                return Some(code.map_or(1005, |bytes| u16::from_be_bytes(*bytes)));
            }
        }
        None
    }

    #[track_caller]
    fn expect_upgraded(&mut self) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.stream.read_exact(&mut byte).expect("no upgrade");
            head.push(byte[0]);
        }
        let head = Connection::over(io::Cursor::new(head)).head().unwrap();
        assert_eq!(head.status, 101);
        assert_eq!(head.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        head.header("sec-websocket-extensions").map(str::to_owned)
    }

    fn try_read(&mut self) -> io::Result<WireFrame> {
        let [first, second] = self.array()?;
        assert_eq!(second & 0x80, 0, "a server must not mask");
        let length = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.array()?)),
            127 => u64::from_be_bytes(self.array()?),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload)?;
        Ok(WireFrame {
            opcode: first & 0x0f,
            fin: first & 0x80 != 0,
            reserved: first >> 4 & 7,
            masked: false,
            payload,
            claimed_length: None,
        })
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
