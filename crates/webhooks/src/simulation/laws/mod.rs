//! What must hold whatever happens. Each law is checked as soon as it can be.

mod ending;
mod health;
mod isolation;
mod log;
mod parcel;
mod seen;
mod sending;
mod settings;

pub(super) use ending::check_end;
pub(super) use isolation::Isolation;
pub(super) use log::{LogLaws, client_event};
pub(super) use parcel::{Decided, Scene};
pub(super) use sending::SendingLaws;
pub(super) use settings::Settings;

/// A law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Law {
    /// Each log alternates per channel and per user of a channel, members within their channel's
    /// time; its places ascend by one, except for those that were skipped.
    Alternation,
    /// In the end, what is announced is what is here.
    Truth,
    /// Nothing of a channel is sent to an endpoint before what came earlier was accepted or given
    /// up.
    Order,
    /// What an endpoint wanted is accepted, or recorded as lost and named to the receiver.
    Complete,
    /// A batch is cut once, has the same bytes at every attempt and is done with once it ended; no
    /// event is in two, except where one was split.
    SameBytes,
    /// Nothing is sent that is not kept; one batch of a lane at a time, so many of an endpoint.
    Committed,
    /// An endpoint gets what it wants, of its app, in the log's words.
    Wanted,
    /// One cache miss in a spell; counts of crowds now and then, the last one for certain.
    Throttled,
    /// Who is back within the grace leaves no trace; nobody is announced who was not there.
    Grace,
    /// Whoever leaves a server that goes down does not leave.
    Closing,
    /// Events on encrypted channels travel alone, and so does everything where batches are off.
    Alone,
    /// Every batch names the one before it in its lane.
    Chain,
    /// The endpoint that is well hears soon, whatever happens to the others.
    Isolation,
    /// Attempts are made within the window, the last one when it ends; a rest that a receiver asks
    /// for is kept.
    Window,
    /// A batch that is refused twice is split until what is refused stands alone.
    Poison,
    /// An endpoint that is not well is called by one at a time, one that is gone not at all.
    Breaker,
    /// A replay repeats what it was asked for, counts it, and ends.
    Replays,
    /// An engine without work sleeps, and everything comes to an end.
    Rest,
    /// Memory stays within its bounds.
    Memory,
    /// Only whoever has the desk sends.
    Fenced,
}

/// A law that was broken.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) law: Law,
    pub(super) how: String,
}

pub(super) type Lawful<T = ()> = Result<T, Broken>;

impl Law {
    pub(super) fn broken<T>(self, how: impl Into<String>) -> Lawful<T> {
        Err(Broken { law: self, how: how.into() })
    }

    /// Broken unless it holds.
    pub(super) fn holds(self, is_so: bool, how: impl FnOnce() -> String) -> Lawful {
        if is_so { Ok(()) } else { self.broken(how()) }
    }
}
