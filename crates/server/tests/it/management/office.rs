//! What these tests share: a server with a receiver beside it, a token for all its apps, and short
//! words for requests.

use std::process::{Command, Stdio};

use bellwire_testkit::{App, Client, Config, Hook, Receiver, Request, Response, Server};
use serde_json::{Value, json};

use crate::support::{binary, eventually, serve};

/// A server that is managed.
pub(super) struct Office {
    pub(super) server: Server,
    pub(super) receiver: Receiver,
    pub(super) token: String,
}

/// Where the first app's things are.
pub(crate) const APP: &str = "/management/v1/apps/1001";

impl Office {
    /// Two apps without webhooks, and a short grace.
    #[track_caller]
    pub(super) fn usual() -> Self {
        Self::with(config())
    }

    /// A whole config.
    #[track_caller]
    pub(super) fn with(config: Config) -> Self {
        Self::beside(Receiver::start(), config)
    }

    /// A whole config that knows its receiver.
    #[track_caller]
    pub(super) fn beside(receiver: Receiver, config: Config) -> Self {
        let server = serve(config);
        let token = token(&server, &[]).1;
        Self { server, receiver, token }
    }

    /// A request with the token.
    pub(super) fn request(&self, method: &str, path: &str) -> Request {
        let authorization = format!("Bearer {}", self.token);
        Request::new(method, path).header("Authorization", &authorization)
    }

    /// Asks below [`APP`], without a body.
    #[track_caller]
    pub(super) fn ask(&self, method: &str, path: &str) -> Response {
        self.server.http(&self.request(method, &format!("{APP}{path}")))
    }

    /// Asks below [`APP`], with a body.
    #[track_caller]
    pub(super) fn tell(&self, method: &str, path: &str, body: &Value) -> Response {
        let request = self.request(method, &format!("{APP}{path}"));
        let request = request.header("Content-Type", "application/json");
        self.server.http(&request.body(body.to_string()))
    }

    /// What is there.
    #[track_caller]
    pub(super) fn get(&self, path: &str) -> Value {
        self.ask("GET", path).ok()
    }

    /// A webhook to this hook, with these terms beside its URL.
    #[track_caller]
    pub(super) fn webhook(&self, hook: &Hook, terms: &Value) -> Value {
        let mut given = json!({ "url": hook.url() });
        for (key, value) in terms.as_object().unwrap() {
            given[key] = value.clone();
        }
        let response = self.tell("POST", "/webhooks", &given);
        assert_eq!(response.status, 201, "{}", response.text());
        response.json()
    }

    /// A webhook that accepts whatever comes, and its hook, once the engine knows it.
    #[track_caller]
    pub(super) fn heard(&self) -> (Value, Hook) {
        let hook = self.receiver.hook("/hook");
        let webhook = self.webhook(&hook, &json!({}));
        self.warm(&webhook, &hook);
        (webhook, hook)
    }

    /// Waits until the engine knows a webhook: a test has come.
    #[track_caller]
    pub(super) fn warm(&self, webhook: &Value, hook: &Hook) {
        let test = self.ask("POST", &format!("{}/test", path_of(webhook)));
        assert_eq!(test.status, 202, "{}", test.text());
        hook.expect_event("channel_occupied", "bellwire-test");
        self.is_done(&test.json());
    }

    /// Waits until a replay is done, and returns it.
    #[track_caller]
    pub(super) fn is_done(&self, replay: &Value) -> Value {
        let path = format!("/replays/{}", replay["id"].as_str().unwrap());
        eventually("the replay is done", || self.get(&path)["state"] == "done");
        self.get(&path)
    }

    /// Waits until there are so many deliveries of this query, and returns them.
    #[track_caller]
    pub(super) fn deliveries(&self, query: &str, count: usize) -> Vec<Value> {
        let path = format!("/deliveries?{query}");
        let found = || self.get(&path)["deliveries"].as_array().unwrap().clone();
        eventually(&format!("{count} deliveries of {query}"), || found().len() == count);
        found()
    }

    /// A client that is on these channels, as ann where somebody has to be.
    #[track_caller]
    pub(super) fn member(&self, channels: &[&str]) -> Client {
        let mut client = self.server.connect();
        for channel in channels {
            if channel.starts_with("presence-") {
                client.join(channel, r#"{"user_id":"ann"}"#);
            } else {
                client.subscribe(channel);
            }
        }
        client
    }
}

/// Two apps, and a short grace.
pub(super) fn config() -> Config {
    Config::with(App::new(1)).app(App::new(2)).webhooks("grace_ms = 300")
}

/// The path of a webhook below [`APP`].
pub(super) fn path_of(webhook: &Value) -> String {
    format!("/webhooks/{}", webhook["id"].as_str().unwrap())
}

/// A new token: its id and its text.
#[track_caller]
pub(super) fn token(server: &Server, args: &[&str]) -> (String, String) {
    let json: Value =
        serde_json::from_str(&cli(server, &[&["tokens", "create", "--json"], args].concat()))
            .unwrap();
    (json["id"].as_str().unwrap().to_owned(), json["token"].as_str().unwrap().to_owned())
}

/// Runs a command where the server's config file is; what it printed.
#[track_caller]
pub(crate) fn cli(server: &Server, args: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.args(args).current_dir(server.dir()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("BELLWIRE_")) {
            command.env_remove(name);
        }
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A refusal of this status, as RFC 9457 has it; what it says.
#[track_caller]
pub(crate) fn refused(response: &Response, status: u16) -> Value {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    let problem = response.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], "about:blank");
    for key in ["title", "detail"] {
        assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
    problem
}
