//! Who listens to what in an app, so that nothing is prepared for nobody: one relaxed load asks it.

use std::sync::atomic::{AtomicU8, Ordering};

/// Somebody who may want to be told more than everybody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// A webhook endpoint that wants client events.
    ClientEvents = 1,
    /// A person who looks at the console.
    Console = 2,
}

/// The listeners of an app.
#[derive(Debug, Default)]
pub struct Interest(AtomicU8);

impl Interest {
    /// A listener comes or goes.
    pub fn set(&self, listener: Listener, listens: bool) {
        let flag = listener as u8;
        if listens {
            self.0.fetch_or(flag, Ordering::Release);
        } else {
            self.0.fetch_and(!flag, Ordering::Release);
        }
    }

    /// Whether a listener is there.
    #[must_use]
    pub fn is_there(&self, listener: Listener) -> bool {
        self.0.load(Ordering::Relaxed) & listener as u8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_come_and_go_by_themselves() {
        let interest = Interest::default();
        interest.set(Listener::Console, true);
        assert!(interest.is_there(Listener::Console));
        assert!(!interest.is_there(Listener::ClientEvents));
        interest.set(Listener::ClientEvents, true);
        interest.set(Listener::Console, false);
        assert!(interest.is_there(Listener::ClientEvents));
        assert!(!interest.is_there(Listener::Console));
    }
}
