//! Keeps the running server's apps in step with the config file and the store: a change takes
//! effect without a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bellwire_hub::{AppSpec, AppStore as _, Apps, Hub};
use bellwire_protocol::close;
use bellwire_store::Sqlite;

use crate::config::Config;

/// Where the apps come from, and who is told.
pub(crate) struct AppSources {
    /// The config file, to be read again on SIGHUP.
    file: Option<PathBuf>,
    /// Apps of the file; they win over stored ones.
    declared: Vec<AppSpec>,
    store: Arc<Sqlite>,
    apps: Arc<Apps>,
    hub: Arc<Hub>,
    /// The store's version that is served.
    version: u64,
}

impl AppSources {
    pub(crate) fn new(
        config: &Config,
        file: Option<&Path>,
        store: Arc<Sqlite>,
        apps: Arc<Apps>,
        hub: Arc<Hub>,
    ) -> Self {
        let declared = config.apps.clone();
        Self { file: file.map(Path::to_owned), declared, store, apps, hub, version: 0 }
    }

    /// Makes file and store together the apps of the server.
    pub(crate) fn load(&mut self) -> anyhow::Result<()> {
        self.version = self.store.version()?;
        let mut specs = self.declared.clone();
        for stored in self.store.apps()? {
            if specs.iter().any(|spec| spec.id == stored.id) {
                tracing::debug!(app = %stored.id, "the config file stands above the stored app");
            } else {
                specs.push(stored);
            }
        }
        let ended = self.apps.replace(specs).context("the apps cannot be served")?;
        for app in ended {
            let close = match app.live().deleted {
                true => close::APP_DELETED,
                false => close::APP_DISABLED,
            };
            tracing::info!(app = %app.id, code = close.code, "closing all connections of an app");
            self.hub.close_app(&app, &close);
        }
        Ok(())
    }

    /// Loads again if another process has written to the store.
    pub(crate) fn follow_store(&mut self) {
        match self.store.version() {
            Ok(version) if version == self.version => {}
            Ok(_) => self.load_or_keep("the store changed"),
            Err(error) => tracing::error!(%error, "the store cannot be read"),
        }
    }

    /// Reads the config file again. A file that cannot be used changes nothing.
    pub(crate) fn reread_file(&mut self) {
        match Config::read(self.file.as_deref()) {
            Ok(config) => {
                self.declared = config.apps;
                self.load_or_keep("the config file was read again");
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the old configuration stays in use");
            }
        }
    }

    fn load_or_keep(&mut self, why: &str) {
        match self.load() {
            Ok(()) => tracing::info!(why, apps = self.apps.all().len(), "apps reloaded"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the old apps stay in use");
            }
        }
    }
}
