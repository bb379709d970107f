//! What a client is told when it did something wrong, with what those need who look for the cause.

use bellwire_protocol::{Frame, server};
use smallvec::{SmallVec, smallvec};

/// What went wrong, and what the client hears of it.
#[derive(Debug)]
pub struct Complaint {
    /// What kind of mistake it is.
    pub about: About,
    /// The code of the `pusher:error`, where it has one.
    pub code: Option<u16>,
    /// The sentence.
    pub text: String,
    /// The channel that it is about, as the client named it, however long.
    pub channel: Option<Box<str>>,
    /// The status of the `pusher:subscription_error`; none: there is no such frame.
    status: Option<u16>,
}

/// Whose mistake it is, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// A signature, a key or a sign-in is not good.
    Auth,
    /// The client said what it must not say.
    Client,
    /// A limit of the app.
    Limit,
}

impl Complaint {
    /// Said once.
    pub(crate) fn plain(about: About, code: Option<u16>, text: String) -> Box<Self> {
        Box::new(Self { about, code, text, channel: None, status: None })
    }

    /// A refused subscription: said twice, once for clients that listen by channel (contract 4.9).
    pub(crate) fn subscription(
        about: About,
        channel: &str,
        text: String,
        status: u16,
    ) -> Box<Self> {
        let channel = Some(channel.into());
        Box::new(Self { about, code: None, text, channel, status: Some(status) })
    }

    /// What the client hears.
    #[must_use]
    pub fn frames(&self) -> SmallVec<[Frame; 2]> {
        let error = server::error(self.code, &self.text);
        match (self.status, &self.channel) {
            (Some(status), Some(channel)) => {
                smallvec![error, server::subscription_error(channel, &self.text, status)]
            }
            _ => smallvec![error],
        }
    }
}
