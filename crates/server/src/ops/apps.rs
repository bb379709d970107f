//! Keeps the running server's apps in step with the config file and the store: a change takes
//! effect without a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use bellwire_hub::{AppSpec, Apps, Hub};
use bellwire_protocol::close;
use bellwire_store::Store;
use bellwire_webhooks::service::Service;
use tokio::sync::oneshot;

use crate::config::{Config, Declared};
use crate::ops::webhooks;

/// Where the apps come from, and who is told.
pub(crate) struct AppSources {
    /// The config file, to be read again on SIGHUP.
    file: Option<PathBuf>,
    /// Apps of the file; they win over stored ones.
    declared: Vec<AppSpec>,
    store: Arc<dyn Store>,
    apps: Arc<Apps>,
    hub: Arc<Hub>,
    /// Endpoints of the file.
    endpoints: Vec<Declared>,
    /// Who is told when something changed; nobody before the first loading.
    webhooks: Option<Arc<Service>>,
    /// The store's version that is served.
    version: u64,
    /// Whether the store could not be read lately.
    is_lost: bool,
}

/// What the thread is asked to do.
pub(crate) enum Errand {
    /// Look at the store now, and say when that is done.
    Follow(oneshot::Sender<()>),
    /// Read the config file again.
    Reread,
    /// End.
    Stop,
}

/// How often another process's changes are looked for.
const FOLLOW: Duration = Duration::from_millis(200);

impl AppSources {
    pub(crate) fn new(
        config: &Config,
        file: Option<&Path>,
        store: Arc<dyn Store>,
        apps: Arc<Apps>,
        hub: Arc<Hub>,
    ) -> Self {
        Self {
            file: file.map(Path::to_owned),
            declared: config.apps.clone(),
            store,
            apps,
            hub,
            endpoints: config.endpoints.clone(),
            webhooks: None,
            version: 0,
            is_lost: false,
        }
    }

    /// From now on webhooks are told of changes.
    pub(crate) fn tell(&mut self, webhooks: Arc<Service>) {
        self.webhooks = Some(webhooks);
    }

    /// Makes file and store together the apps of the server.
    pub(crate) fn load(&mut self) -> anyhow::Result<()> {
        webhooks::declare(&*self.store, &self.endpoints)
            .context("the webhooks of the config file cannot be written down")?;
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
        if let Some(webhooks) = &self.webhooks {
            webhooks.changed();
        }
        Ok(())
    }

    /// Goes on by itself: on a thread of its own, because the store may take its time.
    pub(crate) fn start(self) -> std::io::Result<(Sender<Errand>, JoinHandle<()>)> {
        let (sender, errands) = channel();
        let thread = std::thread::Builder::new().name("apps".into());
        Ok((sender, thread.spawn(move || self.run(&errands))?))
    }

    fn run(mut self, errands: &Receiver<Errand>) {
        loop {
            match errands.recv_timeout(FOLLOW) {
                Ok(Errand::Follow(waiting)) => {
                    self.follow_store();
                    // Whoever asked may have gone.
                    let _ = waiting.send(());
                }
                Ok(Errand::Reread) => self.reread_file(),
                Err(RecvTimeoutError::Timeout) => self.follow_store(),
                Ok(Errand::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Loads again if another process has written to the store.
    fn follow_store(&mut self) {
        let version = self.store.version();
        let was_lost = std::mem::replace(&mut self.is_lost, version.is_err());
        match version {
            Ok(version) if version == self.version => {}
            Ok(_) => self.load_or_keep("the store changed"),
            Err(error) if !was_lost => tracing::error!(%error, "the store cannot be read"),
            Err(_) => {}
        }
    }

    /// Reads the config file again. A file that cannot be used changes nothing.
    fn reread_file(&mut self) {
        match Config::read(self.file.as_deref()) {
            Ok(config) => {
                self.declared = config.apps;
                self.endpoints = config.endpoints;
                self.load_or_keep("the config file was read again");
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the old configuration stays in use");
            }
        }
    }

    fn load_or_keep(&mut self, why: &str) {
        match self.load() {
            Ok(()) => {
                tracing::debug!(why, apps = self.apps.all().len(), "apps and endpoints read again");
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the old apps stay in use");
            }
        }
    }
}
