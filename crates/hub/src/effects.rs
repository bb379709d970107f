//! What a command brought about, gathered while the state changes and carried out by the shell.

use bellwire_protocol::{AppId, ChannelName};

use crate::fact::{Fact, Held, What};
use crate::outlet::Message;

/// Messages for workers and facts, in order.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// For which worker, and what.
    pub(crate) messages: Vec<(u8, Message)>,
    /// What happened.
    pub(crate) facts: Vec<Fact>,
    /// Who waits for these facts to be kept.
    pub(crate) held: Vec<Held>,
}

impl Effects {
    /// A message for a worker.
    pub(crate) fn tell(&mut self, worker: u8, message: Message) {
        self.messages.push((worker, message));
    }

    /// Something happened on a channel. Server-to-user channels make no facts (contract 6.8).
    pub(crate) fn happened(&mut self, app: &AppId, channel: &ChannelName, at_ms: u64, what: What) {
        if channel.kind().is_listed() {
            self.facts.push(Fact { app: app.clone(), channel: channel.clone(), at_ms, what });
        }
    }
}
