//! A few connections that are lent and given back.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::session::Session;
use crate::{StoreError, lock};

/// Connections at most: a cluster of 32 nodes has to do with a few hundred.
const MOST: usize = 8;
/// Connections that stay open while nobody asks.
const IDLE_MOST: usize = 3;
/// How long somebody waits for one.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connections of a store.
#[derive(Debug)]
pub(super) struct Pool {
    state: Mutex<State>,
    /// Told of every connection that is there again, or is gone.
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    idle: Vec<Session>,
    /// How many are lent.
    lent: usize,
}

/// A connection that is lent. It is given back on purpose only: whoever fails with it leaves it in a
/// state that nobody knows, and so it is closed.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    /// There until it is given back.
    session: Option<Session>,
    was_idle: bool,
}

impl Pool {
    pub(super) fn with(session: Session) -> Self {
        let state = State { idle: vec![session], lent: 0 };
        Self { state: Mutex::new(state), freed: Condvar::new() }
    }

    /// Lends one that is idle, or a new one.
    pub(super) fn take(
        &self,
        connect: impl FnOnce() -> Result<Session, StoreError>,
    ) -> Result<Lease<'_>, StoreError> {
        let idle = self.idle()?;
        // From here on the lease gives the place back, whatever happens.
        let mut lease = Lease { pool: self, was_idle: idle.is_some(), session: idle };
        if lease.session.is_none() {
            lease.session = Some(connect()?);
        }
        Ok(lease)
    }

    /// Takes a place, and the session that is idle there.
    fn idle(&self) -> Result<Option<Session>, StoreError> {
        let end = Instant::now() + PATIENCE;
        let mut state = lock(&self.state);
        loop {
            let idle = state.idle.pop();
            if idle.is_some() || state.lent < MOST {
                state.lent += 1;
                return Ok(idle);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::Busy);
            }
            let woken = self.freed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn free(&self, session: Option<Session>) {
        let mut state = lock(&self.state);
        state.lent -= 1;
        let extra = session.and_then(|session| {
            let is_extra = state.idle.len() >= IDLE_MOST;
            if is_extra {
                return Some(session);
            }
            state.idle.push(session);
            None
        });
        drop(state);
        self.freed.notify_one();
        // To say good-bye takes a moment, in which nobody should wait for the lock.
        drop(extra);
    }
}

impl Drop for Pool {
    /// The last to use a store may be a task, on whose thread a connection must not be closed.
    fn drop(&mut self) {
        let idle = std::mem::take(&mut lock(&self.state).idle);
        let closing = std::thread::Builder::new().spawn(move || drop(idle));
        // Where no thread can be had, the process is about to end anyway.
        if let Ok(closing) = closing {
            let _ = closing.join();
        }
    }
}

impl Lease<'_> {
    /// What is lent.
    pub(super) fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("it is there until it is given back")
    }

    /// Whether it had been waiting for use.
    pub(super) fn was_idle(&self) -> bool {
        self.was_idle
    }

    /// Lets others have it.
    pub(super) fn give_back(mut self) {
        self.pool.free(self.session.take());
        std::mem::forget(self);
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        drop(self.session.take());
        self.pool.free(None);
    }
}
