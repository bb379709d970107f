//! What this node tells the others.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bellwire_hub::App;
use bellwire_hub::peers::{News, Peers, Saying};
use bellwire_protocol::{AppId, ChannelName};
use std::collections::{HashMap, HashSet};

use super::tray::{Line, Waiting};
use super::{Link, now_ms};
use crate::envelope::{Event, Payload};
use crate::roster::{Item, Roster, Told};

impl Peers for Link {
    fn tell(&self, news: News) {
        let News { app, what } = news;
        match what {
            Saying::Opens(held) => self.opens(held),
            Saying::Closes(channel) => self.closes(&self.subjects.channel(&app.id, &channel)),
            Saying::Event(event) => self.pass_on(&app, event),
            Saying::Listeners(channel, count) => self.say(&app.id, Told::Listeners(channel, count)),
            Saying::Joined(channel, member) => self.say(&app.id, Told::Joined(channel, member)),
            Saying::Left(channel, user) => self.say(&app.id, Told::Left(channel, user)),
            Saying::Online(user) => self.say(&app.id, Told::Online(user)),
            Saying::Offline(user) => self.say(&app.id, Told::Offline(user)),
            Saying::Terminate(user) => self.say(&app.id, Told::Terminate(user)),
        }
    }
}

impl Link {
    pub(super) fn say(&self, app: &AppId, what: Told) {
        let item = Item { app: app.clone(), what };
        self.tray.leave(|waiting| waiting.lines.push(Line::Item(item)));
    }

    /// An event goes to the nodes where somebody listens; one that is remembered goes to all.
    fn pass_on(&self, app: &App, event: bellwire_hub::peers::Event) {
        let bellwire_hub::peers::Event { channel, frame, except, traffic, stamp } = event;
        let subject = stamp.is_none().then(|| self.subjects.channel(&app.id, &channel));
        let message = frame.message();
        let payload =
            Payload::Event(Event { app: app.id.clone(), channel, message, except, traffic, stamp });
        match subject {
            // What did not go out is counted by the bus.
            Some(subject) => drop(self.send(&subject, payload)),
            None => drop(self.send_to_all(payload)),
        }
    }
}

/// What the thread knows of what was told.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// Connections of apps, as they were told last.
    connections: HashMap<AppId, u64>,
    /// When everything was told last.
    told_all: Option<Instant>,
    /// Whether everything is to be told: with the last events of cache channels?
    wants_all: Option<bool>,
}

/// Everything is told at most so often, however many ask.
const ALL_EVERY: Duration = Duration::from_millis(500);
/// Bytes of a message, roughly.
const MESSAGE_BYTES: usize = 32 << 10;
/// More items than this are many.
const MANY: usize = 64;

impl Telling {
    /// How many connections count toward the quotas of apps, for those where that has changed.
    pub(super) fn count(&mut self, link: &Link) {
        let mut lines = Vec::new();
        for app in link.apps.all() {
            let now = app.usage.connections.load(Ordering::Relaxed) as u64;
            let before = self.connections.get(&app.id).copied().unwrap_or(0);
            if now != before {
                self.connections.insert(app.id.clone(), now);
                lines.push(connections(&app, now));
            }
        }
        self.connections.retain(|_, count| *count > 0);
        link.tray.leave(|waiting| waiting.lines.append(&mut lines));
    }

    /// Tells what waits, and something in any case if it is time. Whether that was much.
    pub(super) fn tell(&mut self, link: &Link, waiting: Waiting, is_due: bool) -> bool {
        for (_, heard) in waiting.heard {
            if let super::tray::Heard::Word(crate::roster::Word::Again { with_cache }) = heard {
                self.wants_all = Some(with_cache || self.wants_all == Some(true));
            }
        }
        if waiting.is_back {
            self.wants_all.get_or_insert(false);
        }
        let is_rested = self.told_all.is_none_or(|told| told.elapsed() >= ALL_EVERY);
        if is_rested && let Some(with_cache) = self.wants_all.take() {
            self.told_all = Some(Instant::now());
            tell_all(link, with_cache);
        }
        let is_much = waiting.lines.len() > MANY;
        // Nobody misses that there is nothing to tell.
        if (is_due && link.is_up()) || !waiting.lines.is_empty() {
            messages(waiting.lines, |roster| {
                // What did not go out is a gap that the others notice.
                let _ = link.send_to_all(Payload::Roster(roster.encode()));
            });
        }
        is_much
    }
}

