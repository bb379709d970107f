//! `bellwire keys`: the credentials of an app.

use bellwire_hub::KeySpec;
use bellwire_protocol::{AppId, AppKey};
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Output, note};
use super::place::Place;
use super::table::Table;
use crate::moment::date;
use crate::ops::clock::now_ms;
use crate::ops::random::random_hex;

#[derive(clap::Subcommand)]
pub(super) enum Keys {
    /// Show an app's keys
    List {
        /// The app's id
        #[arg(value_name = "APP_ID")]
        id: AppId,
        /// Show the secrets too
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Make one more key for an app, active at once; the secret is shown this one time
    Create {
        /// The app's id
        #[arg(value_name = "APP_ID")]
        id: AppId,
        #[command(flatten)]
        given: GivenKey,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Make a key good for nothing, at once; `keys activate` takes it back
    Revoke {
        /// The app's id
        #[arg(value_name = "APP_ID")]
        id: AppId,
        /// The key
        key: String,
        /// Even if it is the app's last active key
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Make a revoked key good again
    Activate {
        /// The app's id
        #[arg(value_name = "APP_ID")]
        id: AppId,
        /// The key
        key: String,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
}

/// A pair of credentials that exists already, for instance at Pusher.
#[derive(clap::Args)]
pub(super) struct GivenKey {
    /// Take over this key instead of making one
    #[arg(long, requires = "secret")]
    key: Option<String>,
    /// The secret of --key
    #[arg(long, requires = "key")]
    secret: Option<String>,
}

impl GivenKey {
    /// The pair that was given, or a new one.
    pub(super) fn or_new(self) -> Result<KeySpec, Failure> {
        let key = self.key.map_or_else(random_hex::<10>, Ok)?;
        let secret = self.secret.map_or_else(random_hex::<16>, Ok)?;
        Ok(KeySpec {
            key: key.parse().map_err(|error| Failure::usage(format!("--key: {error}")))?,
            secret: secret.parse().map_err(|error| Failure::usage(format!("--secret: {error}")))?,
            active: true,
            created_at_ms: Some(now_ms()),
        })
    }
}

impl Keys {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { id, reveal, output, place } => {
                let app = place.look()?.app(&id)?;
                output.show(&json(&app.spec.keys, reveal), table(&app.spec.keys, reveal))
            }
            Self::Create { id, given, output, place } => create(&id, given, output, &place),
            Self::Revoke { id, key, force, output, place } => {
                turn(&id, &key, false, force, output, &place)
            }
            Self::Activate { id, key, output, place } => {
                turn(&id, &key, true, true, output, &place)
            }
        }
    }
}

/// Keys for people.
pub(super) fn table(keys: &[KeySpec], reveal: bool) -> Table {
    let mut table = Table::with_head(&["key", "state", "created", "secret"]);
    for key in keys {
        let state = if key.active { "active" } else { "revoked" };
        let created = key.created_at_ms.map_or_else(|| "-".into(), date);
        let secret = if reveal { key.secret.reveal() } else { "***" };
        table.row([key.key.as_str(), state, &created, secret]);
    }
    table
}

/// Keys for programs.
pub(super) fn json(keys: &[KeySpec], reveal: bool) -> Value {
    keys.iter()
        .map(|key| {
            let mut json = json!({
                "key": key.key.as_str(),
                "active": key.active,
                "created_at": key.created_at_ms.map(date),
            });
            if reveal {
                json["secret"] = key.secret.reveal().into();
            }
            json
        })
        .collect()
}

fn create(id: &AppId, given: GivenKey, output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    let mut app = cellar.changeable(id)?;
    let key = given.or_new()?;
    app.keys.push(key.clone());
    cellar.put(&app)?;
    let (name, secret) = (key.key.as_str(), key.secret.reveal());
    let mut table = Table::default();
    table.row(["key", name]);
    table.row(["secret", secret]);
    output.show(&json!({ "app_id": id.as_str(), "key": name, "secret": secret }), table)
}

fn turn(
    id: &AppId,
    key: &str,
    active: bool,
    force: bool,
    output: Output,
    place: &Place,
) -> Result<(), Failure> {
    let cellar = place.look()?;
    let mut app = cellar.changeable(id)?;
    let is_wanted = |other: &AppKey| other.as_str() == key;
    let others_are_active = app.keys.iter().any(|other| other.active && !is_wanted(&other.key));
    let Some(found) = app.keys.iter_mut().find(|other| is_wanted(&other.key)) else {
        return Err(Failure::not_found(format!("app {id} has no key {key}"))
            .hint(format!("`bellwire keys list {id}` shows its keys")));
    };
    let was_active = std::mem::replace(&mut found.active, active);
    if was_active && !active && !others_are_active && !force {
        let why = format!("{key} is the last active key of app {id}: nobody could use the app");
        return Err(Failure::failed(why)
            .hint(format!("make another with `bellwire keys create {id}`, or add --force")));
    }
    if was_active == active {
        note(format!("key {key} was {} before", if active { "active" } else { "revoked" }));
    } else {
        cellar.put(&app)?;
    }
    let now = if active { "active" } else { "revoked" };
    let json = json!({ "app_id": id.as_str(), "key": key, "active": active });
    output.show(&json, format!("key {key} of app {id} is {now}"))
}
