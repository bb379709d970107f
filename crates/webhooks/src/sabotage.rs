//! Faults that were seen in other servers, to be switched on by the simulation alone: it must find
//! each of them.

use std::cell::Cell;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// A leave is told at once.
    NoGrace,
    /// A return within the grace is told again.
    OccupiedAgain,
    /// Every subscriber of an empty cache channel is told.
    EveryMiss,
    /// Counts are not throttled.
    EveryCount,
    /// A failed POST is forgotten.
    NoRetry,
    /// Only answers of 500 and above are tried again.
    RetryOnly5xx,
    /// What waits for another attempt is not kept.
    RetryInMemory,
    /// A batch is sent before it is kept.
    SendBeforeCommit,
    /// Every endpoint gets whatever another one asked for.
    NoFilter,
    /// One batch for all apps.
    AppsMixed,
    /// The next event of a lane does not wait for the one before.
    NoOrder,
    /// A retry is cut anew, with what has come since.
    CutAgain,
    /// What was given up is not named.
    SilentGap,
    /// At the end every channel is told to be vacated.
    VacatedAtTheEnd,
    /// What a crash left announced is not taken back.
    GhostsStay,
    /// Events on encrypted channels travel with others.
    EncryptedTogether,
    /// A dead endpoint holds a permit that all share.
    SharedPermits,
}

thread_local! {
    static ACTIVE: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Switches a fault on for this thread, or all of them off.
pub(crate) fn sabotage(fault: Option<Sabotage>) {
    ACTIVE.set(fault);
}

/// Whether a fault is on.
pub(crate) fn sabotaged(fault: Sabotage) -> bool {
    ACTIVE.get() == Some(fault)
}

/// Whether a fault makes a failed attempt the last one.
pub(crate) fn gives_up(answer: &crate::attempt::Answer) -> bool {
    let is_5xx = answer.status.is_some_and(|status| status >= 500);
    sabotaged(Sabotage::NoRetry) || (sabotaged(Sabotage::RetryOnly5xx) && !is_5xx)
}
