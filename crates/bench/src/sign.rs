//! Signed HTTP requests as a publisher sends them (contract, section 13), built before the load
//! starts so that no hashing happens while it runs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use sha2::Sha256;

/// The app that the harness speaks as.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// Names the app in API paths.
    pub(crate) app_id: String,
    /// Names the app in the WebSocket URL, and the key of each signature.
    pub(crate) key: String,
    /// What requests are signed with.
    pub(crate) secret: String,
}

/// One event to be published.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    /// Where it is published.
    pub(crate) channel: &'a str,
    /// Its payload; delivered to subscribers unchanged.
    pub(crate) data: &'a str,
}

impl Credentials {
    /// A whole keep-alive request that publishes `events`: `/events` for one, `/batch_events` for
    /// several (servers take up to 10).
    pub(crate) fn publish(&self, host: SocketAddr, events: &[Event<'_>]) -> Vec<u8> {
        let items: Vec<Value> = events.iter().map(event_json).collect();
        match <[Value; 1]>::try_from(items) {
            Ok([only]) => self.post(host, "events", &only),
            Err(several) => self.post(host, "batch_events", &json!({ "batch": several })),
        }
    }

    /// What opens a private or presence channel (contract, section 4.4).
    pub(crate) fn auth(&self, text: &str) -> String {
        format!("{}:{}", self.key, self.hmac(text))
    }

    fn post(&self, host: SocketAddr, resource: &str, body: &Value) -> Vec<u8> {
        let body = body.to_string();
        let path = format!("/apps/{}/{resource}", self.app_id);
        let query = self.signed_query("POST", &path, unix_seconds(), &body);
        let length = body.len();
        format!(
            "POST {path}?{query} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    fn signed_query(&self, method: &str, path: &str, timestamp: u64, body: &str) -> String {
        let query = format!(
            "auth_key={}&auth_timestamp={timestamp}&auth_version=1.0&body_md5={}",
            self.key,
            hex(&Md5::digest(body.as_bytes())),
        );
        let signature = self.hmac(&format!("{method}\n{path}\n{query}"));
        format!("{query}&auth_signature={signature}")
    }

    fn hmac(&self, text: &str) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("any key length");
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

fn event_json(event: &Event<'_>) -> Value {
    json!({ "name": EVENT_NAME, "channel": event.channel, "data": event.data })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// What every published event is called.
pub(crate) const EVENT_NAME: &str = "load";

#[cfg(test)]
mod tests {
    use super::*;

    fn documented() -> Credentials {
        Credentials {
            app_id: "3".into(),
            key: "278d425bdf160c739803".into(),
            secret: "7ad3773142a6692b25b8".into(),
        }
    }

    #[test]
    fn the_documented_request_has_the_documented_signature() {
        let body = r#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
        let query = documented().signed_query("POST", "/apps/3/events", 1_353_088_179, body);
        assert_eq!(
            query,
            "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
             &body_md5=ec365a775a4cd0599faeb73354201b6f\
             &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
        );
    }

    #[test]
    fn several_events_go_in_one_batch() {
        let host = SocketAddr::from(([127, 0, 0, 1], 80));
        let events = [Event { channel: "a", data: "1" }, Event { channel: "a", data: "2" }];
        let request = documented().publish(host, &events);
        let text = String::from_utf8_lossy(&request);
        assert!(text.starts_with("POST /apps/3/batch_events?"), "{text}");
    }
}
