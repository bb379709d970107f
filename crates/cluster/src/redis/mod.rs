//! The bus through Redis: one server, or the one that sentinels name.

mod connection;
mod place;
mod session;

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::backoff::{Backoff, STEADY};
use crate::bus::{Bus, Figures};
use crate::line::{Ear, Line};
use crate::subject::Subject;

pub(crate) use place::{At, Place, info};

/// The bus through one server at a time.
pub(crate) struct Redis {
    line: Arc<Line>,
    ear: Arc<Ear>,
    task: JoinHandle<()>,
}

impl Redis {
    /// Begins to connect.
    pub(crate) fn start(place: Place, line: Line, ear: Ear, runtime: &Handle) -> Self {
        let (line, ear) = (Arc::new(line), Arc::new(ear));
        let task = runtime.spawn(keep(place, Arc::clone(&line), Arc::clone(&ear)));
        Self { line, ear, task }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bus for Redis {
    fn publish(&self, subject: &Subject, message: Bytes) -> bool {
        let is_taken = self.line.outgoing.push(subject, message);
        if !is_taken {
            self.ear.tally.dropped.add(1);
        }
        is_taken
    }

    fn subscribe(&self, subject: &Subject) {
        self.line.wishes.want(subject);
    }

    fn unsubscribe(&self, subject: &Subject) {
        self.line.wishes.let_go(subject);
    }

    fn is_up(&self) -> bool {
        self.ear.is_up()
    }

    fn figures(&self) -> Figures {
        self.ear.tally.figures(self.line.outgoing.len())
    }
}

/// Keeps connected, for ever.
async fn keep(place: Place, line: Arc<Line>, ear: Arc<Ear>) {
    let mut backoff = Backoff::default();
    let mut was_up = false;
    loop {
        let why = match session::open(&place, &line, &ear).await {
            Ok(session) => {
                if was_up {
                    ear.tally.reconnects.add(1);
                }
                was_up = true;
                let began = Instant::now();
                line.outgoing.open();
                ear.up();
                let why = session.run().await;
                ear.tally.dropped.add(line.outgoing.close());
                if began.elapsed() >= STEADY {
                    backoff.reset();
                }
                why
            }
            Err(why) => why,
        };
        ear.down(&why);
        sleep(backoff.pause()).await;
    }
}
