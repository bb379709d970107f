//! The consoles that somebody looks at: none otherwise, so that it costs one relaxed load to learn
//! that nobody does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bellwire_hub::App;
use bellwire_hub::interest::Listener;
use bellwire_live::console::Console;
use bellwire_protocol::AppId;

use crate::ops::clock::now_ms;

/// People who look at the console of one app.
pub(crate) const READERS_MAX: usize = 16;

type Open = HashMap<AppId, Watched>;

/// Every console that is open.
#[derive(Debug, Default)]
pub(super) struct Consoles {
    open: ArcSwap<Open>,
    /// How many there are, so that those who tell need not look.
    count: AtomicUsize,
    /// Held while somebody comes or goes.
    changing: Mutex<()>,
}

#[derive(Debug, Clone)]
struct Watched {
    console: Arc<Console>,
    readers: usize,
}

impl Consoles {
    /// The console of an app, if anybody looks at it.
    pub(super) fn of(&self, app: &AppId) -> Option<Arc<Console>> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.open.load().get(app).map(|watched| Arc::clone(&watched.console))
    }

    /// Somebody looks, unless too many do already. `already` says whether anybody did before.
    pub(super) fn look(self: &Arc<Self>, app: Arc<App>) -> Option<Looking> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = Open::clone(&self.open.load());
        let watched = open
            .entry(app.id.clone())
            .or_insert_with(|| Watched { console: Arc::new(Console::new(first_id())), readers: 0 });
        if watched.readers >= READERS_MAX {
            return None;
        }
        watched.readers += 1;
        let console = Arc::clone(&watched.console);
        self.replace(open);
        app.interest.set(Listener::Console, true);
        Some(Looking { consoles: Arc::clone(self), app, console })
    }

    fn leave(&self, app: &App) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = Open::clone(&self.open.load());
        let Some(watched) = open.get_mut(&app.id) else { return };
        watched.readers -= 1;
        if watched.readers == 0 {
            open.remove(&app.id);
            app.interest.set(Listener::Console, false);
        }
        self.replace(open);
    }

    fn replace(&self, open: Open) {
        self.count.store(open.len(), Ordering::Relaxed);
        self.open.store(Arc::new(open));
    }
}

/// Ids grow from console to console, so that who looks again takes no line for an old one; below
/// 2^53, which every language reads.
fn first_id() -> u64 {
    now_ms() << 8
}

/// Somebody who looks, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Looking {
    consoles: Arc<Consoles>,
    /// Whose console it is.
    pub(super) app: Arc<App>,
    /// What there is to see.
    pub(super) console: Arc<Console>,
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.consoles.leave(&self.app);
    }
}

#[cfg(test)]
mod tests {
    use bellwire_hub::{AppSpec, Apps, Settings};

    use super::*;

    fn app() -> Arc<App> {
        let apps = Apps::default();
        let spec = AppSpec::new("1".parse().unwrap(), Settings::default(), Vec::new());
        apps.replace(vec![spec]).unwrap();
        apps.by_id("1").unwrap()
    }

    #[test]
    fn a_console_is_there_while_anybody_looks() {
        let (consoles, app) = (Arc::new(Consoles::default()), app());
        assert!(consoles.of(&app.id).is_none());
        let first = consoles.look(Arc::clone(&app)).unwrap();
        let second = consoles.look(Arc::clone(&app)).unwrap();
        assert!(Arc::ptr_eq(&first.console, &second.console));
        assert!(app.interest.is_there(Listener::Console));
        drop(first);
        assert!(consoles.of(&app.id).is_some());
        drop(second);
        assert!(consoles.of(&app.id).is_none());
        assert!(!app.interest.is_there(Listener::Console));
        assert_eq!(consoles.count.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_crowd_of_readers_is_refused() {
        let (consoles, app) = (Arc::new(Consoles::default()), app());
        let mut all: Vec<Looking> =
            (0..READERS_MAX).map(|_| consoles.look(Arc::clone(&app)).unwrap()).collect();
        assert!(consoles.look(Arc::clone(&app)).is_none());
        all.pop();
        assert!(consoles.look(Arc::clone(&app)).is_some());
    }
}