/// Leaves everything that is so at this node where changes are left, so that it is in order with
/// them.
fn tell_all(link: &Link, with_cache: bool) {
    let Some(hub) = link.hub() else { return };
    link.tray.leave(|waiting| waiting.lines.push(Line::Begins));
    link.tell_looks();
    for app in link.apps.all() {
        let now = app.usage.connections.load(Ordering::Relaxed) as u64;
        if now > 0 {
            link.tray.leave(|waiting| waiting.lines.push(connections(&app, now)));
        }
        hub.report(&app, &mut |news| link.tell(news));
        if with_cache {
            tell_cache(link, hub, &app);
        }
    }
    link.tray.leave(|waiting| waiting.lines.push(Line::Ends));
}

fn tell_cache(link: &Link, hub: &bellwire_hub::Hub, app: &Arc<App>) {
    for event in hub.cached_events(now_ms(), app) {
        let (message, stamp) = (event.frame.message(), event.stamp);
        let (channel, left_ms) = (event.channel, event.left_ms);
        link.say(&app.id, Told::Cached { channel, message, stamp, left_ms });
    }
}

fn connections(app: &App, count: u64) -> Line {
    Line::Item(Item { app: app.id.clone(), what: Told::Connections(count) })
}

/// Makes messages of lines: at least one. Of the counts of one channel only the last is told.
fn messages(lines: Vec<Line>, mut send: impl FnMut(Roster)) {
    let (mut roster, mut bytes) = (Roster::default(), 0);
    for line in without_old_counts(lines) {
        match line {
            Line::Begins => {
                if !roster.items.is_empty() {
                    send(std::mem::take(&mut roster));
                }
                roster.begins = true;
            }
            Line::Item(item) => {
                bytes += weight(&item);
                roster.items.push(item);
            }
            Line::Ends => roster.ends = true,
        }
        if bytes > MESSAGE_BYTES || roster.ends {
            bytes = 0;
            send(std::mem::take(&mut roster));
        }
    }
    send(roster);
}

/// About how many bytes an item needs.
fn weight(item: &Item) -> usize {
    const ITEM: usize = 64;
    match &item.what {
        Told::Cached { message, .. } => ITEM + message.len(),
        Told::Joined(_, member) => ITEM + member.info.as_deref().map_or(0, str::len),
        _ => ITEM,
    }
}

fn without_old_counts(lines: Vec<Line>) -> Vec<Line> {
    fn channel(line: &Line) -> Option<(&AppId, &ChannelName)> {
        match line {
            Line::Item(Item { app, what: Told::Listeners(channel, _) }) => Some((app, channel)),
            _ => None,
        }
    }
    let mut seen = HashSet::new();
    let is_last = |line: &Line| {
        channel(line).is_none_or(|(app, name)| seen.insert((app.clone(), name.clone())))
    };
    let keep: Vec<bool> = lines.iter().rev().map(is_last).collect();
    lines
        .into_iter()
        .zip(keep.into_iter().rev())
        .filter(|(_, keep)| *keep)
        .map(|(l, _)| l)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listeners(channel: &str, count: u32) -> Line {
        let what = Told::Listeners(channel.parse().unwrap(), count);
        Line::Item(Item { app: "1".parse().unwrap(), what })
    }

    fn told(lines: Vec<Line>) -> Vec<(bool, usize, bool)> {
        let mut told = Vec::new();
        messages(lines, |roster| told.push((roster.begins, roster.items.len(), roster.ends)));
        told
    }

    #[test]
    fn of_the_counts_of_a_channel_only_the_last_is_told() {
        let lines = vec![listeners("a", 1), listeners("b", 1), listeners("a", 2)];
        assert_eq!(without_old_counts(lines), [listeners("b", 1), listeners("a", 2)]);
    }

    #[test]
    fn everything_begins_and_ends_in_messages_of_its_own_and_there_is_always_one() {
        assert_eq!(told(Vec::new()), [(false, 0, false)]);
        let lines =
            vec![listeners("a", 1), Line::Begins, listeners("b", 1), Line::Ends, listeners("c", 1)];
        assert_eq!(told(lines), [(false, 1, false), (true, 1, true), (false, 1, false)]);
        let many: Vec<Line> = (0..2_000).map(|n| listeners(&format!("c{n}"), 1)).collect();
        assert!(told(many).len() > 2, "a message has a size");
    }
}
