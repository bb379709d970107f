//! Which server a client command speaks to, and as which app: flags first, then the environment,
//! then the apps of a server on this machine.

use std::path::PathBuf;

use bellwire_hub::KeySpec;
use bellwire_protocol::AppSecret;

use super::api::Api;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::place::{Found, Place};
use super::trust::Trust;

/// What the command line says about it. Nothing of it is printed: the secret is among it.
#[derive(clap::Args)]
#[command(next_help_heading = "Server and app")]
pub(super) struct Remote {
    /// The server's address, http(s)://host:port[/prefix], of any Pusher-compatible server [env:
    /// BELLWIRE_HOST] [default: http://127.0.0.1:6001]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    /// Speak to Pusher's own servers in this cluster, like mt1
    #[arg(long, conflicts_with = "host")]
    cluster: Option<String>,
    /// The app's id [default: the only app of --data-dir or --config]
    #[arg(long, env = "PUSHER_APP_ID", hide_env_values = true)]
    app_id: Option<String>,
    /// A key of the app [default: its oldest active one in --data-dir or --config]
    #[arg(long, env = "PUSHER_APP_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The key's secret [default: from --data-dir or --config]
    #[arg(long, env = "PUSHER_APP_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Believe only certificates by the authorities in this PEM file
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// Believe any certificate: for tries with a self-signed one, never across the internet
    #[arg(long, conflicts_with = "ca_cert")]
    insecure: bool,
    #[command(flatten)]
    place: Place,
}

/// Which parts of the credentials a command cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// To listen to public channels.
    Key,
    /// To sign subscriptions.
    KeyAndSecret,
    /// To sign requests.
    All,
}

/// What is known about the app. Other servers have ids and keys of other forms than ours.
#[derive(Default)]
pub(super) struct Credentials {
    pub(super) app_id: Option<String>,
    pub(super) key: Option<String>,
    pub(super) secret: Option<AppSecret>,
}

/// The ways to name an app.
const NAME_ONE: &str = "--app-id, --key and --secret (PUSHER_APP_ID, PUSHER_APP_KEY, \
                        PUSHER_APP_SECRET) name an app, or --data-dir the folder of a server here";

impl Remote {
    /// The signed HTTP API.
    pub(super) fn api(&self) -> Result<Api, Failure> {
        let credentials = self.credentials(Need::All)?;
        let (Some(app_id), Some(key), Some(secret)) =
            (credentials.app_id, credentials.key, credentials.secret)
        else {
            return Err(Failure::usage("the credentials are not complete").hint(NAME_ONE));
        };
        Ok(Api::new(self.endpoint("api")?, &self.trust()?, app_id, key, &secret))
    }

    /// Where the server is; `kind` is the first part of Pusher's host names.
    pub(super) fn endpoint(&self, kind: &str) -> Result<Endpoint, Failure> {
        if let Some(cluster) = &self.cluster {
            return Endpoint::of_pusher(kind, cluster);
        }
        let of_environment = || std::env::var("BELLWIRE_HOST").ok();
        let host = filled(self.host.clone()).or_else(|| filled(of_environment()));
        Endpoint::parse(host.as_deref().unwrap_or("http://127.0.0.1:6001"))
    }

    /// Which certificates are believed.
    pub(super) fn trust(&self) -> Result<Trust, Failure> {
        Trust::new(self.ca_cert.as_deref(), self.insecure)
    }

    /// The app's credentials, completed from a server on this machine where something is missing.
    pub(super) fn credentials(&self, need: Need) -> Result<Credentials, Failure> {
        let secret = filled(self.secret.clone()).map(|secret| secret.parse());
        let given = Credentials {
            app_id: filled(self.app_id.clone()),
            key: filled(self.key.clone()),
            secret: secret
                .transpose()
                .map_err(|error| Failure::usage(format!("--secret: {error}")))?,
        };
        if given.suffice(need) {
            return Ok(given);
        }
        if given.secret.is_some() && given.key.is_none() {
            return Err(Failure::usage("there is a --secret but no --key").hint(NAME_ONE));
        }
        if self.cluster.is_some() {
            return Err(Failure::usage("an app at Pusher needs all of its credentials")
                .hint("--app-id, --key and --secret (PUSHER_APP_ID and so on) name it"));
        }
        self.completed(given)
    }

    fn completed(&self, given: Credentials) -> Result<Credentials, Failure> {
        let cellar = self.place.look()?;
        let apps = cellar.apps()?;
        if apps.is_empty() {
            let why = format!("which app? Nothing names one, and {} has none", cellar.folder());
            return Err(Failure::usage(why).hint(NAME_ONE));
        }
        let mut fitting: Vec<Found> = apps.into_iter().filter(|app| given.fit(app)).collect();
        match (fitting.pop(), fitting.is_empty()) {
            (Some(app), true) => given.or_those_of(&app),
            (Some(last), false) => {
                let ids: Vec<&str> =
                    fitting.iter().chain([&last]).map(|app| app.spec.id.as_str()).collect();
                let why = format!("which app? There are {} in {}", ids.len(), cellar.folder());
                Err(Failure::usage(why).hint(format!("--app-id names one: {}", ids.join(", "))))
            }
            (None, _) => {
                let why = format!("{} has no such app and key", cellar.folder());
                Err(Failure::not_found(why)
                    .hint(format!("`bellwire apps list` shows what it has; {NAME_ONE}")))
            }
        }
    }
}

impl Credentials {
    fn suffice(&self, need: Need) -> bool {
        let (key, secret) = (self.key.is_some(), self.secret.is_some());
        match need {
            Need::Key => key,
            Need::KeyAndSecret => key && secret,
            Need::All => key && secret && self.app_id.is_some(),
        }
    }

    /// Whether an app can be the one that is meant.
    fn fit(&self, app: &Found) -> bool {
        let has = |key: &String| app.spec.keys.iter().any(|other| other.key.as_str() == key);
        self.app_id.as_ref().is_none_or(|id| app.spec.id.as_str() == id)
            && self.key.as_ref().is_none_or(has)
    }

    /// What is missing is taken from the app: its oldest active key, unless one was named.
    fn or_those_of(self, app: &Found) -> Result<Self, Failure> {
        let id = &app.spec.id;
        let is_meant = |key: &&KeySpec| match &self.key {
            Some(named) => key.key.as_str() == named,
            None => key.active,
        };
        let oldest = app.spec.keys.iter().filter(is_meant).min_by_key(|key| key.created_at_ms);
        let Some(key) = oldest else {
            return Err(Failure::failed(format!("app {id} has no active key"))
                .hint(format!("`bellwire keys create {id}` makes one")));
        };
        Ok(Self {
            app_id: self.app_id.or_else(|| Some(id.to_string())),
            key: Some(key.key.to_string()),
            secret: self.secret.or_else(|| Some(key.secret.clone())),
        })
    }
}

/// An empty variable counts as none.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
