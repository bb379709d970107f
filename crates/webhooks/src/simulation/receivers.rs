//! Those who are called: an endpoint answers as its mood is.

use super::chance::Chance;
use super::world::POISON;
use crate::attempt::{Answer, Failure};

/// A receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) mood: Mood,
}

/// How a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// It takes everything at once.
    Well,
    /// It takes everything, after seconds.
    Slow,
    /// 503.
    Unavailable,
    /// 503, and asks for a rest.
    Resting,
    /// 429, and asks for a rest.
    Busy,
    /// It takes it, then answers nothing.
    Silent,
    /// It does not answer.
    Dead,
    /// Nobody listens.
    Refusing,
    /// It redirects.
    Elsewhere,
    /// It refuses what it does not like.
    Choosy,
    /// 410.
    Gone,
}

/// How it takes one request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) is_accepted: bool,
    pub(super) after_ms: u64,
    pub(super) answer: Answer,
}

const UNWELL: [Mood; 10] = [
    Mood::Slow,
    Mood::Unavailable,
    Mood::Resting,
    Mood::Busy,
    Mood::Silent,
    Mood::Dead,
    Mood::Refusing,
    Mood::Elsewhere,
    Mood::Choosy,
    Mood::Choosy,
];

impl Mood {
    pub(super) fn any(chance: &mut Chance) -> Self {
        if chance.one_in(3) {
            return Self::Well;
        }
        if chance.one_in(15) { Self::Gone } else { chance.pick(&UNWELL) }
    }
}

impl Receiver {
    /// A request arrives.
    pub(super) fn receive(&self, events: &str, chance: &mut Chance) -> Reply {
        let fast = chance.between(1, 30);
        let rest_ms = chance.between(1, 30) * 1_000;
        match self.mood {
            Mood::Well => reply(fast, 200),
            Mood::Slow => reply(chance.between(1_000, 9_000), 204),
            Mood::Unavailable => reply(fast, 503),
            Mood::Resting => rests(reply(fast, 503), rest_ms),
            Mood::Busy => rests(reply(fast, 429), rest_ms),
            Mood::Silent => Reply { is_accepted: true, ..fails(10_000, Failure::Timeout) },
            Mood::Dead => fails(10_000, Failure::Timeout),
            Mood::Refusing => fails(1, Failure::Refused),
            Mood::Elsewhere => reply(fast, 302),
            Mood::Choosy if events.contains(POISON) => reply(fast, 400),
            Mood::Choosy => reply(fast, 200),
            Mood::Gone => reply(fast, 410),
        }
    }
}

fn reply(after_ms: u64, status: u16) -> Reply {
    let is_accepted = (200..300).contains(&status);
    let failure = (!is_accepted).then_some(Failure::Status);
    let duration_ms = after_ms as u32;
    let answer = Answer { duration_ms, status: Some(status), failure, ..Answer::default() };
    Reply { is_accepted, after_ms, answer }
}

fn rests(reply: Reply, rest_ms: u64) -> Reply {
    let answer = Answer { retry_after_ms: Some(rest_ms), ..reply.answer };
    Reply { answer, ..reply }
}

fn fails(after_ms: u64, failure: Failure) -> Reply {
    let duration_ms = after_ms as u32;
    let answer = Answer { duration_ms, failure: Some(failure), ..Answer::default() };
    Reply { is_accepted: false, after_ms, answer }
}
