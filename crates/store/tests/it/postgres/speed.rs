//! How many transitions are kept in a second, on whatever runs the tests: what it prints is for people,
//! and only what no machine could be so slow at fails.

use std::time::{Duration, Instant};

use bellwire_store::Durability;
use bellwire_testkit::postgres::{Postgres as Server, cpu_ms};
use bellwire_webhooks::batch::Outcome;
use bellwire_webhooks::outbox::{Outbox as _, Step, Transaction};

use super::Place;
use crate::contract::Place as _;
use crate::contract::things::*;
use bellwire_webhooks::ledger::Ledger as _;

/// What is measured.
#[derive(Debug, Clone, Copy)]
struct Load {
    /// Transactions.
    rounds: u64,
    /// Events of each.
    events: u64,
    /// Batches that are cut in each; as many end.
    batches: u64,
}

/// A quarter of the channels that there are comes or goes at a time.
const PARTS: u64 = 4;

/// The events of a round.
fn events(load: Load, round: u64) -> Vec<Step> {
    let (part, is_in) = (round % PARTS, (round / PARTS).is_multiple_of(2));
    let steps = (0..load.events).map(|nth| {
        let first = round * load.events;
        let (seq, name) = (first + nth + 1, format!("room-{}", part * load.events + nth));
        if is_in { occupied(seq, &name) } else { vacated(seq, &name) }
    });
    steps.collect()
}

/// What is delivered meanwhile: the batches of the round before end.
fn deliveries(load: Load, round: u64) -> Vec<Step> {
    let each = load.events / load.batches.max(1);
    let cuts = (0..load.batches).map(|nth| {
        let first = round * load.events + nth * each + 1;
        let seqs: Vec<u64> = (first..first + each).collect();
        cut(&batch(round * load.batches + nth + 1, "a", &format!("room-{nth}"), &seqs))
    });
    let ended = round.checked_sub(1).into_iter().flat_map(|before| {
        (0..load.batches)
            .map(move |nth| before * load.batches + nth + 1)
            .flat_map(|id| [attempted(id, 1), end(id, Outcome::Delivered, 9_000)])
    });
    cuts.chain(ended).collect()
}

fn transactions(load: Load) -> Vec<Transaction> {
    let all = (0..load.rounds).map(|round| {
        let steps = [events(load, round), deliveries(load, round)].concat();
        Transaction { number: round + 1, steps }
    });
    all.collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are for who asks for them")]
fn many_transitions_are_kept_in_a_second() {
    for (rounds, events, batches) in
        [(40, 1_000, 0), (40, 1_000, 64), (100, 100, 32), (200, 10, 5), (200, 1, 1)]
    {
        let load = Load { rounds, events, batches };
        let place = Place::new();
        place.store().put_endpoint(&endpoint("a")).unwrap();
        let mut outbox = place.store.outbox(Durability::Power).unwrap();
        let transactions = transactions(load);
        let before = (Instant::now(), Server::shared().cpu_ms(), cpu_ms());
        transactions.iter().for_each(|transaction| outbox.commit(transaction).unwrap());
        let took = before.0.elapsed();
        let per_second = (rounds * events) as f64 / took.as_secs_f64();
        println!(
            "{load:?}: {per_second:.0} transitions/s; {:?} a transaction; processor time of \
             PostgreSQL {} ms and of us {} ms in {took:?}",
            took / rounds as u32,
            Server::shared().cpu_ms() - before.1,
            cpu_ms() - before.2,
        );
        assert!(took < Duration::from_secs(30), "{took:?}");
    }
}
