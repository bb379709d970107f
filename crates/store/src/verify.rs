//! Checks what the stores promise: that every log alternates and agrees with what is announced, and
//! that no event is in two batches of a lane. A store reads, and tells it here.
//!
//! A sweep takes from every lane its oldest events. So of what was announced before the oldest event
//! that a lane still has, nothing is known, and the first event of a channel or of a member may be
//! of either kind.

mod channel;
mod lanes;

use std::collections::HashMap;

use bellwire_webhooks::event::{Event, LANES, lane_of};
use bellwire_webhooks::ledger::Verdict;
use bellwire_webhooks::outbox::Announced;

use channel::Channel;
pub(crate) use lanes::Lanes;

/// Sentences of a verdict at most.
pub(crate) const BROKEN_MAX: usize = 100;

/// What the log of an app says: first all of it is heard, then what is announced is compared with it.
pub(crate) struct Log {
    app: String,
    channels: HashMap<String, Channel>,
    /// The place of the oldest event of each lane.
    oldest: [Option<u64>; LANES as usize],
    /// The last place that is taken.
    last_seq: u64,
    /// The last channel that was announced; its members follow it.
    announced: Option<String>,
}

impl Log {
    /// The log of an app, of which so many places are taken.
    pub(crate) fn of(app: &str, last_seq: u64) -> Self {
        Self {
            app: app.to_owned(),
            channels: HashMap::new(),
            oldest: [None; LANES as usize],
            last_seq,
            announced: None,
        }
    }

    /// The next event, and the lane in which it stands.
    pub(crate) fn hear(&mut self, event: &Event, lane: u8, verdict: &mut Verdict) {
        verdict.events += 1;
        let Event { app, seq, channel: name, .. } = event;
        let mut report = |what: String| {
            report(&mut verdict.broken, || {
                format!("app {app}, channel {name}, place {seq}: {what}")
            });
        };
        if lane != event.lane() {
            report(format!("it stands in lane {lane}, not in {}", event.lane()));
        }
        if *seq > self.last_seq {
            report(format!("the log is said to end at {}", self.last_seq));
        }
        self.oldest[usize::from(event.lane())].get_or_insert(*seq);
        let channel = self.channels.entry(name.as_str().to_owned()).or_default();
        if let Err(what) = channel.hear(event) {
            report(what);
        }
    }

    /// The next of what is announced, in the order of channels and of users.
    pub(crate) fn compare(&mut self, announced: &Announced, verdict: &mut Verdict) {
        verdict.announced += 1;
        let name = announced.channel.as_str();
        let channel = self.channels.get_mut(name);
        let said = channel.and_then(|channel| channel.take(&announced.user));
        let what = differs(announced, said, self);
        if announced.user.is_none() {
            self.announced = Some(name.to_owned());
        }
        let subject = Subject { app: &self.app, channel: name, user: announced.user.as_ref() };
        if self.announced.as_deref() != Some(name) {
            report(&mut verdict.broken, || format!("{subject}: announced, but not its channel"));
        }
        if let Some(what) = what {
            report(&mut verdict.broken, || format!("{subject}: {what}"));
        }
    }

    /// All that is announced was heard: what the log says is here, and nobody has announced.
    pub(crate) fn end(&self, verdict: &mut Verdict) {
        for (name, channel) in &self.channels {
            for (user, seq) in channel.left() {
                let subject = Subject { app: &self.app, channel: name, user };
                report(&mut verdict.broken, || {
                    format!(
                        "{subject}: the log says at {seq} that it is here, but it is not announced"
                    )
                });
            }
        }
    }

    /// Whether the event at a place of a channel's lane may have been swept away.
    fn may_be_swept(&self, announced: &Announced) -> bool {
        let oldest = self.oldest[usize::from(lane_of(announced.channel.as_str()))];
        announced.seq < oldest.unwrap_or(self.last_seq + 1)
    }
}

/// What the log said last of something: whether it is here, and at which place.
type Said = Option<(bool, u64)>;

fn differs(announced: &Announced, said: Said, log: &Log) -> Option<String> {
    let seq = announced.seq;
    match said {
        Some((true, last)) if last == seq => None,
        Some((true, last)) => Some(format!("announced at {seq}, but the log says at {last}")),
        Some((false, last)) => Some(format!("announced at {seq}, but taken back at {last}")),
        None if log.may_be_swept(announced) => None,
        None => Some(format!("announced at {seq}, where the log has no such event")),
    }
}

/// A channel or a member of one, in sentences.
struct Subject<'a> {
    app: &'a str,
    channel: &'a str,
    user: Option<&'a bellwire_protocol::UserId>,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "app {}, channel {}", self.app, self.channel)?;
        self.user.map_or(Ok(()), |user| write!(f, ", user {user}"))
    }
}

/// Adds a sentence, while there is room for it.
fn report(broken: &mut Vec<String>, sentence: impl FnOnce() -> String) {
    if broken.len() < BROKEN_MAX {
        broken.push(sentence());
    }
}
