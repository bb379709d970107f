//! Where the apps of a server on this machine are: the database in its data folder, and its config
//! file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bellwire_hub::AppSpec;
use bellwire_hub::apps::find_clash;
use bellwire_protocol::AppId;
use bellwire_store::{Postgres, Sqlite, Store};

use super::failure::Failure;
use crate::config::{Config, DEFAULT_FILE};

/// What the command line says about it.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Where the server keeps its apps")]
pub(super) struct Place {
    /// The server's data folder [default: what the config file says, else ./bellwire-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server's config file [default: bellwire.toml in this folder, if there is one and no
    /// --data-dir]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// Opens what is there. Nothing is made by looking.
    pub(super) fn look(&self) -> Result<Cellar, Failure> {
        let config = match (&self.config, &self.data_dir) {
            (None, Some(_)) => None,
            (file, _) => Some(read_config(file.as_deref())?),
        };
        let (declared, of_config, database, require_https) = match config {
            Some(config) => {
                let require_https = config.webhooks.require_https;
                (config.apps, config.data_dir, config.database, require_https)
            }
            None => (Vec::new(), PathBuf::new(), None, false),
        };
        let data_dir = self.data_dir.clone().unwrap_or(of_config);
        let is_there = data_dir.join(bellwire_store::FILE).exists();
        let store: Option<Box<dyn Store>> = match database {
            Some(url) => Some(Box::new(Postgres::open(url.reveal())?)),
            None if is_there => Some(open(&data_dir)?),
            None => None,
        };
        let is_named = self.data_dir.is_some()
            || self.config.is_some()
            || std::env::var_os("BELLWIRE_DATA_DIR").is_some()
            || Path::new(DEFAULT_FILE).exists();
        Ok(Cellar { data_dir, is_named, declared, store, require_https })
    }

    /// The flags that name the same place on another command line, with a space before each.
    pub(super) fn flags(&self) -> String {
        let flag = |name, path: &Option<PathBuf>| {
            path.as_ref().map_or(String::new(), |path| format!(" --{name} {}", path.display()))
        };
        flag("data-dir", &self.data_dir) + &flag("config", &self.config)
    }
}

/// Whatever apps there are.
pub(super) struct Cellar {
    data_dir: PathBuf,
    /// Whether somebody said where it is, so that it may be made.
    is_named: bool,
    /// Apps of the config file and the environment; they win over stored ones, and only their own
    /// text can change them.
    declared: Vec<AppSpec>,
    /// Nothing before the first start.
    store: Option<Box<dyn Store>>,
    /// Whether the config file refuses endpoints that are not https.
    pub(super) require_https: bool,
}

/// An app, and where it was found.
pub(super) struct Found {
    pub(super) spec: AppSpec,
    /// Whether it is in the config file or the environment.
    pub(super) declared: bool,
}

impl Found {
    /// Where it was found, in a word.
    pub(super) fn source(&self) -> &'static str {
        if self.declared { "config" } else { "store" }
    }
}

impl Cellar {
    /// The data folder, for messages.
    pub(super) fn folder(&self) -> String {
        self.data_dir.display().to_string()
    }

    /// Every app.
    pub(super) fn apps(&self) -> Result<Vec<Found>, Failure> {
        let declared =
            self.declared.iter().map(|spec| Found { spec: spec.clone(), declared: true });
        let mut apps: Vec<Found> = declared.collect();
        let stored = self.store.as_ref().map(|store| store.apps()).transpose()?.unwrap_or_default();
        for spec in stored {
            if apps.iter().all(|app| app.spec.id != spec.id) {
                apps.push(Found { spec, declared: false });
            }
        }
        Ok(apps)
    }

    /// Every app, if there is any place to look.
    pub(super) fn apps_of_a_server(&self) -> Result<Vec<Found>, Failure> {
        if self.store.is_none() && self.declared.is_empty() {
            return Err(self.nothing_here());
        }
        self.apps()
    }

    /// One app.
    pub(super) fn app(&self, id: &AppId) -> Result<Found, Failure> {
        let found = self.apps_of_a_server()?.into_iter().find(|app| app.spec.id == *id);
        found.ok_or_else(|| {
            Failure::not_found(format!("there is no app {id} in {}", self.folder()))
                .hint("`bellwire apps list` shows those that are there")
        })
    }

    /// One app that can be changed here.
    pub(super) fn changeable(&self, id: &AppId) -> Result<AppSpec, Failure> {
        let app = self.app(id)?;
        if app.declared {
            let why = format!("app {id} is declared in the server's configuration, read-only here");
            return Err(Failure::failed(why).hint(
                "change it in the config file (or in PUSHER_APP_*), then send SIGHUP to the server",
            ));
        }
        Ok(app.spec)
    }

    /// The database.
    pub(super) fn store(&self) -> Result<&dyn Store, Failure> {
        self.store.as_deref().ok_or_else(|| self.nothing_here())
    }

    /// The database, which is made now if there was none and a place was named for it.
    pub(super) fn store_or_new(&mut self) -> Result<&dyn Store, Failure> {
        if self.store.is_none() && self.is_named {
            self.store = Some(open(&self.data_dir)?);
        }
        self.store()
    }

    /// Writes an app down. The first one makes the database, where a place was named for it.
    pub(super) fn put(&self, app: &AppSpec) -> Result<(), Failure> {
        let mut all: Vec<AppSpec> = self.apps()?.into_iter().map(|found| found.spec).collect();
        all.retain(|other| other.id != app.id);
        all.push(app.clone());
        find_clash(&all).map_err(|clash| Failure::failed(clash.to_string()))?;
        match &self.store {
            Some(store) => store.put(app)?,
            None if self.is_named => open(&self.data_dir)?.put(app)?,
            None => return Err(self.nothing_here()),
        }
        Ok(())
    }

    /// Forgets an app.
    pub(super) fn delete(&self, id: &AppId) -> Result<(), Failure> {
        if let Some(store) = &self.store {
            store.delete(id)?;
        }
        Ok(())
    }

    fn nothing_here(&self) -> Failure {
        Failure::not_found(format!("there is no Bellwire database in {}", self.folder())).hint(
            "--data-dir names the server's data folder, --config its config file; `bellwire serve` \
             makes one",
        )
    }
}

fn open(data_dir: &Path) -> Result<Box<dyn Store>, Failure> {
    Ok(Box::new(Sqlite::open(data_dir)?))
}

/// Reads the config as the server does. Where only some of `PUSHER_APP_*` are set they are meant for
/// a client command, and declare no app.
fn read_config(file: Option<&Path>) -> anyhow::Result<Config> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let text = match file {
        None if !path.exists() => String::new(),
        _ => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?,
    };
    let variable = |name: &str| std::env::var(name).ok();
    let app = ["PUSHER_APP_ID", "PUSHER_APP_KEY", "PUSHER_APP_SECRET"];
    let complete = app.iter().all(|name| variable(name).is_some_and(|value| !value.is_empty()));
    let environment = |name: &str| match app.contains(&name) && !complete {
        true => None,
        false => variable(name),
    };
    Config::parse(&text, &environment)
        .with_context(|| format!("the configuration {} cannot be used", path.display()))
}
