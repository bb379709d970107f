//! What is said, when it is due or as fast as it is answered: signed requests, and frames.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::Client;
use crate::histogram::Histogram;
use crate::report::{Figure, figure};
use crate::scenario::meter::Used;
use crate::scenario::tally::Tally;
use crate::socket::Hearer;

/// What came of a stream of events.
pub(super) struct Streamed {
    /// Deliveries and answers.
    pub(super) tally: Tally,
    /// From due to sent: how late the generator itself was.
    pub(super) lateness: Histogram,
}

/// Sends each request when it is due, and waits for all deliveries or until nothing moves. The events
/// of requests carry their place as number.
///
/// # Errors
/// When the server cannot be driven.
pub(super) fn stream(
    client: &mut Client,
    rate: u32,
    requests: &[Vec<u8>],
    deliveries: u64,
) -> Result<Streamed> {
    let due = schedule(requests.len(), rate);
    let mut tally = Tally::new(client.added(), due.clone());
    let mut lateness = Histogram::new();
    let mut waiting: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    while next < due.len() || !waiting.is_empty() || tally.delivered < deliveries {
        let now = Instant::now();
        while next < due.len() && due[next] <= now {
            waiting.push_back(next);
            next += 1;
        }
        while let Some(publisher) = client.free_publisher() {
            let Some(number) = waiting.pop_front() else {
                break;
            };
            lateness.record(Instant::now() - due[number]);
            client.publish(publisher, &requests[number])?;
        }
        if let Some(at) = due.get(next) {
            client.wake_at(*at)?;
        } else if tally.nothing_for(PATIENCE) {
            break;
        }
        client.turn(Duration::from_millis(200), &mut tally)?;
    }
    Ok(Streamed { tally, lateness })
}

/// `count` moments, so many each second, from a moment on that is near.
pub(super) fn schedule(count: usize, rate: u32) -> Vec<Instant> {
    let start = Instant::now() + Duration::from_millis(20);
    let rate = rate.max(1);
    let whole = |number: u64| Duration::from_secs(number / u64::from(rate));
    let part = |number: u64| Duration::from_secs(number % u64::from(rate)) / rate;
    (0..count as u64).map(|number| start + whole(number) + part(number)).collect()
}

/// Has each thing said when it is due, and waits for so many deliveries or until nothing moves; tells
/// how late they were said.
///
/// # Errors
/// When the poll fails.
pub(super) fn say_when_due<H: Hearer + AsRef<Tally>>(
    client: &mut Client,
    due: &[Instant],
    deliveries: u64,
    hearer: &mut H,
    mut say: impl FnMut(&mut Client, usize, &mut H),
) -> Result<Histogram> {
    let mut lateness = Histogram::new();
    let mut next = 0;
    while next < due.len() || hearer.as_ref().delivered < deliveries {
        while next < due.len() && due[next] <= Instant::now() {
            lateness.record(due[next].elapsed());
            say(client, next, hearer);
            next += 1;
        }
        if let Some(at) = due.get(next) {
            client.wake_at(*at)?;
        } else if hearer.as_ref().nothing_for(PATIENCE) {
            break;
        }
        client.turn(Duration::from_millis(200), hearer)?;
    }
    Ok(lateness)
}

impl Streamed {
    pub(super) fn figures(&self, used: &Used, lost: u64) -> Vec<Figure> {
        let tally = &self.tally;
        // What nothing was recorded of has no percentile: compressed messages keep their number.
        let at = |of: &Histogram, share| (!of.is_empty()).then(|| of.percentile_ms(share));
        let latency = |share| at(&tally.latency, share);
        let per_second = tally.delivered as f64 / used.took.as_secs_f64();
        let mut figures = costs(tally.delivered, lost, used);
        figures.extend([
            figure("deliveries_per_s", "deliveries", "/s", per_second),
            figure("latency_p50_ms", "latency p50", "ms", latency(0.5)),
            figure("latency_p90_ms", "latency p90", "ms", latency(0.9)),
            figure("latency_p99_ms", "latency p99", "ms", latency(0.99)),
            figure("latency_p999_ms", "latency p99.9", "ms", latency(0.999)),
            figure("latency_max_ms", "latency max", "ms", latency(1.0)),
            figure("accept_p99_ms", "publish answered p99", "ms", at(&tally.accepting, 0.99)),
            figure("late_p99_ms", "generator late p99", "ms", at(&self.lateness, 0.99)),
        ]);
        figures.extend(crowd(used));
        figures
    }
}

/// What came of requests without a pause.
pub(super) struct Pressed {
    /// Deliveries and answers.
    pub(super) tally: Tally,
    /// How many requests went out.
    pub(super) sent: u64,
}

/// Sends one request after another, from the first again after the last, without a pause for `time`;
/// then waits for what is under way. `deliveries` tells how many so many requests are to become.
///
/// # Errors
/// When the server cannot be driven.
pub(super) fn press(
    client: &mut Client,
    requests: &[Vec<u8>],
    deliveries: impl Fn(u64) -> u64,
    time: Duration,
) -> Result<Pressed> {
    let mut tally = Tally::new(client.added(), Vec::new());
    let until = Instant::now() + time;
    let mut turns = requests.iter().cycle();
    let mut sent = 0;
    loop {
        let publishing = Instant::now() < until && tally.refused.is_none();
        while publishing && let Some(publisher) = client.free_publisher() {
            let Some(request) = turns.next() else { break };
            client.publish(publisher, request)?;
            sent += 1;
        }
        let done = !publishing && tally.accepted == sent && tally.delivered >= deliveries(sent);
        if done || tally.nothing_for(PATIENCE) {
            return Ok(Pressed { tally, sent });
        }
        client.turn(Duration::from_millis(100), &mut tally)?;
    }
}

impl Pressed {
    pub(super) fn figures(&self, used: &Used, lost: u64) -> Vec<Figure> {
        let (tally, seconds) = (&self.tally, used.took.as_secs_f64());
        let accepting = |share| tally.accepting.percentile_ms(share);
        let mut figures = costs(tally.delivered, lost, used);
        figures.extend([
            figure("requests_per_s", "requests accepted", "/s", tally.accepted as f64 / seconds),
            figure("deliveries_per_s", "deliveries", "/s", tally.delivered as f64 / seconds),
            figure("accept_p50_ms", "publish answered p50", "ms", accepting(0.5)),
            figure("accept_p99_ms", "publish answered p99", "ms", accepting(0.99)),
        ]);
        figures.extend(crowd(used));
        figures
    }
}

/// What each delivery cost.
pub(super) fn costs(delivered: u64, lost: u64, used: &Used) -> Vec<Figure> {
    let (server, own) = (used.server_us_each(delivered), used.own_us_each(delivered));
    vec![
        figure("delivered", "deliveries", "", delivered as f64),
        figure("lost", "lost", "", lost as f64),
        figure("server_cpu_us", "server CPU per delivery", "µs", server),
        figure("client_cpu_us", "client CPU per delivery", "µs", own),
    ]
}

/// How crowded the machine was.
pub(super) fn crowd(used: &Used) -> [Figure; 2] {
    [
        figure("server_waited_ms", "server waited for a CPU", "ms", used.server_waited_ms()),
        figure("others_percent", "others on the machine", "%", used.others_percent),
    ]
}

/// How long nothing may arrive before what is missing counts as lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_schedule_keeps_its_rate_to_the_end() {
        let due = schedule(700_001, 7);
        assert_eq!(due[7] - due[0], Duration::from_secs(1));
        assert_eq!(due[700_000] - due[0], Duration::from_secs(100_000));
    }
}
