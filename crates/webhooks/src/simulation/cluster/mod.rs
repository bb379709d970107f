//! The life of a whole cluster from one seed: nodes with clients, feeds and clocks of their own, of
//! which one has the desk. They crash, freeze, lose the store, drain and come back, people change what
//! is written down and ask for replays as they do on one node, and in the end what was told is what
//! is so on all of them together. `BELLWIRE_CLUSTER_SEED=n` lives one seed and
//! says what happens, `BELLWIRE_CLUSTER_SEEDS=n` lives so many.

mod court;
mod desk;
mod ending;
mod feeding;
mod node;
mod records;
mod run;
mod steps;

use std::panic::{AssertUnwindSafe, catch_unwind};

use run::Run;

use super::faults;
use super::laws::Law;
use super::no_seed_ends_badly;
use crate::sabotage::{Sabotage, sabotage};

/// Seeds that have found a fault once.
const KNOWN_SEEDS: [u64; 8] = [188, 301, 343, 387, 555, 1149, 2246, 2963];
/// Seeds that are tried if nobody asks for more.
const SEEDS: u64 = 100;
/// Seeds in which a fault has to show.
const FAULT_SEEDS: u64 = 1_000;

#[test]
fn no_seed_breaks_a_law_of_a_cluster() {
    no_seed_ends_badly("BELLWIRE_CLUSTER_SEED", &KNOWN_SEEDS, SEEDS, |seed, is_traced| {
        let life = Run::new(seed, is_traced).live();
        life.map_err(|broken| format!("{:?}: {}", broken.law, broken.how))
    });
}

/// Faults of one node that are faults of a cluster too. The others cannot be built in there: the desk
/// of a cluster goes on when a node goes down, and what a former one has told is taken back by
/// what nodes say, for which there are faults of its own.
fn all_faults() -> impl Iterator<Item = Sabotage> {
    let of_one =
        |fault: &Sabotage| !matches!(fault, Sabotage::VacatedAtTheEnd | Sabotage::GhostsStay);
    Sabotage::OF_A_CLUSTER.into_iter().chain(Sabotage::ALL.into_iter().filter(of_one))
}

/// The law that a fault offends.
fn offended(fault: Sabotage) -> Law {
    match fault {
        Sabotage::EachForItself | Sabotage::NoHearing | Sabotage::HastyLeaves => Law::Grace,
        Sabotage::CountOfOne => Law::Throttled,
        Sabotage::NeverHeard => Law::Rest,
        Sabotage::DrainLeaves => Law::Closing,
        Sabotage::FencedSends => Law::Fenced,
        Sabotage::ForgottenWhenRead => Law::Complete,
        of_one => faults::offended(of_one),
    }
}

/// The seed that has found a fault before, so that it is tried first.
fn found_by(fault: Sabotage) -> u64 {
    match fault {
        Sabotage::RetellKeeps => 645,
        Sabotage::NoHearing => 29,
        Sabotage::NeverHeard => 13,
        Sabotage::SilentOverflow => 56,
        Sabotage::FencedSends => 42,
        Sabotage::ForgottenWhenRead => 118,
        Sabotage::NoRetry | Sabotage::RetryOnly5xx | Sabotage::RetryInMemory => 24,
        Sabotage::OneOfMany => 18,
        Sabotage::VacatedFirst => 19,
        Sabotage::GoneStays => 8,
        Sabotage::HastyLeaves | Sabotage::EarlyEnd => 6,
        Sabotage::LastCountLost => 3,
        Sabotage::SharedPermits => 7,
        Sabotage::NoOrder | Sabotage::CutAgain => 5,
        Sabotage::NoRest => 9,
        _ => 2,
    }
}

/// A seed in which a fault breaks a law, and what is broken.
fn find(fault: Sabotage, law: Law) -> Option<(u64, String)> {
    sabotage(Some(fault));
    let life = |seed: u64| catch_unwind(AssertUnwindSafe(|| Run::new(seed, false).live()));
    let found = [found_by(fault)].into_iter().chain(1..=FAULT_SEEDS).find_map(|seed| {
        let broken = life(seed).ok()?.err().filter(|broken| broken.law == law)?;
        Some((seed, broken.how))
    });
    sabotage(None);
    found
}

#[test]
fn every_fault_of_a_cluster_is_found() {
    let mut missed = Vec::new();
    for fault in all_faults() {
        let law = offended(fault);
        match find(fault, law) {
            Some((seed, how)) => eprintln!("{fault:?}: seed {seed} breaks {law:?}: {how}"),
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "no seed has found {missed:?}");
}
