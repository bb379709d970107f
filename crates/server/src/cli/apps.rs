//! `bellwire apps`: the apps of a server on this machine. A running server notices every change
//! within 200 ms.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use bellwire_hub::{AppSpec, Settings};
use bellwire_protocol::AppId;
use serde_json::{Value, json};

use super::failure::Failure;
use super::keys::{self, GivenKey};
use super::output::{Output, note};
use super::place::{Cellar, Found, Place};
use super::settings;
use super::table::Table;
use crate::ops::random::free_app_id;

#[derive(clap::Subcommand)]
pub(super) enum Apps {
    /// List the apps
    List {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Make an app with a first key; the secret is shown this one time
    Create(Create),
    /// Show an app's settings and keys
    Show {
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
    /// Change settings of an app, for instance client_events=true
    Set {
        /// The app's id
        #[arg(value_name = "APP_ID")]
        id: AppId,
        /// Settings by the names that `apps show` has
        #[arg(required = true, value_name = "NAME=VALUE")]
        settings: Vec<String>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Delete an app with its keys, and end its connections
    Delete {
        /// The app's id
        #[arg(value_name = "APP_ID")]
        id: AppId,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// What people call the app
    #[arg(long)]
    name: Option<String>,
    /// The app's id instead of a random one
    #[arg(long)]
    id: Option<AppId>,
    #[command(flatten)]
    given: GivenKey,
    /// Settings by the names that `apps show` has
    #[arg(long, value_name = "NAME=VALUE", num_args = 1..)]
    set: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Apps {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { output, place } => list(output, &place),
            Self::Create(create) => create.run(),
            Self::Show { id, reveal, output, place } => {
                let app = place.look()?.app(&id)?;
                output.show(&json(&app, reveal), text(&app, reveal))
            }
            Self::Set { id, settings, output, place } => set(&id, &settings, output, &place),
            Self::Delete { id, yes, output, place } => delete(&id, yes, output, &place),
        }
    }
}

fn list(output: Output, place: &Place) -> Result<(), Failure> {
    let apps = place.look()?.apps_of_a_server()?;
    if apps.is_empty() {
        note("there are no apps yet; `bellwire apps create` makes one");
    }
    let mut table = Table::with_head(&["id", "name", "state", "active keys", "source"]);
    for app in &apps {
        let Settings { name, enabled, .. } = &app.spec.settings;
        let state = if *enabled { "enabled" } else { "disabled" };
        let active = active_keys(app).to_string();
        table.row([app.spec.id.as_str(), name, state, &active, app.source()]);
    }
    let json = apps.iter().map(|app| {
        json!({
            "id": app.spec.id.as_str(),
            "name": app.spec.settings.name,
            "enabled": app.spec.settings.enabled,
            "active_keys": active_keys(app),
            "source": app.source(),
        })
    });
    output.show(&json.collect(), table)
}

fn active_keys(app: &Found) -> usize {
    app.spec.keys.iter().filter(|key| key.active).count()
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let cellar = self.place.look()?;
        let name = self.name.unwrap_or_default();
        let settings = settings::assigned(&Settings { name, ..Settings::default() }, &self.set)?;
        let apps = cellar.apps()?;
        let is_taken = |id: &AppId| apps.iter().any(|app| app.spec.id == *id);
        let id = match self.id {
            Some(id) if is_taken(&id) => {
                return Err(Failure::failed(format!("there is an app {id} already"))
                    .hint(format!("`bellwire apps set {id}` changes it")));
            }
            Some(id) => id,
            None => free_app_id(is_taken)?,
        };
        let key = self.given.or_new()?;
        let app = AppSpec::new(id, settings, vec![key]);
        cellar.put(&app)?;
        show_created(&app, &cellar, self.output)
    }
}

fn show_created(app: &AppSpec, cellar: &Cellar, output: Output) -> Result<(), Failure> {
    let mut table = Table::default();
    let mut json = json!({ "id": app.id.as_str(), "name": app.settings.name });
    table.row(["app id", app.id.as_str()]);
    for key in &app.keys {
        table.row(["key", key.key.as_str()]);
        table.row(["secret", key.secret.reveal()]);
        json["key"] = key.key.as_str().into();
        json["secret"] = key.secret.reveal().into();
    }
    if !output.is_json() {
        note(format!("made an app in {}:", cellar.folder()));
    }
    output.show(&json, table)
}

fn set(id: &AppId, assignments: &[String], output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    let mut app = cellar.changeable(id)?;
    let before = settings::values(&app.settings);
    app.settings = settings::assigned(&app.settings, assignments)?;
    let now = settings::values(&app.settings);
    let mut changed = Table::default();
    for (name, value) in now.iter().filter(|(name, value)| before.get(*name) != Some(*value)) {
        changed.row([name, &settings::text(value)]);
    }
    if before == now {
        note(format!("app {id} was like that before"));
    } else {
        cellar.put(&app)?;
    }
    output.show(&json!({ "id": id.as_str(), "settings": now }), changed)
}

fn delete(id: &AppId, yes: bool, output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    let app = cellar.changeable(id)?;
    if !yes && !confirmed(&app)? {
        return Err(Failure::failed(format!("app {id} was not deleted")));
    }
    cellar.delete(id)?;
    output.show(&json!({ "id": id.as_str(), "deleted": true }), format!("app {id} is deleted"))
}

fn confirmed(app: &AppSpec) -> Result<bool, Failure> {
    let id = &app.id;
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("nobody is here to confirm that app {id} goes"))
            .hint("without a terminal, --yes confirms it"));
    }
    let name = super::output::one_line(&app.settings.name);
    eprint!("Delete app {id} {name:?} with {} key(s)? [y/N] ", app.keys.len());
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("no answer can be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn text(app: &Found, reveal: bool) -> String {
    let mut settings = Table::default();
    settings.row(["id", app.spec.id.as_str()]);
    settings.row(["source", app.source()]);
    for (name, value) in settings::values(&app.spec.settings) {
        settings.row([&name, &settings::text(&value)]);
    }
    format!("{settings}\n{}", keys::table(&app.spec.keys, reveal))
}

fn json(app: &Found, reveal: bool) -> Value {
    json!({
        "id": app.spec.id.as_str(),
        "source": app.source(),
        "settings": settings::values(&app.spec.settings),
        "keys": keys::json(&app.spec.keys, reveal),
    })
}
