//! Where facts go as long as nobody else wants them: the metrics and the live log.

use bellwire_hub::fact::What;
use bellwire_hub::{Fact, FactSink};
use metrics::{Counter, counter};

/// Counts facts by kind and writes them to the log at debug level, under `bellwire::live`.
pub(crate) struct LiveLog {
    counters: [(&'static str, Counter); What::NAMES.len()],
}

impl LiveLog {
    pub(crate) fn new() -> Self {
        let counter = |name: &'static str| (name, counter!("bellwire_facts_total", "kind" => name));
        Self { counters: What::NAMES.map(counter) }
    }
}

impl FactSink for LiveLog {
    fn take(&self, fact: Fact) {
        let name = fact.what.name();
        if let Some((_, counter)) = self.counters.iter().find(|(known, _)| *known == name) {
            counter.increment(1);
        }
        tracing::debug!(
            target: "bellwire::live",
            app = %fact.app, channel = %fact.channel, at_ms = fact.at_ms, user = user(&fact.what),
            "{name}"
        );
    }
}

fn user(what: &What) -> Option<&str> {
    match what {
        What::MemberAdded(user) | What::MemberRemoved(user) => Some(user.as_str()),
        _ => None,
    }
}
