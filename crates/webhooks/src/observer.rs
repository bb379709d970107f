//! The port for those who watch: logs, metrics, health.

use std::time::Duration;

use crate::attempt::Answer;
use crate::engine::Load;
use crate::event::Kind;
use crate::turn::{Dispatch, Notice};

/// Watches the engine. Called by its threads; must not block.
pub trait Observer: Send + Sync {
    /// Something that people may hear of.
    fn notice(&self, notice: &Notice);

    /// An event has its place in the log.
    fn announced(&self, kind: Kind);

    /// A transaction is kept.
    fn kept(&self, steps: usize, took: Duration);

    /// An attempt has ended, in so many milliseconds; with what class of failure, if it failed.
    fn attempted(&self, failure: Option<crate::attempt::Failure>, took_ms: u32);

    /// A POST has ended, whether or not its answer is kept in time. Called by the task that sent it.
    fn posted(&self, dispatch: &Dispatch, answer: &Answer);

    /// What waits now.
    fn load(&self, load: &Load);

    /// The store fails: nothing is durable, events wait in memory.
    fn store_failed(&self, error: &str);

    /// The store does what it is asked.
    fn store_is_well(&self);
}
