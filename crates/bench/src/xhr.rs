//! The transport `xhr_streaming` of pusher-js (contract, B1 to B4): a session hears lines within one
//! long answer, asks anew when that has grown too long, and speaks by POSTs of their own.

use std::net::SocketAddr;

use serde_json::json;

/// A session, as URLs name it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The app's key.
    key: String,
    /// What tells it from others: eight characters of base 32.
    name: String,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The session is open.
    Open,
    /// Frames, as they would be said over WebSocket.
    Frames(Vec<String>),
    /// The session is over.
    Close(u16, String),
    /// The prelude, or the question whether the client lives: that comes after minutes of silence, and
    /// no run is so long.
    Heartbeat,
    /// None of these.
    Unknown(String),
}

/// Takes the long answer apart: chunks of HTTP/1.1, and lines across them.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Bytes of the chunk that have not come, with the line end behind it.
    left: usize,
    /// The start of a line whose rest has not come.
    line: Vec<u8>,
    /// Bytes of the body so far.
    bytes: usize,
}

impl Session {
    pub(crate) fn new(key: &str, number: u32) -> Self {
        let digit = |place: u32| {
            let value = (number >> (5 * place)) & 31;
            char::from_digit(value, 32).unwrap_or('0')
        };
        // Seven digits hold 32 bits; the process makes it another session in each run.
        let process = char::from_digit(std::process::id() % 32, 32).unwrap_or('0');
        let name = std::iter::once(process).chain((0..7).map(digit)).collect();
        Self { key: key.into(), name }
    }

    /// The request that opens it, or goes on with it.
    pub(crate) fn receive(&self, host: SocketAddr) -> Vec<u8> {
        self.post(host, "xhr_streaming?protocol=7&client=js&version=8.6.0&t=1&n=1", "")
    }

    /// The request that says one frame.
    pub(crate) fn send(&self, host: SocketAddr, text: &str) -> Vec<u8> {
        self.post(host, "xhr_send?t=1&n=1", &json!([text]).to_string())
    }

    fn post(&self, host: SocketAddr, call: &str, body: &str) -> Vec<u8> {
        let Self { key, name } = self;
        let length = body.len();
        format!(
            "POST /pusher/app/{key}/123/{name}/{call} HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl Lines {
    /// The lines that these bytes of the body end, and how many of the bytes were used. The others are
    /// the start of a chunk's length.
    ///
    /// # Errors
    /// When the answer is over, or is not in chunks.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(usize, Vec<Word>), &'static str> {
        let (mut used, mut words) = (0, Vec::new());
        while used < bytes.len() {
            let rest = &bytes[used..];
            if self.left == 0 {
                let Some(length) = memchr::memmem::find(rest, b"\r\n") else { break };
                self.left = chunk(&rest[..length])? + LINE_END;
                used += length + LINE_END;
                continue;
            }
            let data = rest.len().min(self.left.saturating_sub(LINE_END));
            self.hear(&rest[..data], &mut words);
            // What is left of the chunk once its data has come is its line end.
            let step = if data > 0 { data } else { rest.len().min(self.left) };
            self.left -= step;
            used += step;
        }
        Ok((used, words))
    }

    /// Whether pusher-js would end this answer and ask anew. Servers say nothing beyond.
    pub(crate) fn is_too_long(&self) -> bool {
        self.bytes > BYTES_MAX && self.line.is_empty()
    }

    fn hear(&mut self, data: &[u8], words: &mut Vec<Word>) {
        self.bytes += data.len();
        for part in data.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.pop_if(|byte| *byte == b'\n').is_some() {
                words.push(word(&self.line));
                self.line.clear();
            }
        }
    }
}

fn chunk(length: &[u8]) -> Result<usize, &'static str> {
    let text = std::str::from_utf8(length).map_err(|_| "no length of a chunk")?;
    match usize::from_str_radix(text, 16) {
        Ok(0) => Err("the answer ended"),
        Ok(length) => Ok(length),
        Err(_) => Err("no length of a chunk"),
    }
}

fn word(line: &[u8]) -> Word {
    let unknown = || Word::Unknown(String::from_utf8_lossy(line).into_owned());
    let Some((kind, rest)) = line.split_first() else { return unknown() };
    let said = match kind {
        b'o' => Some(Word::Open),
        b'h' => Some(Word::Heartbeat),
        b'a' => serde_json::from_slice(rest).ok().map(Word::Frames),
        b'm' => serde_json::from_slice(rest).ok().map(|text| Word::Frames(vec![text])),
        b'c' => serde_json::from_slice(rest).ok().map(|(code, why)| Word::Close(code, why)),
        _ => None,
    };
    said.unwrap_or_else(unknown)
}

/// Behind each length and each chunk.
const LINE_END: usize = 2;
/// Contract, B4.3. Everything that the harness hears is ASCII.
const BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(parts: &[&str]) -> Vec<u8> {
        let chunk = |part: &&str| format!("{:x}\r\n{part}\r\n", part.len());
        parts.iter().map(chunk).collect::<String>().into_bytes()
    }

    fn frames(texts: &[&str]) -> Word {
        Word::Frames(texts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn lines_come_out_whole_wherever_the_bytes_are_cut() {
        let body =
            chunks(&["hhh\no\na[\"{\\\"event\\\":1}\",", "\"b\"]\n", "m\"c\"\nc[4001,\"no\"]\n"]);
        let wanted = vec![
            Word::Heartbeat,
            Word::Open,
            frames(&["{\"event\":1}", "b"]),
            frames(&["c"]),
            Word::Close(4001, "no".into()),
        ];
        for cut in 0..body.len() {
            let mut lines = Lines::default();
            let (used, mut words) = lines.take(&body[..cut]).expect("chunks");
            let (rest, more) = lines.take(&body[used..]).expect("chunks");
            words.extend(more);
            assert_eq!((used + rest, &words), (body.len(), &wanted), "cut at {cut}");
        }
    }

    #[test]
    fn the_last_chunk_ends_the_answer() {
        assert!(Lines::default().take(b"0\r\n\r\n").is_err());
        assert!(Lines::default().take(b"o\n\r\n").is_err());
    }

    #[test]
    fn an_answer_is_too_long_at_the_end_of_a_line() {
        let mut lines = Lines::default();
        let long = "h".repeat(BYTES_MAX);
        lines.take(&chunks(&[&long])).expect("chunks");
        assert!(!lines.is_too_long());
        lines.take(&chunks(&["h"])).expect("chunks");
        assert!(!lines.is_too_long(), "its line is not over");
        lines.take(&chunks(&["\n"])).expect("chunks");
        assert!(lines.is_too_long());
    }

    #[test]
    fn sessions_have_names_of_their_own() {
        let names = [0, 1, 32, u32::MAX].map(|number| Session::new("k", number).name);
        assert!(names.iter().all(|name| name.len() == 8), "{names:?}");
        assert!(names.is_sorted_by(|one, other| one != other), "{names:?}");
    }

    #[test]
    fn a_frame_is_said_as_a_string_in_an_array() {
        let host = SocketAddr::from(([127, 0, 0, 1], 80));
        let text = String::from_utf8(Session::new("k", 0).send(host, "{\"a\":1}")).expect("text");
        assert!(text.ends_with("\r\nContent-Length: 13\r\n\r\n[\"{\\\"a\\\":1}\"]"), "{text}");
    }
}
