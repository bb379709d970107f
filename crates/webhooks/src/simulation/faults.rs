//! Every fault that was seen elsewhere must be found: each is built in for once, and some seed must
//! break the law that it offends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::laws::Law;
use super::run::Run;
use crate::sabotage::{Sabotage, sabotage};

/// Seeds in which a fault has to show.
const SEEDS: u64 = 1_000;

/// The law that a fault offends.
pub(super) fn offended(fault: Sabotage) -> Law {
    match fault {
        Sabotage::NoGrace | Sabotage::EarlyEnd => Law::Grace,
        Sabotage::OccupiedAgain | Sabotage::VacatedFirst => Law::Alternation,
        Sabotage::OneOfMany | Sabotage::GhostsStay => Law::Truth,
        Sabotage::EveryMiss | Sabotage::EveryCount | Sabotage::LastCountLost => Law::Throttled,
        Sabotage::NoSender | Sabotage::NoFilter | Sabotage::WholeBatch | Sabotage::AppsMixed => {
            Law::Wanted
        }
        Sabotage::NoRetry
        | Sabotage::RetryOnly5xx
        | Sabotage::RetryInMemory
        | Sabotage::OneAddress
        | Sabotage::SilentGap => Law::Complete,
        Sabotage::NoRest => Law::Window,
        Sabotage::SendBeforeCommit => Law::Committed,
        Sabotage::NoOrder => Law::Order,
        Sabotage::CutAgain => Law::SameBytes,
        Sabotage::VacatedAtTheEnd => Law::Closing,
        Sabotage::EncryptedTogether => Law::Alone,
        Sabotage::SharedPermits => Law::Isolation,
        _ => Law::Truth,
    }
}

/// The first seed in which a fault breaks a law, and what is broken.
fn find(fault: Sabotage, law: Law) -> Option<(u64, String)> {
    sabotage(Some(fault));
    let life = |seed: u64| catch_unwind(AssertUnwindSafe(|| Run::new(seed, false).live()));
    let found = (1..=SEEDS).find_map(|seed| {
        let broken = life(seed).ok()?.err().filter(|broken| broken.law == law)?;
        Some((seed, broken.how))
    });
    sabotage(None);
    found
}

#[test]
fn every_fault_that_was_seen_elsewhere_is_found() {
    let mut missed = Vec::new();
    for fault in Sabotage::ALL {
        let law = offended(fault);
        match find(fault, law) {
            Some((seed, how)) => eprintln!("{fault:?}: seed {seed} breaks {law:?}: {how}"),
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "no seed has found {missed:?}");
}
