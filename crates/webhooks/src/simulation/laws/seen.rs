//! Who was here and when, as the engine was told.

use std::collections::HashMap;

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::{AppId, ChannelName, UserId};

use super::{Law, Lawful};
use crate::event::{Event, Kind};
use crate::settle::SettleRules;

/// Channels and users on them, with their comings and goings.
#[derive(Debug)]
pub(super) struct Seen {
    rules: SettleRules,
    things: HashMap<Thing, Vec<Change>>,
    /// When this run began.
    began_ms: u64,
    /// When it was told to close.
    closing_ms: Option<u64>,
}

type Thing = (AppId, ChannelName, Option<UserId>);

#[derive(Debug, Clone, Copy)]
struct Change {
    at_ms: u64,
    is_here: bool,
    why: Why,
}

/// Why somebody is here or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It came or left.
    Fact,
    /// It was here before anybody wanted to know.
    Quietly,
    /// The server ended.
    Restart,
    /// Nobody wanted to know any more.
    Forgotten,
}

impl Seen {
    pub(super) fn new(rules: SettleRules) -> Self {
        Self { rules, things: HashMap::new(), began_ms: 0, closing_ms: None }
    }

    /// The engine hears of a fact.
    pub(super) fn told(&mut self, fact: &Fact, quietly: bool) {
        let (user, is_here) = match &fact.what {
            What::Occupied => (None, true),
            What::Vacated => (None, false),
            What::MemberAdded(user) => (Some(user.clone()), true),
            What::MemberRemoved(user) => (Some(user.clone()), false),
            _ => return,
        };
        let changes = self.things.entry((fact.app.clone(), fact.channel.clone(), user));
        let changes = changes.or_default();
        let is_news = changes.last().is_none_or(|last| last.is_here != is_here);
        if is_news {
            let why = if quietly { Why::Quietly } else { Why::Fact };
            changes.push(Change { at_ms: fact.at_ms, is_here, why });
        }
    }

    /// A run begins.
    pub(super) fn restarted(&mut self, now_ms: u64) {
        (self.began_ms, self.closing_ms) = (now_ms, None);
        for changes in self.things.values_mut() {
            changes.push(Change { at_ms: now_ms, is_here: false, why: Why::Restart });
        }
    }

    pub(super) fn closing(&mut self, now_ms: u64) {
        self.closing_ms = Some(now_ms);
    }

    /// Nobody wants to hear of an app any more.
    pub(super) fn forgotten(&mut self, now_ms: u64, app: &AppId) {
        let of_app = self.things.iter_mut().filter(|((other, ..), _)| other == app);
        for changes in of_app.map(|(_, changes)| changes) {
            if changes.last().is_some_and(|last| last.is_here) {
                changes.push(Change { at_ms: now_ms, is_here: false, why: Why::Forgotten });
            }
        }
    }

    /// Checks that an event says what was so; whether it was so before anybody wanted to know.
    pub(super) fn check(&self, event: &Event) -> Lawful<bool> {
        match event.kind {
            Kind::Occupied | Kind::MemberAdded => self.check_arrival(event),
            Kind::Vacated | Kind::MemberRemoved => self.check_leave(event).map(|()| false),
            _ => Ok(false),
        }
    }

    fn check_arrival(&self, event: &Event) -> Lawful<bool> {
        let here = self.at(event).find(|change| change.is_here || self.is_told_to_return(*change));
        match here {
            Some(change) => Ok(change.why == Why::Quietly),
            None => Law::Grace.broken(format!("nobody was there: {event:?}")),
        }
    }

    fn check_leave(&self, event: &Event) -> Lawful {
        let away = || self.at(event).filter(|change| !change.is_here);
        let may_tell =
            |change: Change| self.may_tell(change, event.at_ms) && !self.is_told_to_return(change);
        if away().any(may_tell) {
            return Ok(());
        }
        let is_told_to_return = away().any(|change| self.is_told_to_return(change));
        let law = if is_told_to_return { Law::Closing } else { Law::Grace };
        law.broken(format!("too early: {event:?}; {:?}", self.at(event).collect::<Vec<_>>()))
    }

    /// Whoever leaves a server that goes down has not left.
    fn is_told_to_return(&self, change: Change) -> bool {
        let is_closing = self.closing_ms.is_some_and(|closing_ms| change.at_ms >= closing_ms);
        is_closing && change.why == Why::Fact && !change.is_here
    }

    fn may_tell(&self, change: Change, at_ms: u64) -> bool {
        let SettleRules { grace_ms, reconnect_ms } = self.rules;
        match change.why {
            Why::Restart => at_ms >= self.began_ms + grace_ms + reconnect_ms,
            _ => at_ms >= change.at_ms + grace_ms,
        }
    }

    /// What held when an event was announced: before that millisecond and in it.
    fn at(&self, event: &Event) -> impl Iterator<Item = Change> {
        let user = match event.kind {
            Kind::MemberAdded | Kind::MemberRemoved => event.user.clone(),
            _ => None,
        };
        let thing = (event.app.clone(), event.channel.clone(), user);
        let changes = self.things.get(&thing).map_or(&[][..], Vec::as_slice);
        let at_ms = event.at_ms;
        let first = changes.iter().rposition(|change| change.at_ms < at_ms).unwrap_or(0);
        changes[first..].iter().copied().take_while(move |change| change.at_ms <= at_ms)
    }
}
