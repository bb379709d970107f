//! Many connections that set out together, each followed until it is subscribed.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::Client;
use crate::histogram::Histogram;
use crate::report::Report;
use crate::socket::{Closing, Endpoint, Hearer};
use crate::topics::Topics;

/// Those who set out.
pub(super) struct Party {
    /// Where to.
    pub(super) endpoint: Rc<Endpoint>,
    /// How many.
    pub(super) count: usize,
    /// How many may be on their way at once.
    pub(super) ahead: usize,
}

/// What became of them.
pub(super) struct Arrivals {
    /// By connection: when it set out.
    began: Vec<Instant>,
    /// From setting out to subscribed.
    pub(super) took: Histogram,
    /// How many are subscribed.
    pub(super) live: usize,
    /// Those that were refused or closed.
    pub(super) closings: Vec<Closing>,
    /// When something last happened to one.
    moved: Instant,
}

/// Opens all connections as fast as it can, with a client that has none yet, and waits until each is
/// subscribed or refused, or nothing moves.
///
/// # Errors
/// When the kernel refuses a connection at once.
pub(super) fn arrive<T: Into<Topics>>(
    client: &mut Client,
    party: &Party,
    topics: impl Fn(usize) -> T,
) -> Result<Arrivals> {
    let mut arrivals = Arrivals::new();
    while arrivals.settled() < party.count && arrivals.moved.elapsed() < PATIENCE {
        let on_their_way = client.added().saturating_sub(arrivals.settled());
        let room = party.ahead.saturating_sub(on_their_way);
        let more = BURST.min(room).min(party.count - client.added());
        for _ in 0..more {
            arrivals.began.push(Instant::now());
            client.add(&party.endpoint, topics(client.added()))?;
        }
        let patience = if more > 0 { Duration::ZERO } else { Duration::from_millis(100) };
        client.turn(patience, &mut arrivals)?;
    }
    Ok(arrivals)
}

impl Arrivals {
    fn new() -> Self {
        let (took, moved) = (Histogram::new(), Instant::now());
        Self { began: Vec::new(), took, live: 0, closings: Vec::new(), moved }
    }

    /// Checks that all of `count` have arrived, and that none was refused.
    pub(super) fn check(&self, count: usize, report: &mut Report, name: &str) {
        let Self { live, closings, .. } = self;
        let refused = closings.len();
        report.check(
            *live == count && refused == 0,
            format!(
                "{name}: {live} of {count} subscribed, {refused} closed {:?}",
                closings.first()
            ),
        );
    }

    /// How many are not on their way any more. One that is closed after it was subscribed counts twice:
    /// the others are then waited for in vain, and the closing is told.
    fn settled(&self) -> usize {
        self.live + self.closings.len()
    }
}

impl Hearer for Arrivals {
    fn live(&mut self, socket: usize) {
        self.live += 1;
        self.moved = Instant::now();
        self.took.record(self.moved - self.began[socket]);
    }

    fn closed(&mut self, _socket: usize, closing: Closing) {
        self.moved = Instant::now();
        self.closings.push(closing);
    }
}

/// How many set out before what has arrived is read.
const BURST: usize = 50;
/// Longer than the kernel takes to try three times.
const PATIENCE: Duration = Duration::from_secs(20);
