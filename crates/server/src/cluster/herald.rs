//! Who hears the bus for this node: everything is passed on to the link, and people are told once when
//! the bus goes down, and once when it is back.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use bellwire_cluster::{Hearer, Link};
use bytes::Bytes;

use super::lock;

/// The link's hearer, who also tells people.
pub(super) struct Herald {
    link: Arc<Link>,
    /// Since when the bus is down; at first nobody knows yet whether it is.
    down: Mutex<Option<Instant>>,
}

impl Herald {
    pub(super) fn of(link: &Arc<Link>) -> Arc<Self> {
        Arc::new(Self { link: Arc::clone(link), down: Mutex::default() })
    }
}

impl Hearer for Herald {
    fn heard(&self, subject: &str, message: Bytes) {
        self.link.heard(subject, message);
    }

    fn ready(&self, subject: &str) {
        self.link.ready(subject);
    }

    fn up(&self) {
        let down = lock(&self.down).take();
        match down.map(|since| since.elapsed().as_secs()) {
            Some(down_s) => tracing::info!(
                down_s,
                "the bus is back: nodes reach each other's clients; who is where is told again"
            ),
            None => tracing::info!("the bus is there"),
        }
        self.link.up();
    }

    fn down(&self, why: &str) {
        // The reason may change while it is down; once is enough.
        let was_down = lock(&self.down).replace(Instant::now());
        match was_down {
            Some(since) => *lock(&self.down) = Some(since),
            None => tracing::error!(
                why,
                "the bus is down: events reach only clients of the node where they are published; \
                 every node goes on serving its own clients, and webhooks go on"
            ),
        }
        self.link.down(why);
    }
}
