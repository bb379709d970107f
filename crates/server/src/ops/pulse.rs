//! How endpoints have done of late: their attempts by the minute, for an hour, and what waits for
//! them. It is kept in memory: after a start it begins anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bellwire_webhooks::engine::Queue;
use bellwire_webhooks::ids::EndpointId;

/// The pulses of all endpoints that did anything within the hour.
#[derive(Debug, Default)]
pub(crate) struct Pulses {
    pulses: Mutex<HashMap<EndpointId, Pulse>>,
    queues: Mutex<Vec<Queue>>,
}

/// Minutes that are remembered.
pub(crate) const MINUTES: u64 = 60;
/// Classes of durations: class `n` holds those below 2^n milliseconds, the last all others.
const CLASSES: usize = 16;
const MINUTE_MS: u64 = 60_000;

/// One endpoint's last hour, newest last.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pulse {
    minutes: Vec<Minute>,
}

/// One minute in which something was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Minute {
    /// Which, in minutes since the epoch.
    number: u64,
    /// Attempts that were accepted.
    accepted: u32,
    /// Attempts that failed.
    failed: u32,
    /// Attempts by how long they took.
    took: [u32; CLASSES],
}

impl Minute {
    /// When it began, in milliseconds since the epoch.
    pub(crate) fn at_ms(&self) -> u64 {
        self.number * MINUTE_MS
    }

    /// Attempts that were accepted and that failed.
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.accepted, self.failed)
    }
}

impl Pulses {
    /// An attempt has ended.
    pub(crate) fn beat(&self, endpoint: &EndpointId, now_ms: u64, accepted: bool, took_ms: u32) {
        let mut pulses = lock(&self.pulses);
        match pulses.get_mut(endpoint) {
            Some(pulse) => pulse.beat(now_ms, accepted, took_ms),
            None => {
                pulses.retain(|_, pulse| pulse.is_alive(now_ms));
                let mut pulse = Pulse::default();
                pulse.beat(now_ms, accepted, took_ms);
                pulses.insert(endpoint.clone(), pulse);
            }
        }
    }

    /// What waits now.
    pub(crate) fn wait(&self, queues: &[Queue]) {
        let mut known = lock(&self.queues);
        known.clear();
        known.extend_from_slice(queues);
    }

    /// How an endpoint has done within the hour.
    pub(crate) fn of(&self, endpoint: &EndpointId, now_ms: u64) -> Pulse {
        let mut pulse = lock(&self.pulses).get(endpoint).cloned().unwrap_or_default();
        pulse.forget(now_ms);
        pulse
    }

    /// What waits for an endpoint, if anything does or it is not well.
    pub(crate) fn queue(&self, endpoint: &EndpointId) -> Option<Queue> {
        lock(&self.queues).iter().find(|queue| queue.endpoint == *endpoint).cloned()
    }
}

impl Pulse {
    fn beat(&mut self, now_ms: u64, accepted: bool, took_ms: u32) {
        let number = now_ms / MINUTE_MS;
        if self.minutes.last().is_none_or(|last| last.number < number) {
            self.forget(now_ms);
            self.minutes.push(Minute { number, ..Minute::default() });
        }
        // A clock that was set back goes on in the last minute.
        let Some(minute) = self.minutes.last_mut() else { return };
        match accepted {
            true => minute.accepted += 1,
            false => minute.failed += 1,
        }
        let class = (u32::BITS - took_ms.leading_zeros()) as usize;
        minute.took[class.min(CLASSES - 1)] += 1;
    }

    fn forget(&mut self, now_ms: u64) {
        let first = (now_ms / MINUTE_MS + 1).saturating_sub(MINUTES);
        self.minutes.retain(|minute| minute.number >= first);
    }

    fn is_alive(&self, now_ms: u64) -> bool {
        self.minutes.last().is_some_and(|last| last.number + MINUTES > now_ms / MINUTE_MS)
    }

    /// The minutes in which something was sent, oldest first.
    pub(crate) fn minutes(&self) -> &[Minute] {
        &self.minutes
    }

    /// Attempts that were accepted, of how many.
    pub(crate) fn accepted(&self) -> (u64, u64) {
        self.minutes.iter().fold((0, 0), |(accepted, all), minute| {
            let good = u64::from(minute.accepted);
            (accepted + good, all + good + u64::from(minute.failed))
        })
    }

    /// The duration below which this share of the attempts stayed, in milliseconds: the upper end of
    /// its class.
    pub(crate) fn took_ms(&self, percent: u64) -> Option<u64> {
        let class = |n: usize| self.minutes.iter().map(|m| u64::from(m.took[n])).sum::<u64>();
        let counts: Vec<u64> = (0..CLASSES).map(class).collect();
        let wanted = (counts.iter().sum::<u64>() * percent).div_ceil(100);
        let mut seen = 0;
        let found = counts.iter().position(|count| {
            seen += count;
            seen >= wanted && wanted > 0
        });
        found.map(|class| 1 << class)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(id: &str) -> EndpointId {
        id.parse().unwrap()
    }

    #[test]
    fn an_hour_is_remembered_by_the_minute() {
        let pulses = Pulses::default();
        let one = endpoint("ep_1");
        for minute in 0..70 {
            pulses.beat(&one, minute * MINUTE_MS, minute % 2 == 0, 10);
        }
        let pulse = pulses.of(&one, 69 * MINUTE_MS);
        assert_eq!(pulse.minutes().len(), 60);
        assert_eq!(pulse.minutes()[0].at_ms(), 10 * MINUTE_MS);
        assert_eq!(pulse.accepted(), (30, 60));
        assert_eq!(pulses.of(&one, 200 * MINUTE_MS).accepted(), (0, 0));
    }

    #[test]
    fn durations_are_told_by_their_class() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.took_ms(50), None);
        for took_ms in [0, 1, 3, 3, 3, 3, 3, 3, 3, 900_000] {
            pulse.beat(0, true, took_ms);
        }
        assert_eq!(pulse.took_ms(50), Some(4));
        assert_eq!(pulse.took_ms(95), Some(32_768), "the last class holds all others");
    }

    #[test]
    fn endpoints_that_sleep_are_forgotten_and_a_clock_may_go_back() {
        let pulses = Pulses::default();
        pulses.beat(&endpoint("ep_1"), 0, true, 1);
        pulses.beat(&endpoint("ep_2"), 100 * MINUTE_MS, true, 1);
        pulses.beat(&endpoint("ep_2"), 50 * MINUTE_MS, true, 1);
        assert_eq!(lock(&pulses.pulses).len(), 1);
        assert_eq!(pulses.of(&endpoint("ep_2"), 100 * MINUTE_MS).accepted(), (2, 2));
    }
}
