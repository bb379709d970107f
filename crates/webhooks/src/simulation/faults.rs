//! Every fault that was seen elsewhere must be found: each is built in for once, and some seed must
//! break a law that it breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::laws::Broken;
use super::run::Run;
use crate::sabotage::{Sabotage, sabotage};

/// Seeds in which a fault has to show.
const SEEDS: u64 = 1_000;

/// What finds a fault: the first seed, and the law that it breaks.
fn find(fault: Sabotage) -> Option<(u64, Broken)> {
    sabotage(Some(fault));
    let life = |seed: u64| catch_unwind(AssertUnwindSafe(|| Run::new(seed, false).live()));
    let found = (1..=SEEDS).find_map(|seed| Some((seed, life(seed).ok()?.err()?)));
    sabotage(None);
    found
}

#[test]
fn every_fault_that_was_seen_elsewhere_is_found() {
    let mut missed = Vec::new();
    for fault in Sabotage::ALL {
        match find(fault) {
            Some((seed, broken)) => {
                eprintln!("{fault:?}: seed {seed} breaks {:?}: {}", broken.law, broken.how);
            }
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "no seed has found {missed:?}");
}
