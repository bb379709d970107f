//! What went wrong with an attempt: its class, and a sentence for people.

use std::error::Error;
use std::net::SocketAddr;

use crate::attempt::Failure;

/// Why an attempt has failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    /// A sentence, without a full stop.
    pub(super) detail: String,
    /// The address that was dialled last, if it came to that.
    pub(super) remote: Option<SocketAddr>,
}

impl Trouble {
    pub(super) fn new(failure: Failure, detail: impl Into<String>) -> Self {
        Self { failure, detail: detail.into(), remote: None }
    }

    /// The same, with the address that was dialled.
    pub(super) fn at(mut self, remote: SocketAddr) -> Self {
        self.remote = Some(remote);
        self
    }
}

/// An error with its causes, each said once.
pub(super) fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
