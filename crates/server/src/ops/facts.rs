//! Where facts go: the metrics, the live log, and the webhooks.

use std::sync::{Arc, OnceLock};

use bellwire_hub::fact::{Held, What};
use bellwire_hub::{Fact, FactSink};
use bellwire_webhooks::service::Sink;
use metrics::{Counter, counter};

use crate::live::Live;

/// Counts facts by kind, writes them to the log at debug level, under `bellwire::live`, and passes
/// them on.
pub(crate) struct Facts {
    counters: [(&'static str, Counter); What::NAMES.len()],
    /// The one for client events, which nearly always are all there is to say of them.
    client_events: Counter,
    /// Those who look.
    live: Arc<Live>,
    /// The webhooks; they start after the hub, before the first client.
    webhooks: OnceLock<Sink>,
}

impl Facts {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        let counter = |name: &'static str| (name, counter!("bellwire_facts_total", "kind" => name));
        let (_, client_events) = counter("client_event");
        Self { counters: What::NAMES.map(counter), client_events, live, webhooks: OnceLock::new() }
    }

    /// From now on webhooks hear of facts.
    pub(crate) fn pass_on_to(&self, sink: Sink) {
        // It is called once.
        let _ = self.webhooks.set(sink);
    }
}

impl FactSink for Facts {
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
        self.live.happened(&fact);
        if let Some(webhooks) = self.webhooks.get() {
            webhooks.take(fact);
        }
    }

    fn pass(&self) {
        self.client_events.increment(1);
    }

    fn hold(&self, held: Held) {
        // They start before the first client comes.
        if let Some(webhooks) = self.webhooks.get() {
            webhooks.hold(held);
        }
    }
}

fn user(what: &What) -> Option<&str> {
    match what {
        What::MemberAdded(user) | What::MemberRemoved(user) => Some(user.as_str()),
        _ => None,
    }
}
