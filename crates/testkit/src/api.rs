//! The HTTP API, signed the way Pusher's own libraries do it (contract 13), and wrongly on demand.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{Connection, Request, Response, Target, hmac_hex, md5_hex};

/// The API of one app.
#[derive(Clone, Debug)]
pub struct Api {
    target: Target,
    app_id: String,
    key: String,
    secret: String,
}

impl Api {
    /// The API of the app with this id, signed with this key.
    #[must_use]
    pub fn new(target: Target, app_id: &str, key: &str, secret: &str) -> Self {
        Self { target, app_id: app_id.to_owned(), key: key.to_owned(), secret: secret.to_owned() }
    }

    /// A GET below `/apps/{id}` that can still be changed.
    #[must_use]
    pub fn get(&self, path: &str) -> Signed {
        self.request("GET", path)
    }

    /// A POST below `/apps/{id}` with a JSON body that can still be changed.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Signed {
        self.request("POST", path).body(body.to_string())
    }

    /// Any method below `/apps/{id}`.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Signed {
        self.request_at(method, &format!("/apps/{}{path}", self.app_id))
    }

    /// Any method on any path.
    #[must_use]
    pub fn request_at(&self, method: &str, path: &str) -> Signed {
        Signed::new(self, method, path)
    }

    /// Publishes one event to one channel and expects 200.
    #[track_caller]
    pub fn publish(&self, channel: &str, event: &str, data: &str) {
        let body = json!({ "name": event, "channels": [channel], "data": data });
        self.events(&body).ok();
    }

    /// POST `/events` with this body.
    #[track_caller]
    pub fn events(&self, body: &Value) -> Response {
        self.post("/events", body).send()
    }

    /// POST `/batch_events` with these items.
    #[track_caller]
    pub fn batch(&self, items: &Value) -> Response {
        self.post("/batch_events", &json!({ "batch": items })).send()
    }

    /// GET `/channels/{name}` with this `info` (empty: none) and expects 200.
    #[track_caller]
    pub fn channel(&self, name: &str, info: &str) -> Value {
        let request = self.get(&format!("/channels/{name}"));
        match info {
            "" => request.send().ok(),
            info => request.query("info", info).send().ok(),
        }
    }

    /// The ids that GET `/channels/{name}/users` lists, sorted.
    #[track_caller]
    pub fn users(&self, channel: &str) -> Vec<String> {
        let body = self.get(&format!("/channels/{channel}/users")).send().ok();
        let users = body["users"].as_array().expect("no users array");
        let mut ids: Vec<_> = users
            .iter()
            .map(|user| user["id"].as_str().expect("an id that is no string"))
            .map(str::to_owned)
            .collect();
        ids.sort();
        ids
    }

    /// POST `/users/{id}/terminate_connections`, with the id as it stands on the wire.
    #[track_caller]
    pub fn terminate(&self, user_id: &str) -> Response {
        let path = format!("/users/{user_id}/terminate_connections");
        self.post(&path, &json!({})).send()
    }
}

/// A request about to be signed. What a library does is the default; each method changes one thing.
#[derive(Clone, Debug)]
pub struct Signed {
    target: Target,
    method: String,
    path: String,
    signed_path: String,
    secret: String,
    parameters: Vec<(String, String)>,
    signed_parameters: Option<String>,
    signature: Signature,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    is_query_sorted: bool,
}

#[derive(Clone, Debug)]
enum Signature {
    Right,
    UpperCase,
    Given(String),
    Missing,
}

impl Signed {
    fn new(api: &Api, method: &str, path: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let parameters = [
            ("auth_key", api.key.clone()),
            ("auth_timestamp", now.as_secs().to_string()),
            ("auth_version", "1.0".to_owned()),
        ];
        Self {
            target: api.target,
            method: method.to_owned(),
            path: path.to_owned(),
            signed_path: path.to_owned(),
            secret: api.secret.clone(),
            parameters: parameters.map(|(k, v)| (k.to_owned(), v)).into(),
            signed_parameters: None,
            signature: Signature::Right,
            headers: Vec::new(),
            body: Vec::new(),
            is_query_sorted: true,
        }
    }

    /// Adds a query parameter, decoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces a parameter, before signing.
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).query(name, value)
    }

    /// Leaves out a parameter, before signing. `body_md5` is added by [`body`](Self::body).
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(n, _)| n != name);
        self
    }

    /// Sets the body and its `body_md5`.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let md5 = md5_hex(&self.body);
        self.set("body_md5", &md5)
    }

    /// Sets the body and nothing else.
    #[must_use]
    pub fn body_only(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Dates the request this many seconds from now.
    #[must_use]
    pub fn seconds_from_now(self, seconds: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let then = i64::try_from(now.as_secs()).unwrap() + seconds;
        self.set("auth_timestamp", &then.to_string())
    }

    /// Signs another path than the one on the wire.
    #[must_use]
    pub fn sign_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.signed_path);
        self
    }

    /// Signs this query string instead of the right one.
    #[must_use]
    pub fn sign_query(mut self, query: &str) -> Self {
        self.signed_parameters = Some(query.to_owned());
        self
    }

    /// Signs with another secret.
    #[must_use]
    pub fn sign_with(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    /// Writes the signature in upper-case hex.
    #[must_use]
    pub fn upper_case_signature(mut self) -> Self {
        self.signature = Signature::UpperCase;
        self
    }

    /// Sends this signature.
    #[must_use]
    pub fn signature(mut self, signature: &str) -> Self {
        self.signature = Signature::Given(signature.to_owned());
        self
    }

    /// Sends no signature.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.signature = Signature::Missing;
        self
    }

    /// Puts the parameters on the wire in reverse order.
    #[must_use]
    pub fn unsorted(mut self) -> Self {
        self.is_query_sorted = false;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The text that is signed (contract 13.2).
    #[must_use]
    pub fn string_to_sign(&self) -> String {
        let query = self.signed_parameters.clone().unwrap_or_else(|| {
            let mut pairs: Vec<_> =
                self.parameters.iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            let pairs: Vec<_> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
            pairs.join("&")
        });
        format!("{}\n{}\n{query}", self.method, self.signed_path)
    }

    /// The request as it goes over the wire.
    #[must_use]
    pub fn to_request(&self) -> Request {
        let right = || hmac_hex(&self.secret, &self.string_to_sign());
        let signature = match &self.signature {
            Signature::Right => Some(right()),
            Signature::UpperCase => Some(right().to_uppercase()),
            Signature::Given(given) => Some(given.clone()),
            Signature::Missing => None,
        };
        let mut parameters = self.parameters.clone();
        if let Some(signature) = signature {
            parameters.push(("auth_signature".to_owned(), signature));
        }
        if !self.is_query_sorted {
            parameters.reverse();
        }
        let pairs: Vec<_> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        Request {
            method: self.method.clone(),
            path: format!("{}?{}", self.path, pairs.join("&")),
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
    }

    /// Signs, sends on a connection of its own, and reads the response.
    #[track_caller]
    pub fn send(&self) -> Response {
        Connection::open(self.target).exchange(&self.to_request())
    }
}

/// Percent-encodes everything but the unreserved characters.
fn encode(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match keep(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
