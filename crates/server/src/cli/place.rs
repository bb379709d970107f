//! Where the apps of a server on this machine are: the database in its data folder, or the one that a
//! cluster shares, and its config file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bellwire_hub::AppSpec;
use bellwire_hub::apps::find_clash;
use bellwire_protocol::AppId;
use bellwire_store::{Postgres, Sqlite, Store};

use super::failure::Failure;
use crate::config::{Config, DEFAULT_FILE, Location};

/// What the command line says about it.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Where the server keeps its apps")]
pub(super) struct Place {
    /// The server's data folder [default: what the config file says, else ./bellwire-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server's config file [default: bellwire.toml in this folder, if there is one and neither
    /// --data-dir nor --database]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database of a cluster, postgres://user:password@host:port/name, instead of the data folder
    /// [default: what the config file or BELLWIRE_DATABASE says; other users of this machine see
    /// command lines]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// What the command line and the config file say together.
struct Wanted {
    data_dir: PathBuf,
    database: Option<Location>,
    declared: Vec<AppSpec>,
    require_https: bool,
}

impl Place {
    /// Opens what is there. Nothing is made by looking.
    pub(super) fn look(&self) -> Result<Cellar, Failure> {
        let Wanted { data_dir, database, declared, require_https } = self.wanted()?;
        let is_there = data_dir.join(bellwire_store::FILE).exists();
        let mut shared = None;
        let store: Option<Box<dyn Store>> = match database {
            Some(url) => {
                let store = Postgres::open(url.reveal())?;
                shared = Some(store.place());
                Some(Box::new(store))
            }
            None if is_there => Some(open(&data_dir)?),
            None => None,
        };
        let is_named = self.data_dir.is_some()
            || self.config.is_some()
            || std::env::var_os("BELLWIRE_DATA_DIR").is_some()
            || Path::new(DEFAULT_FILE).exists();
        Ok(Cellar { data_dir, shared, is_named, declared, store, require_https })
    }

    /// The place of a single server.
    pub(super) fn of_one(data_dir: Option<PathBuf>, config: Option<PathBuf>) -> Self {
        Self { data_dir, config, database: None }
    }

    /// The data folder.
    pub(super) fn data_dir(&self) -> Result<PathBuf, Failure> {
        Ok(self.wanted()?.data_dir)
    }

    /// The database that the config file and the environment name, whatever else is said.
    pub(super) fn configured_database(&self) -> Result<Option<Location>, Failure> {
        Ok(read_config(self.config.as_deref())?.database)
    }

    /// The database of a cluster, if one is named.
    pub(super) fn database(&self) -> Result<Option<Location>, Failure> {
        Ok(self.wanted()?.database)
    }

    fn wanted(&self) -> Result<Wanted, Failure> {
        let is_told = self.data_dir.is_some() || self.database.is_some();
        let config = match &self.config {
            None if is_told => None,
            file => Some(read_config(file.as_deref())?),
        };
        let named = self.database.clone().map(Location::from);
        let mut wanted = match config {
            Some(config) => Wanted {
                data_dir: config.data_dir,
                database: named.or(config.database),
                declared: config.apps,
                require_https: config.webhooks.require_https,
            },
            None => Wanted {
                data_dir: PathBuf::new(),
                database: named,
                declared: Vec::new(),
                require_https: false,
            },
        };
        if let Some(data_dir) = &self.data_dir {
            wanted.data_dir.clone_from(data_dir);
        }
        Ok(wanted)
    }

    /// The flags that name the same place on another command line, with a space before each.
    pub(super) fn flags(&self) -> String {
        let flag = |name, path: &Option<PathBuf>| {
            path.as_ref().map_or(String::new(), |path| format!(" --{name} {}", path.display()))
        };
        // The URL may hold a password.
        let database = self.database.as_ref().map_or("", |_| " --database URL");
        flag("data-dir", &self.data_dir) + &flag("config", &self.config) + database
    }
}

/// Whatever apps there are.
pub(super) struct Cellar {
    data_dir: PathBuf,
    /// The database of a cluster, for messages; none: what there is, is in the data folder.
    shared: Option<String>,
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
    /// The data folder or the database, for messages.
    pub(super) fn folder(&self) -> String {
        let folder = || self.data_dir.display().to_string();
        self.shared.clone().unwrap_or_else(folder)
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
            "--data-dir names the server's data folder, --config its config file, --database the \
             database of a cluster; `bellwire serve` makes one",
        )
    }
}

/// Does what may wait for a database, which must not be done on a thread of a runtime.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
