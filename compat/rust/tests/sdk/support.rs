//! Where the server under test is (compat/run sets it), and a bare WebSocket to hear with.

use hyper::client::HttpConnector;
use pusher::{Pusher, PusherBuilder};
use serde_json::{Value, json};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::{Message, WebSocket};

pub struct App {
    pub id: String,
    pub key: String,
    pub secret: String,
}

pub fn app(prefix: &str) -> App {
    let part = |part| required(&format!("{prefix}_{part}"));
    App {
        id: part("ID"),
        key: part("KEY"),
        secret: part("SECRET"),
    }
}

fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; compat/run sets it"))
}

fn address() -> String {
    format!(
        "{}:{}",
        required("BELLWIRE_HOST"),
        required("BELLWIRE_PORT")
    )
}

pub fn sdk(prefix: &str) -> Pusher<HttpConnector> {
    let app = app(prefix);
    PusherBuilder::new(&app.id, &app.key, &app.secret)
        .host(&address())
        .finalize()
}

/// A channel name that no other test uses.
pub fn unique(prefix: &str) -> String {
    format!(
        "{prefix}{:016x}",
        RandomState::new().build_hasher().finish()
    )
}

/// In a cluster, what one node knows the others know within a second.
pub fn everywhere() {
    if std::env::var_os("COMPAT_BUS").is_some() {
        std::thread::sleep(Duration::from_secs(1));
    }
}

pub struct Socket {
    socket: WebSocket<TcpStream>,
    unclaimed: Vec<Value>,
    pub id: String,
}

impl Socket {
    pub fn connect(prefix: &str) -> Socket {
        let stream = TcpStream::connect(address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let url = format!(
            "ws://{}/app/{}?protocol=7&client=compat&version=1.0",
            address(),
            app(prefix).key
        );
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        let mut socket = Socket {
            socket,
            unclaimed: Vec::new(),
            id: String::new(),
        };
        let data = socket.take("pusher:connection_established", None);
        let data: Value = serde_json::from_str(data["data"].as_str().unwrap()).unwrap();
        socket.id = data["socket_id"].as_str().unwrap().to_string();
        socket
    }

    /// Subscribes with what the SDK signed, a JSON object; the data of `subscription_succeeded`.
    pub fn subscribe(&mut self, channel: &str, signed: &str) -> Value {
        let mut data: Value = serde_json::from_str(signed).unwrap();
        data["channel"] = channel.into();
        let frame = json!({ "event": "pusher:subscribe", "data": data });
        self.socket.send(Message::text(frame.to_string())).unwrap();
        serde_json::from_str(&self.next("pusher_internal:subscription_succeeded", channel)).unwrap()
    }

    /// The data of the oldest such event that was not asked for yet.
    pub fn next(&mut self, event: &str, channel: &str) -> String {
        self.take(event, Some(channel))["data"]
            .as_str()
            .unwrap()
            .to_string()
    }

    /// How many such events have arrived without being asked for.
    pub fn unread(&self, event: &str) -> usize {
        self.unclaimed
            .iter()
            .filter(|frame| frame["event"] == event)
            .count()
    }

    fn take(&mut self, event: &str, channel: Option<&str>) -> Value {
        let wanted = |frame: &Value| {
            frame["event"] == event && channel.is_none_or(|channel| frame["channel"] == channel)
        };
        loop {
            if let Some(at) = self.unclaimed.iter().position(wanted) {
                return self.unclaimed.remove(at);
            }
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.unclaimed.push(serde_json::from_str(&text).unwrap())
                }
                Ok(_) => {}
                Err(error) => panic!(
                    "{event} never came ({error}); what came instead: {:?}",
                    self.unclaimed
                ),
            }
        }
    }
}
