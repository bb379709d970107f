//! What happens in a mixed load, and when.

use std::time::{Duration, Instant};

use clap::Args;

use crate::scenario::pace;

/// How often each thing happens, each second.
#[derive(Debug, Clone, Args)]
pub(super) struct Rates {
    /// Broadcasts per second, to the whole crowd.
    #[arg(long, default_value_t = 10)]
    broadcasts: u32,
    /// Events per second to small channels, one after the other.
    #[arg(long, default_value_t = 200)]
    publishes: u32,
    /// Client events per second, of all talkers together.
    #[arg(long, default_value_t = 200)]
    says: u32,
    /// Visits per second to presence rooms, each a coming and a going.
    #[arg(long, default_value_t = 20)]
    visits: u32,
    /// Wanderers that leave per second; a second later they are back.
    #[arg(long, default_value_t = 20)]
    leaves: u32,
}

/// Something that happens. The first four become deliveries and are the kinds that figures tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// An event for the whole crowd is published.
    Broadcast,
    /// An event for a small channel is published.
    Publish,
    /// A talker says a client event.
    Say,
    /// A visitor comes (even) or goes (odd).
    Visit,
    /// A wanderer leaves the channel.
    Leave,
    /// Its connection ends, and it comes back on another.
    Return,
}

/// Something that happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cue {
    /// When it is due.
    pub(super) at: Instant,
    /// What it is.
    pub(super) act: Act,
    /// Its place among those of its kind.
    pub(super) number: u32,
}

/// A stretch of load.
#[derive(Debug)]
pub(super) struct Script {
    /// Everything, in order.
    pub(super) cues: Vec<Cue>,
    /// How long it is.
    seconds: u32,
    /// How often each thing happens.
    rates: Rates,
}

impl Script {
    /// From a moment on that is near.
    pub(super) fn new(rates: &Rates, seconds: u32) -> Self {
        let mut script = Self { cues: Vec::new(), seconds, rates: rates.clone() };
        for act in [Act::Broadcast, Act::Publish, Act::Say, Act::Visit, Act::Leave] {
            let moments = pace::schedule(script.count(act) as usize, script.rate(act));
            let cue = |(number, at)| Cue { at, act, number: number as u32 };
            script.cues.extend(moments.into_iter().enumerate().map(cue));
        }
        let leaves = script.cues.iter().filter(|cue| cue.act == Act::Leave);
        let back = |cue: &Cue| Cue { at: cue.at + AWAY, act: Act::Return, ..*cue };
        let returns: Vec<Cue> = leaves.map(back).collect();
        script.cues.extend(returns);
        script.cues.sort_unstable();
        script
    }

    /// How many things of a kind happen.
    pub(super) fn count(&self, act: Act) -> u32 {
        self.rate(act) * self.seconds
    }

    /// When each thing of a kind is due.
    pub(super) fn due(&self, act: Act) -> Vec<Instant> {
        self.cues.iter().filter(|cue| cue.act == act).map(|cue| cue.at).collect()
    }

    fn rate(&self, act: Act) -> u32 {
        match act {
            Act::Broadcast => self.rates.broadcasts,
            Act::Publish => self.rates.publishes,
            Act::Say => self.rates.says,
            Act::Visit => 2 * self.rates.visits,
            Act::Leave | Act::Return => self.rates.leaves,
        }
    }
}

impl Act {
    /// The number that an event of this kind carries; no two kinds share one.
    pub(super) fn mark(self, number: u32) -> u32 {
        self as u32 * KIND + number
    }

    /// The kind and the number of what carries this mark.
    pub(super) fn of_mark(mark: u32) -> Option<(Self, u32)> {
        let act = KINDS.get((mark / KIND) as usize)?;
        Some((*act, mark % KIND))
    }
}

/// What becomes deliveries.
pub(super) const KINDS: [Act; 4] = [Act::Broadcast, Act::Publish, Act::Say, Act::Visit];
/// More than there are events of a kind in any run.
const KIND: u32 = 1_000_000_000;
/// How long a wanderer is away: long enough that what was under way when it left has come.
const AWAY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_happens_as_often_as_it_should_in_order() {
        let rates = Rates { broadcasts: 3, publishes: 5, says: 7, visits: 2, leaves: 1 };
        let script = Script::new(&rates, 2);
        assert!(script.cues.is_sorted());
        let acts = [Act::Broadcast, Act::Publish, Act::Say, Act::Visit, Act::Leave, Act::Return];
        let counts = acts.map(|act| script.due(act).len());
        assert_eq!(counts, [6, 10, 14, 8, 2, 2]);
    }

    #[test]
    fn whoever_leaves_is_back_a_second_later() {
        let rates = Rates { broadcasts: 0, publishes: 0, says: 0, visits: 0, leaves: 4 };
        let script = Script::new(&rates, 1);
        let away = script.due(Act::Return).into_iter().zip(script.due(Act::Leave));
        assert!(away.map(|(back, left)| back - left).all(|time| time == AWAY));
    }

    #[test]
    fn a_mark_tells_its_kind_and_number() {
        for act in KINDS {
            assert_eq!(Act::of_mark(act.mark(12)), Some((act, 12)));
        }
        assert_eq!(Act::of_mark(u32::MAX), None);
    }
}
