//! Idle connections, kept for the next request of their endpoint.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::shelf::{Limits, Shelf};
use super::target::Origin;
use crate::ids::EndpointId;

/// Idle connections of all endpoints.
pub(super) struct Pool {
    inside: Arc<Mutex<Inside>>,
}

/// Connections are dropped outside the lock: to close a socket is a call to the system.
struct Inside {
    shelf: Shelf<Connection>,
    /// Whether a task looks for what is too old.
    is_swept: bool,
}

const LIMITS: Limits = Limits {
    per_endpoint: 64,
    in_all: 2_000,
    // So that a change of the DNS is noticed.
    idle: Duration::from_secs(60),
};
/// A connection that is never idle for long is given up after this, for the same reason.
const AGE_MAX: Duration = Duration::from_secs(300);
/// How often old connections are looked for.
const SWEEP: Duration = Duration::from_secs(10);

impl Default for Pool {
    fn default() -> Self {
        let inside = Inside { shelf: Shelf::new(LIMITS), is_swept: false };
        Self { inside: Arc::new(Mutex::new(inside)) }
    }
}

impl Pool {
    /// A connection to an origin, on which the receiver has not hung up yet.
    pub(super) fn take(&self, endpoint: &EndpointId, origin: &Origin) -> Option<Connection> {
        let mut old = Vec::new();
        loop {
            let now = Instant::now();
            let taken = lock(&self.inside).shelf.take(now, endpoint, origin, &mut old);
            let mut connection = taken?;
            if connection.is_ready() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection that is ready for another request.
    pub(super) fn put(&self, endpoint: &EndpointId, origin: Origin, connection: Connection) {
        let now = Instant::now();
        if now.duration_since(connection.dialled) >= AGE_MAX {
            return;
        }
        let mut inside = lock(&self.inside);
        let _evicted = inside.shelf.put(now, endpoint, origin, connection);
        let was_swept = std::mem::replace(&mut inside.is_swept, true);
        drop(inside);
        if !was_swept {
            tokio::spawn(sweep(Arc::downgrade(&self.inside)));
        }
    }

    /// Drops the connections of an endpoint.
    pub(super) fn forget(&self, endpoint: &EndpointId) {
        let forgotten = lock(&self.inside).shelf.take_all(endpoint);
        drop(forgotten);
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops old connections until there are none left, or no pool.
async fn sweep(inside: Weak<Mutex<Inside>>) {
    loop {
        sleep(SWEEP).await;
        let Some(inside) = inside.upgrade() else { return };
        let mut locked = lock(&inside);
        let old = locked.shelf.take_old(Instant::now());
        locked.is_swept = !locked.shelf.is_empty();
        let is_over = !locked.is_swept;
        drop(locked);
        drop(old);
        if is_over {
            return;
        }
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
