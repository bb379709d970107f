//! The config file of a server under test, built from lines of TOML.

use std::fmt::Write as _;

/// One `[[apps]]` section.
#[derive(Clone, Debug)]
pub struct App {
    /// App id, decimal digits.
    pub id: String,
    /// The app's first key.
    pub key: String,
    /// Its secret.
    pub secret: String,
    /// All of its keys, if they are listed.
    keys: Option<String>,
    lines: Vec<String>,
    webhooks: Vec<Webhook>,
}

impl App {
    /// An app with this id, key and secret, every toggle off.
    #[must_use]
    pub fn called(id: &str, key: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            key: key.to_owned(),
            secret: secret.to_owned(),
            keys: None,
            lines: Vec::new(),
            webhooks: Vec::new(),
        }
    }

    /// App number `n`: id `1000 + n`, key `key-n`, secret `secret-n`.
    #[must_use]
    pub fn new(n: u32) -> Self {
        let id = (1000 + n).to_string();
        Self::called(&id, &format!("key-{n}"), &format!("secret-{n}"))
    }

    /// Lists all keys in TOML instead of naming the first one; it should be among them, because
    /// clients go on using it.
    #[must_use]
    pub fn keys(mut self, list: &str) -> Self {
        self.keys = Some(list.to_owned());
        self
    }

    /// Adds a line of TOML, such as `client_events = true`.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Adds a webhook endpoint.
    #[must_use]
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhooks.push(webhook);
        self
    }
}

/// One `[[apps.webhooks]]` section.
#[derive(Clone, Debug)]
pub struct Webhook {
    lines: Vec<String>,
    headers: Vec<String>,
}

impl Webhook {
    /// An endpoint at this URL that hears every event of every channel.
    #[must_use]
    pub fn to(url: &str) -> Self {
        Self { lines: vec![format!("url = {url:?}")], headers: Vec::new() }
    }

    /// It hears only events of these names.
    #[must_use]
    pub fn events(self, names: &[&str]) -> Self {
        self.with(&format!("events = {names:?}"))
    }

    /// It hears only of channels that start so.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        self.with(&format!("channel_prefix = {prefix:?}"))
    }

    /// It hears only of channels that end so.
    #[must_use]
    pub fn suffix(self, suffix: &str) -> Self {
        self.with(&format!("channel_suffix = {suffix:?}"))
    }

    /// Sends a header with every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(format!("{name:?} = {value:?}"));
        self
    }

    /// Signs the Standard Webhooks headers with this secret, `whsec_` and base64.
    #[must_use]
    pub fn secret(self, secret: &str) -> Self {
        self.with(&format!("signing_secret = {secret:?}"))
    }

    /// Adds a line of TOML, such as `max_in_flight = 1`.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }
}

/// A whole config file.
#[derive(Clone, Debug, Default)]
pub struct Config {
    settings: Vec<String>,
    webhooks: Vec<String>,
    apps: Vec<App>,
    listen_also: Vec<String>,
    certificate: Option<(&'static str, &'static str)>,
}

impl Config {
    /// A config with one app and short times where nothing else is said.
    #[must_use]
    pub fn with(app: App) -> Self {
        Self::default().app(app)
    }

    /// Adds an app.
    #[must_use]
    pub fn app(mut self, app: App) -> Self {
        self.apps.push(app);
        self
    }

    /// Adds a line to `[server]`. `{dir}` becomes the server's own temporary folder, `{admin}` the
    /// address of [`Server::admin`](crate::Server::admin).
    #[must_use]
    pub fn setting(mut self, line: &str) -> Self {
        self.settings.push(line.to_owned());
        self
    }

    /// Adds a line to `[webhooks]`, such as `grace_ms = 300`.
    #[must_use]
    pub fn webhooks(mut self, line: &str) -> Self {
        self.webhooks.push(line.to_owned());
        self
    }

    /// Adds a listener beside the usual one.
    #[must_use]
    pub fn listen_also(mut self, address: &str) -> Self {
        self.listen_also.push(address.to_owned());
        self
    }

    /// The listener speaks TLS with the first test certificate.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.certificate = Some((
            include_str!("../fixtures/first-cert.pem"),
            include_str!("../fixtures/first-key.pem"),
        ));
        self
    }

    /// Like [`tls`](Self::tls), with the second certificate.
    #[must_use]
    pub fn other_tls(mut self) -> Self {
        self.certificate = Some((
            include_str!("../fixtures/second-cert.pem"),
            include_str!("../fixtures/second-key.pem"),
        ));
        self
    }

    /// The first app.
    #[must_use]
    pub fn first_app(&self) -> &App {
        &self.apps[0]
    }

    /// The app with this number (see [`App::new`]).
    #[must_use]
    pub fn numbered(&self, n: u32) -> &App {
        let id = (1000 + n).to_string();
        self.apps.iter().find(|app| app.id == id).unwrap()
    }

    /// Certificate and key in PEM, if the listener speaks TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<(&'static str, &'static str)> {
        self.certificate
    }

    /// The file's text.
    #[must_use]
    pub fn to_toml(&self, listen: &str, admin: &str, dir: &str) -> String {
        let mut addresses = vec![listen.to_owned()];
        addresses.extend(self.listen_also.iter().cloned());
        let mut text = format!("[server]\nlisten = {addresses:?}\n");
        if !self.settings.iter().any(|line| line.starts_with("data_dir")) {
            text.push_str("data_dir = \"{dir}/data\"\n");
        }
        if self.certificate.is_some() {
            text.push_str("tls = { cert = \"{dir}/cert.pem\", key = \"{dir}/key.pem\" }\n");
        }
        for line in &self.settings {
            writeln!(text, "{line}").unwrap();
        }
        if !self.webhooks.is_empty() {
            writeln!(text, "\n[webhooks]\n{}", self.webhooks.join("\n")).unwrap();
        }
        for app in &self.apps {
            write_app(&mut text, app);
        }
        text.replace("{dir}", dir).replace("{admin}", admin)
    }
}

fn write_app(text: &mut String, app: &App) {
    writeln!(text, "\n[[apps]]").unwrap();
    writeln!(text, "id = {:?}", app.id).unwrap();
    match &app.keys {
        Some(keys) => writeln!(text, "keys = {keys}").unwrap(),
        None => writeln!(text, "key = {:?}\nsecret = {:?}", app.key, app.secret).unwrap(),
    }
    for line in &app.lines {
        writeln!(text, "{line}").unwrap();
    }
    for webhook in &app.webhooks {
        writeln!(text, "\n[[apps.webhooks]]\n{}", webhook.lines.join("\n")).unwrap();
        if !webhook.headers.is_empty() {
            writeln!(text, "headers = {{ {} }}", webhook.headers.join(", ")).unwrap();
        }
    }
}
