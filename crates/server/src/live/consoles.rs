//! The consoles that somebody looks at: none otherwise, so that it costs one relaxed load to learn
//! that nobody does.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use bellwire_hub::App;
use bellwire_hub::interest::Listener;
use bellwire_live::console::Console;
use bellwire_live::sharing::{Elsewhere, Reader, Said};
use bellwire_protocol::AppId;
use tokio::sync::Notify;

use crate::ops::clock::now_ms;

/// People who look at the console of one app.
pub(crate) const READERS_MAX: usize = 16;

type Open = HashMap<AppId, Watched>;

/// Every console that is open.
#[derive(Default)]
pub(super) struct Consoles {
    open: ArcSwap<Open>,
    /// How many there are, so that those who tell need not look.
    count: AtomicUsize,
    /// Held while somebody comes or goes.
    changing: Mutex<()>,
    /// Set once, if there may be other nodes.
    others: OnceLock<Others>,
    /// Rung when somebody begins to look elsewhere.
    came: Notify,
}

/// This node among others.
pub(super) struct Others {
    /// What this node is called.
    pub(super) me: Arc<str>,
    /// The way to them.
    pub(super) elsewhere: Arc<dyn Elsewhere>,
}

#[derive(Debug, Clone)]
struct Watched {
    app: Arc<App>,
    console: Arc<Console>,
    /// Who looks here.
    readers: usize,
    /// For those who look elsewhere, if anybody does.
    reader: Option<Arc<Reader>>,
}

impl Consoles {
    /// The console of an app, if anybody looks at it.
    pub(super) fn of(&self, app: &AppId) -> Option<Arc<Console>> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.open.load().get(app).map(|watched| Arc::clone(&watched.console))
    }

    /// There may be other nodes.
    pub(super) fn share(&self, others: Others) {
        // Nobody shares twice.
        let _ = self.others.set(others);
    }

    /// Somebody looks, unless too many do already.
    pub(super) fn look(self: &Arc<Self>, app: Arc<App>) -> Option<Looking> {
        let console = self.change(|open| {
            let watched = watch(open, &app);
            if watched.readers >= READERS_MAX {
                return None;
            }
            watched.readers += 1;
            if watched.readers == 1 {
                self.tell(&app, true);
            }
            Some(Arc::clone(&watched.console))
        })?;
        Some(Looking { consoles: Arc::clone(self), app, console })
    }

    fn leave(&self, app: &App) {
        self.change(|open| {
            let Some(watched) = open.get_mut(&app.id) else { return };
            watched.readers -= 1;
            if watched.readers == 0 {
                self.tell(app, false);
            }
            close_if_unseen(open, &app.id);
        });
    }

    /// Somebody looks at an app on another node, too.
    pub(super) fn look_elsewhere(&self, app: &Arc<App>) {
        self.change(|open| {
            let watched = watch(open, app);
            let console = || Arc::new(Reader::of(Arc::clone(&watched.console)));
            watched.reader.get_or_insert_with(console);
        });
        self.came.notify_one();
    }

    /// Nobody looks on other nodes any more.
    pub(super) fn leave_elsewhere(&self, app: &AppId) {
        self.change(|open| {
            let Some(watched) = open.get_mut(app) else { return };
            watched.reader = None;
            close_if_unseen(open, app);
        });
    }

    /// Takes what another node has passed on, if anybody looks here.
    pub(super) fn hear(&self, app: &AppId, said: Said) {
        if let Some(watched) = self.open.load().get(app).filter(|watched| watched.readers > 0) {
            watched.console.hear(now_ms(), said);
        }
    }

    /// Passes on what happened here to where somebody looks elsewhere; whether anybody does.
    pub(super) fn pass_on(&self) -> bool {
        let Some(others) = self.others.get() else { return false };
        let open = self.open.load();
        let mut is_anybody = false;
        for (app, watched) in open.iter() {
            let Some(reader) = &watched.reader else { continue };
            is_anybody = true;
            if let Some(said) = reader.news(&others.me) {
                others.elsewhere.pass_on(app, &said);
            }
        }
        is_anybody
    }

    /// Waits until somebody begins to look elsewhere.
    pub(super) async fn somebody_elsewhere(&self) {
        self.came.notified().await;
    }

    /// What this node is called, if there are others.
    pub(super) fn me(&self) -> Option<&str> {
        let others = self.others.get()?;
        others.elsewhere.is_anywhere().then_some(&*others.me)
    }

    fn tell(&self, app: &App, looks: bool) {
        if let Some(others) = self.others.get() {
            others.elsewhere.look(&app.id, looks);
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Open) -> T) -> T {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = Open::clone(&self.open.load());
        let changed = change(&mut open);
        self.count.store(open.len(), Ordering::Relaxed);
        self.open.store(Arc::new(open));
        changed
    }
}

fn watch<'a>(open: &'a mut Open, app: &Arc<App>) -> &'a mut Watched {
    open.entry(app.id.clone()).or_insert_with(|| {
        app.interest.set(Listener::Console, true);
        let console = Arc::new(Console::new(first_id()));
        Watched { app: Arc::clone(app), console, readers: 0, reader: None }
    })
}

fn close_if_unseen(open: &mut Open, app: &AppId) {
    let is_unseen = |watched: &Watched| watched.readers == 0 && watched.reader.is_none();
    if open.get(app).is_some_and(is_unseen)
        && let Some(watched) = open.remove(app)
    {
        watched.app.interest.set(Listener::Console, false);
    }
}

impl fmt::Debug for Consoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consoles").field("open", &self.open).finish_non_exhaustive()
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

impl Looking {
    /// What this node is called, if there are others.
    pub(super) fn node(&self) -> Option<&str> {
        self.consoles.me()
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.consoles.leave(&self.app);
    }
}

#[cfg(test)]
#[path = "consoles_tests.rs"]
mod tests;
