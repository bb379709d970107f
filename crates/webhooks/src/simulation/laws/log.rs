//! Laws of the log: what is written there, when, and in which words.

use std::collections::{HashMap, HashSet};

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::{AppId, ChannelName};

use super::seen::Seen;
use super::{Law, Lawful};
use crate::event::{Event, Kind};
use crate::settle::{COUNT_EVERY_MS, COUNTS_AT_ONCE, SettleRules};

/// What is known of the logs.
#[derive(Debug)]
pub(in crate::simulation) struct LogLaws {
    seen: Seen,
    misses: HashMap<Place, Misses>,
    counts: HashMap<Place, Counts>,
    /// The bodies of client events that happened and are not in the log yet.
    said: HashSet<String>,
    /// Events that no endpoint needs to hear of.
    pub(in crate::simulation) quiet: HashSet<(AppId, u64)>,
    began_ms: u64,
}

type Place = (AppId, ChannelName);

#[derive(Debug, Default)]
struct Misses {
    last_ms: Option<u64>,
    /// Whether the engine has heard of one in this spell.
    is_told: bool,
    /// How many the log has to have yet.
    owed: u64,
    /// When a spell ended.
    ends_ms: Vec<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    /// What the last fact of this run said.
    fact: Option<usize>,
    /// What the log said last.
    logged: Option<usize>,
    /// When the log had a crowd last.
    crowd_ms: Option<u64>,
}

impl LogLaws {
    pub(in crate::simulation) fn new(rules: SettleRules) -> Self {
        Self {
            seen: Seen::new(rules),
            misses: HashMap::new(),
            counts: HashMap::new(),
            said: HashSet::new(),
            quiet: HashSet::new(),
            began_ms: 0,
        }
    }

    /// The engine hears of a fact.
    pub(in crate::simulation) fn told(&mut self, fact: &Fact, quietly: bool) {
        self.seen.told(fact, quietly);
        let place = (fact.app.clone(), fact.channel.clone());
        match &fact.what {
            What::CacheFilled => self.misses.entry(place).or_default().fills(fact.at_ms),
            What::Vacated => self.misses.entry(place).or_default().ends_ms.push(fact.at_ms),
            What::CacheMiss => self.misses.entry(place).or_default().is_told(),
            What::SubscriptionCount(count) => {
                self.counts.entry(place).or_default().fact = Some(*count);
            }
            What::ClientEvent { .. } => {
                self.said.insert(client_event(fact));
            }
            _ => {}
        }
    }

    pub(in crate::simulation) fn restarted(&mut self, now_ms: u64) {
        self.seen.restarted(now_ms);
        self.began_ms = now_ms;
        self.misses.clear();
        for counts in self.counts.values_mut() {
            (counts.fact, counts.crowd_ms) = (None, None);
        }
    }

    pub(in crate::simulation) fn closing(&mut self, now_ms: u64) {
        self.seen.closing(now_ms);
    }

    pub(in crate::simulation) fn forgotten(&mut self, now_ms: u64, app: &AppId) {
        self.seen.forgotten(now_ms, app);
        for ((other, _), misses) in &mut self.misses {
            if other == app {
                misses.fills(now_ms);
            }
        }
        for ((other, _), counts) in &mut self.counts {
            if other == app {
                counts.fact = None;
            }
        }
    }

    /// An event is on its way into the log.
    pub(in crate::simulation) fn announced(&mut self, event: &Event) -> Lawful {
        if self.seen.check(event)? {
            self.quiet.insert((event.app.clone(), event.seq));
        }
        match event.kind {
            // A channel that is vacated takes its throttle with it.
            Kind::Vacated => {
                let place = (event.app.clone(), event.channel.clone());
                self.counts.entry(place).or_default().crowd_ms = None;
            }
            Kind::CacheMiss => self.check_miss(event)?,
            Kind::SubscriptionCount => self.check_count(event)?,
            Kind::ClientEvent => {
                return Law::Wanted
                    .holds(self.said.remove(&*event.body), || format!("nobody said {event:?}"));
            }
            _ => {}
        }
        let is_so = self.is_worded(event);
        Law::Wanted.holds(is_so, || format!("not in Pusher's words: {event:?}"))
    }

    /// In the end the last count is told, and so is the first miss of every spell.
    pub(in crate::simulation) fn check_end(&self) -> Lawful {
        for ((_, channel), misses) in &self.misses {
            Law::Throttled.holds(misses.owed == 0, || format!("{channel}: {misses:?}"))?;
        }
        for ((_, channel), counts) in &self.counts {
            let is_told = counts.fact.is_none() || counts.fact == counts.logged;
            Law::Throttled.holds(is_told, || format!("{channel}: {counts:?}"))?;
        }
        Ok(())
    }

    fn check_miss(&mut self, event: &Event) -> Lawful {
        let place = (event.app.clone(), event.channel.clone());
        let misses = self.misses.entry(place).or_default();
        misses.owed = misses.owed.saturating_sub(1);
        let last_ms = misses.last_ms.replace(event.at_ms);
        let ends = |last: u64| misses.ends_ms.iter().any(|end| (last..=event.at_ms).contains(end));
        let is_new = last_ms.is_none_or(ends);
        Law::Throttled.holds(is_new, || format!("{event:?} again after {last_ms:?}"))
    }

    fn check_count(&mut self, event: &Event) -> Lawful {
        let place = (event.app.clone(), event.channel.clone());
        let counts = self.counts.entry(place).or_default();
        let count = count(event);
        counts.logged = count;
        if count.is_none_or(|count| count <= COUNTS_AT_ONCE) {
            return Ok(());
        }
        let last_ms = counts.crowd_ms.replace(event.at_ms);
        let is_time = last_ms.is_none_or(|last| event.at_ms >= last + COUNT_EVERY_MS);
        Law::Throttled.holds(is_time, || format!("{event:?} soon after {last_ms:?}"))
    }

    fn is_worded(&self, event: &Event) -> bool {
        let (name, channel) = (event.kind.name(), &event.channel);
        let expected = match (event.kind, &event.user) {
            (Kind::SubscriptionCount, None) => {
                let count = count(event).unwrap_or_default();
                format!(r#"{{"channel":"{channel}","name":"{name}","subscription_count":{count}}}"#)
            }
            (Kind::MemberAdded | Kind::MemberRemoved, Some(user)) => {
                format!(r#"{{"name":"{name}","channel":"{channel}","user_id":"{user}"}}"#)
            }
            _ => format!(r#"{{"name":"{name}","channel":"{channel}"}}"#),
        };
        *event.body == *expected
    }
}

impl Misses {
    /// The engine hears of a miss.
    fn is_told(&mut self) {
        self.owed += u64::from(!std::mem::replace(&mut self.is_told, true));
    }

    /// A spell is over.
    fn fills(&mut self, at_ms: u64) {
        self.ends_ms.push(at_ms);
        self.is_told = false;
    }
}

fn count(event: &Event) -> Option<usize> {
    let (_, count) = event.body.rsplit_once(':')?;
    count.trim_end_matches('}').parse().ok()
}

/// A client event in Pusher's words (contract 16.8).
pub(in crate::simulation) fn client_event(fact: &Fact) -> String {
    let What::ClientEvent { event, data, socket_id, user } = &fact.what else {
        return String::new();
    };
    let (channel, data) = (&fact.channel, serde_json::to_string(data).unwrap());
    let user = user.as_ref().map_or(String::new(), |user| format!(r#","user_id":"{user}""#));
    format!(
        r#"{{"name":"client_event","channel":"{channel}","event":"{event}","data":{data},"socket_id":"{socket_id}"{user}}}"#
    )
}
