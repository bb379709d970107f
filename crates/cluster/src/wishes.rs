//! Which subjects are wanted, which are held, and what has to be asked of the engine so that the two
//! meet. Wishes that change faster than the engine answers melt into one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use tokio::sync::Notify;

use crate::line::{Ear, Line};
use crate::subject::Subject;

/// The wishes, and how far they are fulfilled.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    state: Mutex<State>,
    /// Wakes whoever fulfils them.
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    wishes: HashMap<Subject, Wish, RandomState>,
    /// Those with something to do, each once.
    due: VecDeque<Subject>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Wish {
    is_wanted: bool,
    /// Whether the engine was asked for it, on this connection.
    is_held: bool,
    is_due: bool,
}

/// What is to be done next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Errand {
    /// Ask for these.
    pub(crate) subscribe: Vec<Subject>,
    /// Let these go.
    pub(crate) unsubscribe: Vec<Subject>,
    /// These were wanted again and are still held.
    pub(crate) ready: Vec<Subject>,
}

impl Errand {
    /// What was asked for is so: what is still wanted is ready.
    pub(crate) fn settled(&self, line: &Line, ear: &Ear) {
        for subject in self.subscribe.iter().chain(&self.ready) {
            if line.wishes.wants(subject.as_str()) {
                ear.ready(subject.as_str());
            }
        }
    }
}

impl Wishes {
    /// This is wanted.
    pub(crate) fn want(&self, subject: &Subject) {
        let mut state = self.state();
        let wish = state.wishes.entry(subject.clone()).or_default();
        wish.is_wanted = true;
        state.make_due(subject);
        drop(state);
        self.came.notify_one();
    }

    /// This is not wanted any more.
    pub(crate) fn let_go(&self, subject: &Subject) {
        let mut state = self.state();
        let Some(wish) = state.wishes.get_mut(subject) else { return };
        wish.is_wanted = false;
        state.make_due(subject);
        drop(state);
        self.came.notify_one();
    }

    /// Whether this is wanted now.
    pub(crate) fn wants(&self, subject: &str) -> bool {
        self.state().wishes.get(subject).is_some_and(|wish| wish.is_wanted)
    }

    /// Everything that is wanted.
    pub(crate) fn wanted(&self) -> Vec<Subject> {
        let state = self.state();
        let wanted = state.wishes.iter().filter(|(_, wish)| wish.is_wanted);
        wanted.map(|(subject, _)| subject.clone()).collect()
    }

    /// The engine let go of a subject by itself; if it is wanted, it is asked for again.
    pub(crate) fn taken_away(&self, subject: &str) {
        let mut state = self.state();
        let Some((subject, wish)) = state.wishes.get_key_value(subject) else { return };
        if !wish.is_wanted {
            return;
        }
        let subject = subject.clone();
        if let Some(wish) = state.wishes.get_mut(&subject) {
            wish.is_held = false;
        }
        state.make_due(&subject);
        drop(state);
        self.came.notify_one();
    }

    /// A new connection: nothing is held, everything that is wanted has to be asked for.
    pub(crate) fn begin_anew(&self) {
        let mut state = self.state();
        state.wishes.retain(|_, wish| wish.is_wanted);
        for wish in state.wishes.values_mut() {
            *wish = Wish { is_wanted: true, is_held: false, is_due: true };
        }
        state.due = state.wishes.keys().cloned().collect();
        drop(state);
        self.came.notify_one();
    }

    /// Waits until there is something to do, and takes the first of it. It counts as done.
    pub(crate) async fn errand(&self) -> Errand {
        loop {
            let came = self.came.notified();
            if let Some(errand) = self.state().take() {
                return errand;
            }
            came.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_due(&mut self, subject: &Subject) {
        if let Some(wish) = self.wishes.get_mut(subject)
            && !wish.is_due
        {
            wish.is_due = true;
            self.due.push_back(subject.clone());
        }
    }

    fn take(&mut self) -> Option<Errand> {
        if self.due.is_empty() {
            return None;
        }
        let mut errand = Errand::default();
        for _ in 0..self.due.len().min(GROUP) {
            if let Some(subject) = self.due.pop_front() {
                self.add(subject, &mut errand);
            }
        }
        Some(errand)
    }

    fn add(&mut self, subject: Subject, errand: &mut Errand) {
        let Some(wish) = self.wishes.get_mut(&subject) else { return };
        wish.is_due = false;
        match (wish.is_wanted, wish.is_held) {
            (true, true) => errand.ready.push(subject),
            (true, false) => {
                wish.is_held = true;
                errand.subscribe.push(subject);
            }
            (false, is_held) => {
                self.wishes.remove(&subject);
                if is_held {
                    errand.unsubscribe.push(subject);
                }
            }
        }
    }
}

/// How many are asked for at once.
const GROUP: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Subjects;

    fn subject(id: u64) -> Subject {
        Subjects::of("test").unwrap().node(id)
    }

    fn errand(wishes: &Wishes) -> Errand {
        wishes.state().take().unwrap_or_default()
    }

    #[test]
    fn what_is_wanted_is_asked_for_once_and_then_let_go() {
        let wishes = Wishes::default();
        let one = subject(1);
        wishes.want(&one);
        wishes.want(&one);
        assert_eq!(errand(&wishes).subscribe, std::slice::from_ref(&one));
        assert_eq!(errand(&wishes), Errand::default());
        wishes.let_go(&one);
        assert_eq!(errand(&wishes).unsubscribe, [one]);
        assert!(wishes.state().wishes.is_empty());
    }

    #[test]
    fn a_wish_that_was_withdrawn_before_it_was_asked_costs_nothing() {
        let wishes = Wishes::default();
        wishes.want(&subject(1));
        wishes.let_go(&subject(1));
        assert_eq!(errand(&wishes), Errand::default());
        wishes.let_go(&subject(2));
        assert!(wishes.state().wishes.is_empty());
    }

    #[test]
    fn what_is_wanted_again_before_it_was_let_go_is_ready_at_once() {
        let wishes = Wishes::default();
        wishes.want(&subject(1));
        errand(&wishes);
        wishes.let_go(&subject(1));
        wishes.want(&subject(1));
        assert_eq!(errand(&wishes), Errand { ready: vec![subject(1)], ..Errand::default() });
    }

    #[test]
    fn a_new_connection_holds_nothing() {
        let wishes = Wishes::default();
        for id in 0..3 {
            wishes.want(&subject(id));
        }
        errand(&wishes);
        wishes.let_go(&subject(0));
        wishes.begin_anew();
        let mut asked = errand(&wishes).subscribe;
        asked.sort();
        assert_eq!(asked, [subject(1), subject(2)]);
    }

    #[test]
    fn what_the_engine_took_away_is_asked_for_again_if_it_is_wanted() {
        let wishes = Wishes::default();
        wishes.want(&subject(1));
        errand(&wishes);
        wishes.taken_away(subject(1).as_str());
        assert_eq!(errand(&wishes).subscribe, [subject(1)]);
        wishes.let_go(&subject(1));
        wishes.taken_away(subject(1).as_str());
        assert_eq!(errand(&wishes).unsubscribe, [subject(1)]);
    }

    #[test]
    fn many_are_asked_for_in_groups() {
        let wishes = Wishes::default();
        (0..2_500).for_each(|id| wishes.want(&subject(id)));
        let groups = [(); 4].map(|()| errand(&wishes).subscribe.len());
        assert_eq!(groups, [1_000, 1_000, 500, 0]);
    }
}
