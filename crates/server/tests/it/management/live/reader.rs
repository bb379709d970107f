//! Somebody who reads server-sent events.

use bellwire_testkit::{Connection, Request, Server, Stream};
use serde_json::Value;

use super::Office;
use super::office::APP;

/// A reader of a console.
pub(crate) struct Reader {
    connection: Connection<Stream>,
    text: String,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    /// `message` if it has no name.
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Reader {
    /// Follows the console of the first app, past its `hello`.
    #[track_caller]
    pub(super) fn follow(office: &Office, query: &str) -> Self {
        let mut reader = Self::open(office, query);
        assert_eq!(reader.event().name, "hello");
        reader
    }

    #[track_caller]
    pub(super) fn open(office: &Office, query: &str) -> Self {
        Self::at(&office.server, &office.token, query)
    }

    /// Follows the console of the first app at a server.
    #[track_caller]
    pub(crate) fn at(server: &Server, token: &str, query: &str) -> Self {
        let request = Request::get(&format!("{APP}/console{query}"));
        let request = request.header("Authorization", &format!("Bearer {token}"));
        let mut connection = Connection::open(server.target());
        connection.write(&request.to_bytes()).unwrap();
        let head = connection.head().unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        Self { connection, text: String::new() }
    }

    /// The next event; comments are no events.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Event {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = read(&event) {
                    return event;
                }
                continue;
            }
            let chunk = self.connection.chunk().unwrap().expect("the answer has ended");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next line.
    #[track_caller]
    pub(crate) fn line(&mut self) -> Value {
        let event = self.event();
        assert_eq!(event.name, "message", "{event:?}");
        event.data
    }

    /// The next line of this type; others may come before.
    #[track_caller]
    pub(crate) fn line_of(&mut self, kind: &str) -> Value {
        loop {
            let line = self.line();
            if line["type"] == kind {
                return line;
            }
        }
    }
}

fn read(event: &str) -> Option<Event> {
    let field = |name: &str| {
        let mut lines = event.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let data = serde_json::from_str(field("data")?).unwrap();
    Some(Event { name: field("event").unwrap_or("message").to_owned(), data })
}
