//! How long threads wait for each other's shards, on a machine with 64 of them: simulated in virtual
//! time, since nobody's test machine has 64.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

/// Threads that carry commands to the hub without a pause.
const THREADS: usize = 64;
/// Commands of each.
const COMMANDS: usize = 2_000;
/// What a command costs outside of its shard, in nanoseconds: the request of a publish is read,
/// verified and answered in 12 µs; a client event is read and decoded in 2 µs.
const PUBLISH_NS: u64 = 12_000;
const CLIENT_EVENT_NS: u64 = 2_000;
/// How long it holds its shard: a thousand instructions, and a line of each worker's inbox that comes
/// from another core.
const HELD_NS: u64 = 500;

/// The share of the threads' time that they wait for a shard, each command on a channel of its own
/// choice.
fn waiting(shards: usize, outside_ns: u64) -> f64 {
    let hasher = foldhash::fast::FixedState::with_seed(7);
    let mut free_at = vec![0; shards];
    let mut threads: BinaryHeap<_> =
        (0..THREADS).map(|thread| Reverse((thread as u64 * 100, thread, 0))).collect();
    let (mut waited, mut worked) = (0, 0);
    while let Some(Reverse((now, thread, done))) = threads.pop() {
        let channel: ChannelName = format!("room-{}", thread * COMMANDS + done).parse().unwrap();
        let shard = (hasher.hash_one((1_u32, &channel)) >> 24) as usize % shards;
        let begins = now.max(free_at[shard]);
        waited += begins - now;
        worked += HELD_NS + outside_ns;
        free_at[shard] = begins + HELD_NS;
        if done + 1 < COMMANDS {
            threads.push(Reverse((begins + HELD_NS + outside_ns, thread, done + 1)));
        }
    }
    waited as f64 / (waited + worked) as f64
}

#[test]
fn sixty_four_threads_hardly_wait_for_each_other() {
    assert!(waiting(SHARDS, PUBLISH_NS) < 0.01);
    assert!(waiting(SHARDS, CLIENT_EVENT_NS) < 0.05);
}

#[test]
fn with_one_shard_they_would_do_little_else() {
    assert!(waiting(1, PUBLISH_NS) > 0.5);
}
