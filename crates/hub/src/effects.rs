//! What a command brought about, gathered while the state changes and carried out by the shell.

use std::sync::Arc;

use bellwire_protocol::{AppId, ChannelName};

use crate::app::App;
use crate::fact::{Fact, Held, What};
use crate::outlet::Message;
use crate::peers::{News, Saying};

/// Messages for workers and facts, in order.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// For which worker, and what.
    pub(crate) messages: Vec<(u8, Message)>,
    /// What happened.
    pub(crate) facts: Vec<Fact>,
    /// Who waits for these facts to be kept.
    pub(crate) held: Vec<Held>,
    /// What other nodes are to hear.
    pub(crate) news: Vec<News>,
    /// Whether there may be other nodes: without, no news are gathered.
    pub(crate) has_peers: bool,
}

impl Effects {
    /// A message for a worker.
    pub(crate) fn tell(&mut self, worker: u8, message: Message) {
        self.messages.push((worker, message));
    }

    /// Other nodes are to hear something, if there are any.
    pub(crate) fn news(&mut self, app: &Arc<App>, what: impl FnOnce() -> Saying) {
        if self.has_peers {
            self.news.push(News { app: Arc::clone(app), what: what() });
        }
    }

    /// Something happened on a channel. Server-to-user channels make no facts (contract 6.8).
    pub(crate) fn happened(&mut self, app: &AppId, channel: &ChannelName, at_ms: u64, what: What) {
        if channel.kind().is_listed() {
            self.facts.push(Fact { app: app.clone(), channel: channel.clone(), at_ms, what });
        }
    }
}
