//! What people see of apps while they run. Doors, hub and webhooks tell it what happens; it keeps
//! consoles for those who look, gathers what went wrong, and writes statistics down.

mod consoles;
mod everywhere;
mod feed;
mod informant;
mod questions;
mod recorder;
mod sharing;
mod telling;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwire_hub::{App, Apps};
use bellwire_live::errors::ErrorLog;
use bellwire_live::line::Filter;
use bellwire_store::Store;

use consoles::Consoles;
use recorder::Recorder;

#[cfg(test)]
pub(crate) use consoles::READERS_MAX;
pub(crate) use everywhere::{Everywhere, Sought, Spot};
pub(crate) use feed::Feed;
#[cfg(test)]
pub(crate) use feed::LONGEST;
pub(crate) use informant::{Deputy, Informant};
pub(crate) use questions::Questions;

/// What is known of apps while they run.
pub(crate) struct Live {
    apps: Arc<Apps>,
    store: Arc<dyn Store>,
    consoles: Arc<Consoles>,
    /// What went wrong and is not kept yet. Locked for one entry at a time.
    errors: Mutex<ErrorLog>,
    /// Locked by whoever keeps things, for as long as that takes; nobody else waits for it.
    recorder: Mutex<Recorder>,
}

impl Live {
    /// Nobody looks, and nothing has happened.
    pub(crate) fn new(apps: Arc<Apps>, store: Arc<dyn Store>) -> Self {
        let (consoles, errors) = (Arc::default(), Mutex::default());
        Self { apps, store, consoles, errors, recorder: Mutex::default() }
    }

    /// Looks at the console of an app; nothing if too many do already.
    pub(crate) fn look(&self, app: Arc<App>, filter: Filter) -> Option<Feed> {
        Some(Feed::new(self.consoles.look(app)?, filter))
    }

    fn errors(&self) -> MutexGuard<'_, ErrorLog> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
