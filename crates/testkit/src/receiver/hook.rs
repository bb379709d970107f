//! One path of the receiver: what comes to it, how it is answered, and how a test waits.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::script::Then;
use super::{Answer, Delivery, Gate, Shared, State};

/// One path of a receiver.
///
/// The events of a hook are those of its accepted requests, each `webhook-id` once, in the order in
/// which they were accepted.
#[derive(Clone, Debug)]
pub struct Hook {
    shared: Arc<Shared>,
    path: String,
    url: String,
}

impl Hook {
    pub(super) fn new(shared: Arc<Shared>, path: &str, url: String) -> Self {
        Self { shared, path: path.to_owned(), url }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    // --- how it answers

    /// Answers the next request so, after what was said before.
    pub fn then(&self, answer: Answer) -> &Self {
        self.shared.state().scripts.of(&self.path).queue.push_back(answer);
        self
    }

    /// Answers the next requests so.
    pub fn times(&self, count: usize, answer: &Answer) -> &Self {
        let answers = std::iter::repeat_n(answer.clone(), count);
        self.shared.state().scripts.of(&self.path).queue.extend(answers);
        self
    }

    /// Answers everything else so.
    pub fn always(&self, answer: Answer) -> &Self {
        self.shared.state().scripts.of(&self.path).then = Then::Always(answer);
        self
    }

    /// Answers everything else as the function says.
    pub fn decide(&self, decide: impl Fn(&Delivery) -> Answer + Send + Sync + 'static) -> &Self {
        self.shared.state().scripts.of(&self.path).then = Then::Decide(Arc::new(decide));
        self
    }

    /// Holds everything from now on, until the gate is opened; then it is accepted.
    #[must_use]
    pub fn hold(&self) -> Gate {
        let gate = Gate::closed();
        self.always(Answer::ok().behind(&gate));
        gate
    }

    // --- what has come

    /// Every request, accepted or not.
    #[must_use]
    pub fn requests(&self) -> Vec<Delivery> {
        let state = self.shared.state();
        state.deliveries.iter().filter(|d| d.path() == self.path).cloned().collect()
    }

    /// The accepted requests, in the order of their acceptance, each id once.
    #[must_use]
    pub fn accepted(&self) -> Vec<Delivery> {
        self.unique(&self.shared.state()).into_iter().cloned().collect()
    }

    /// The accepted requests from a place on in the order of acceptance of the whole receiver, and
    /// the place after the last; repeated ids are not left out.
    pub(super) fn accepted_since(&self, from: usize) -> (Vec<Delivery>, usize) {
        let state = self.shared.state();
        let since = state.accepted[from..].iter().map(|at| &state.deliveries[*at]);
        let mine = since.filter(|d| d.path() == self.path).cloned().collect();
        (mine, state.accepted.len())
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let state = self.shared.state();
        self.unique(&state).into_iter().flat_map(Delivery::events).cloned().collect()
    }

    /// The events of one channel.
    #[must_use]
    pub fn events_of(&self, channel: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["channel"] == channel).collect()
    }

    /// The names of the events of one channel.
    #[must_use]
    pub fn names_of(&self, channel: &str) -> Vec<String> {
        let events = self.events_of(channel);
        events.iter().map(|event| event["name"].as_str().unwrap_or("?").to_owned()).collect()
    }

    // --- waiting

    /// Waits for an event and returns the request that brought it, the first if there are several.
    #[track_caller]
    pub fn expect_event(&self, name: &str, channel: &str) -> Delivery {
        let what = || format!("{name} of {channel} comes to {}", self.path);
        self.shared.wait(what, |state| {
            self.unique(state).into_iter().find(|d| d.has(name, channel)).cloned()
        })
    }

    /// Waits for these events, by name and channel, and checks that each channel's came in this
    /// order with nothing before or between.
    #[track_caller]
    pub fn expect_events(&self, expected: &[(&str, &str)]) {
        let mut by_channel: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, channel) in expected {
            by_channel.entry(channel).or_default().push(name);
        }
        for (channel, names) in by_channel {
            self.expect_names(channel, &names);
        }
    }

    /// Waits until the channel has had as many events as there are names, which must be theirs.
    #[track_caller]
    pub fn expect_names(&self, channel: &str, names: &[&str]) {
        let what = || format!("{names:?} of {channel} come to {}", self.path);
        let came = self.shared.wait(what, |state| {
            let mut came = names_on(self.unique(state), channel);
            came.truncate(names.len());
            let is_decided =
                came.len() == names.len() || came.iter().zip(names).any(|(a, b)| a != b);
            is_decided.then_some(came)
        });
        assert_eq!(came, names, "the events of {channel} at {}", self.path);
    }

    /// Waits until this holds for the accepted requests, each id once.
    #[track_caller]
    pub fn expect<T>(&self, what: &str, mut found: impl FnMut(&[&Delivery]) -> Option<T>) -> T {
        self.shared.wait(|| what.to_owned(), |state| found(&self.unique(state)))
    }

    /// Waits until so many requests have come, accepted or not, and returns the first of them.
    #[track_caller]
    pub fn expect_requests(&self, count: usize) -> Vec<Delivery> {
        let what = || format!("{count} requests come to {}", self.path);
        self.shared.wait(what, |state| {
            let mine = state.deliveries.iter().filter(|d| d.path() == self.path);
            let mine: Vec<_> = mine.take(count).cloned().collect();
            (mine.len() == count).then_some(mine)
        })
    }

    fn unique<'a>(&self, state: &'a State) -> Vec<&'a Delivery> {
        let mut ids = HashSet::new();
        let accepted = state.accepted.iter().map(|at| &state.deliveries[*at]);
        accepted.filter(|d| d.path() == self.path && ids.insert(d.header("webhook-id"))).collect()
    }
}

fn names_on(deliveries: Vec<&Delivery>, channel: &str) -> Vec<String> {
    let events = deliveries.into_iter().flat_map(Delivery::events);
    let mine = events.filter(|event| event["channel"] == channel);
    mine.map(|event| event["name"].as_str().unwrap_or("?").to_owned()).collect()
}
