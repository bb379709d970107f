//! Hints from other nodes, so that what they have written is noticed at once. A hint may be lost and may
//! come for nothing: whatever it speaks of is asked for now and then all the same.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Postgres;
use super::address::Address;
use crate::StoreError;

/// What may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// There are new rows in feeds.
    Desk,
    /// Apps, endpoints or what else people change.
    Change,
    /// Somebody joined, drains, left, is gone, or came to the desk or left it.
    Nodes,
}

/// Listens until it is dropped.
pub struct Listener {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How long it may take to notice that nobody wants to hear any more.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long to wait before the next try to get a connection, in parts of that.
const PAUSE: u32 = 10;

impl Postgres {
    /// Calls somebody on a thread of its own with every hint of these kinds; also with each of them once
    /// there is a connection, at first and after one was lost, because of what was missed.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn listen(
        &self,
        hints: &[Hint],
        mut hear: impl FnMut(Hint) + Send + 'static,
    ) -> std::io::Result<Listener> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (address, hints, ends) = (self.address().clone(), hints.to_vec(), is_over.clone());
        let thread = std::thread::Builder::new().name("hints".into()).spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                // What went wrong is told by those who need the database.
                let _ = listen(&address, &hints, &mut hear, &ends);
                for _ in 0..PAUSE {
                    if !ends.load(Ordering::Relaxed) {
                        std::thread::sleep(PATIENCE);
                    }
                }
            }
        })?;
        Ok(Listener { is_over, thread: Some(thread) })
    }
}

/// Listens for as long as there is a connection and somebody who hears.
fn listen(
    address: &Address,
    hints: &[Hint],
    hear: &mut dyn FnMut(Hint),
    is_over: &AtomicBool,
) -> Result<(), StoreError> {
    let mut session = address.connect()?;
    for hint in hints {
        session.batch(&format!("LISTEN {}", hint.channel()))?;
    }
    hints.iter().for_each(|hint| hear(*hint));
    while !is_over.load(Ordering::Relaxed) {
        let Some(channels) = session.notified(PATIENCE)? else { break };
        // Many of one kind that came together are one.
        let told = |hint: &&Hint| channels.iter().any(|name| name == hint.channel());
        hints.iter().filter(told).for_each(|hint| hear(*hint));
    }
    Ok(())
}

impl Hint {
    /// Its name in the database.
    fn channel(self) -> &'static str {
        match self {
            Self::Desk => "bellwire_desk",
            Self::Change => "bellwire_change",
            Self::Nodes => "bellwire_nodes",
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
