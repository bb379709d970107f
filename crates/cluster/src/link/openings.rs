//! The channels that are open on this node, and since when the others are heard there.
//!
//! A subject is given up only some seconds after its last subscriber: who comes back at once finds it
//! ready, and a channel that opens and closes all the time costs the bus nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bellwire_hub::fact::Held;
use hashbrown::HashMap;

use super::{Link, count, lock};
use crate::subject::Subject;

/// The open subjects.
#[derive(Debug, Default)]
pub(super) struct Openings {
    open: HashMap<Subject, Opening, foldhash::fast::RandomState>,
    /// Since when somebody waits, in order; some of them do no more.
    slow: VecDeque<(Instant, Subject)>,
    /// When the last subscriber of a subject was gone, in order; some have others since.
    closed: VecDeque<(Instant, Subject)>,
}

#[derive(Debug, Default)]
struct Opening {
    /// Whether others are heard.
    is_ready: bool,
    /// Since when nobody listens.
    closed: Option<Instant>,
    /// Who waits for others to be heard.
    waiting: Vec<Held>,
}

/// How long a subscriber waits for the bus.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a subject without subscribers is listened to.
const LINGER: Duration = Duration::from_secs(3);

impl Openings {
    /// The first subscription of a channel; whether the bus has to be asked, and who need not wait.
    fn opens(&mut self, subject: &Subject, held: Held, is_up: bool) -> (bool, Option<Held>) {
        let is_new = !self.open.contains_key(subject);
        let opening = self.open.entry(subject.clone()).or_default();
        opening.closed = None;
        if opening.is_ready || !is_up {
            return (is_new, Some(held));
        }
        opening.waiting.push(held);
        self.slow.push_back((Instant::now(), subject.clone()));
        (is_new, None)
    }

    fn closes(&mut self, subject: &Subject) {
        let now = Instant::now();
        if let Some(opening) = self.open.get_mut(subject) {
            opening.closed = Some(now);
            opening.waiting.clear();
            self.closed.push_back((now, subject.clone()));
        }
    }

    fn is_ready(&mut self, subject: &str) -> Vec<Held> {
        let Some(opening) = self.open.get_mut(subject) else { return Vec::new() };
        opening.is_ready = true;
        std::mem::take(&mut opening.waiting)
    }

    /// Nobody is heard any more; who waited waits in vain.
    fn is_down(&mut self) -> Vec<Held> {
        self.slow.clear();
        let openings = self.open.values_mut();
        openings.for_each(|opening| opening.is_ready = false);
        self.open.values_mut().flat_map(|opening| opening.waiting.drain(..)).collect()
    }

    /// Who has waited for too long.
    fn late(&mut self) -> Vec<Held> {
        let mut late = Vec::new();
        while let Some((_, subject)) =
            self.slow.pop_front_if(|(since, _)| since.elapsed() > PATIENCE)
        {
            if let Some(opening) = self.open.get_mut(&subject) {
                late.append(&mut opening.waiting);
            }
        }
        late
    }

    /// What need not be heard any more.
    fn given_up(&mut self) -> Vec<Subject> {
        let mut given_up = Vec::new();
        while let Some((at, subject)) = self.closed.pop_front_if(|(at, _)| at.elapsed() > LINGER) {
            if self.open.get(&subject).is_some_and(|opening| opening.closed == Some(at)) {
                self.open.remove(&subject);
                given_up.push(subject);
            }
        }
        given_up
    }
}

impl Link {
    /// Somebody is the first here to subscribe to a channel.
    pub(super) fn opens(&self, held: Held) {
        let subject = self.subjects.channel(&held.app.id, &held.channel);
        let is_up = self.is_up();
        let (is_new, released) = lock(&self.openings).opens(&subject, held, is_up);
        if let Some(bus) = self.bus.get().filter(|_| is_new) {
            bus.subscribe(&subject);
        }
        if let Some(held) = released {
            self.tray.leave(|waiting| waiting.releases.push(held));
        }
    }

    /// The last one here has left a channel.
    pub(super) fn closes(&self, subject: &Subject) {
        lock(&self.openings).closes(subject);
    }

    /// Others are heard on a subject.
    pub(super) fn opened(&self, subject: &str) {
        let waited = lock(&self.openings).is_ready(subject);
        self.release(&waited);
    }

    /// Others are heard nowhere.
    pub(super) fn cut_off(&self) {
        let waited = lock(&self.openings).is_down();
        self.release_unheard(&waited);
    }

    /// Lets in who has waited for too long, and gives up what nobody listens to.
    pub(super) fn open_late(&self) {
        let late = lock(&self.openings).late();
        self.release_unheard(&late);
        for subject in lock(&self.openings).given_up() {
            if let Some(bus) = self.bus.get() {
                bus.unsubscribe(&subject);
            }
            self.losses.forget(subject.as_str());
        }
    }

    /// Lets in who need not wait for other nodes any more.
    pub(super) fn release(&self, waited: &[Held]) {
        let Some(hub) = self.hub() else { return };
        waited.iter().for_each(|held| hub.release(super::now_ms(), held));
    }

    fn release_unheard(&self, waited: &[Held]) {
        waited.iter().for_each(|_| count(&self.counts.unheard));
        self.release(waited);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::held;
    use super::*;
    use crate::subject::Subjects;

    #[test]
    fn who_comes_back_at_once_finds_the_subject_ready() {
        let mut openings = Openings::default();
        let held = held("room");
        let subject = Subjects::of("x").unwrap().channel(&held.app.id, &held.channel);
        assert!(matches!(openings.opens(&subject, held.clone(), true), (true, None)));
        assert_eq!(openings.is_ready(subject.as_str()).len(), 1);
        openings.closes(&subject);
        assert!(openings.given_up().is_empty());
        assert!(matches!(openings.opens(&subject, held.clone(), true), (false, Some(_))));
        assert_eq!(openings.is_down().len(), 0);
        assert!(matches!(openings.opens(&subject, held.clone(), false), (false, Some(_))));
        assert!(matches!(openings.opens(&subject, held, true), (false, None)), "not ready again");
        assert_eq!(openings.is_down().len(), 1);
    }
}
