//! Faults that were seen in other servers, to be switched on by the simulation alone: it must find
//! each of them.

use std::cell::Cell;
use std::sync::Arc;

use crate::batch::{Batch, join};
use crate::courier::Courier;
use crate::event::{Event, LANES};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// A leave is told at once.
    NoGrace,
    /// The grace is that of the first leave, whatever came since.
    EarlyEnd,
    /// A return within the grace is told again.
    OccupiedAgain,
    /// A channel is told to be vacated before its last members are removed.
    VacatedFirst,
    /// Of many who leave at once, one is forgotten.
    OneOfMany,
    /// Every subscriber of an empty cache channel is told.
    EveryMiss,
    /// Counts are not throttled.
    EveryCount,
    /// The last count of a crowd is not told.
    LastCountLost,
    /// A client event does not say who sent it.
    NoSender,
    /// A failed POST is forgotten.
    NoRetry,
    /// Only answers of 500 and above are tried again.
    RetryOnly5xx,
    /// A receiver that asks for a rest gets none.
    NoRest,
    /// What waits for another attempt is not kept.
    RetryInMemory,
    /// A batch is sent before it is kept.
    SendBeforeCommit,
    /// Every endpoint gets whatever another one asked for.
    NoFilter,
    /// An endpoint that wants one event of a batch gets all of it.
    WholeBatch,
    /// Of endpoints with one address, only one counts.
    OneAddress,
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
    /// Each node decides by itself: who leaves one has left all.
    EachForItself,
    /// What a node had that is gone stays.
    GoneStays,
    /// What a node does not name when it says its state anew stays.
    RetellKeeps,
    /// The count is that of the node which spoke last.
    CountOfOne,
    /// What was told is taken back before every node has said who is there.
    NoHearing,
    /// What a node said stays in its feed when it is heard.
    NeverHeard,
    /// Who leaves a node that drains has left.
    DrainLeaves,
    /// What a node had no room for is not said anew.
    SilentOverflow,
    /// A desk that has lost its lease goes on sending.
    FencedSends,
    /// What was read from a feed goes at once, whatever becomes of it.
    ForgottenWhenRead,
    /// Who has left is told to have, though the return may lie unread.
    HastyLeaves,
}

impl Sabotage {
    /// Every fault.
    pub(crate) const ALL: [Self; 25] = [
        Self::NoGrace,
        Self::EarlyEnd,
        Self::OccupiedAgain,
        Self::VacatedFirst,
        Self::OneOfMany,
        Self::EveryMiss,
        Self::EveryCount,
        Self::LastCountLost,
        Self::NoSender,
        Self::NoRetry,
        Self::RetryOnly5xx,
        Self::NoRest,
        Self::RetryInMemory,
        Self::SendBeforeCommit,
        Self::NoFilter,
        Self::WholeBatch,
        Self::OneAddress,
        Self::AppsMixed,
        Self::NoOrder,
        Self::CutAgain,
        Self::SilentGap,
        Self::VacatedAtTheEnd,
        Self::GhostsStay,
        Self::EncryptedTogether,
        Self::SharedPermits,
    ];
}

impl Sabotage {
    /// Every fault of a cluster.
    pub(crate) const OF_A_CLUSTER: [Self; 11] = [
        Self::EachForItself,
        Self::GoneStays,
        Self::RetellKeeps,
        Self::CountOfOne,
        Self::NoHearing,
        Self::NeverHeard,
        Self::DrainLeaves,
        Self::SilentOverflow,
        Self::FencedSends,
        Self::ForgottenWhenRead,
        Self::HastyLeaves,
    ];
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

/// The lane of an event, or any where the order does not matter.
pub(crate) fn lane_of(event: &Event) -> u8 {
    if sabotaged(Sabotage::NoOrder) {
        return (event.seq % u64::from(LANES)) as u8;
    }
    event.lane()
}

/// How many more may have something on its way, or wait for another attempt.
pub(crate) fn permits<'a>(couriers: impl Iterator<Item = &'a Courier>) -> usize {
    const PERMITS: usize = 5;
    if !sabotaged(Sabotage::SharedPermits) {
        return PERMITS;
    }
    PERMITS.saturating_sub(couriers.flat_map(|courier| &courier.lanes).map(|l| l.parts.len()).sum())
}

impl Courier {
    /// Whether a fault lets the endpoint get what it does not want.
    pub(crate) fn gets_all(&self, event: &Event) -> bool {
        let lane = &self.lanes[usize::from(event.lane())];
        sabotaged(Sabotage::NoFilter) || (sabotaged(Sabotage::WholeBatch) && lane.has_waiting())
    }

    pub(crate) fn has_parts(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.parts.is_empty())
    }

    /// Takes what waits into the batch that is sent again, if that fault is on.
    pub(crate) fn cut_again(&mut self, at: usize) {
        if !sabotaged(Sabotage::CutAgain) {
            return;
        }
        let more = self.lanes[at].cut(self.batching);
        let Some(part) = self.lanes[at].parts.front_mut() else { return };
        let mut batch = Batch::clone(&part.batch);
        let bodies: Vec<String> = batch.bodies().iter().map(|body| body.get().to_owned()).collect();
        let all = bodies.iter().map(String::as_str).chain(more.iter().map(|event| &*event.body));
        let events = join(all);
        batch.seqs.extend(more.iter().map(|event| event.seq));
        batch.events = events;
        part.batch = Arc::new(batch);
    }
}
