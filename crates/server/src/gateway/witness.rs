//! The port for those who look at what clients do: what happens to connections while somebody looks,
//! and what goes wrong whether or not anybody does.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bellwire_hub::App;
use bellwire_hub::complaint::Complaint;
use bellwire_hub::session::Subscription;
use bellwire_protocol::{ChannelName, Close, Frame, SocketId, UserId};

/// Watches the gateway. Called by its workers in the midst of their turns: it must not block.
pub(crate) trait Witness: Send + Sync {
    /// Something happened to a connection. Called only while somebody looks at the app's console.
    fn see(&self, app: &App, who: Who<'_>, sight: &Sight<'_>);

    /// Something went wrong.
    fn note(&self, app: &App, who: Who<'_>, trouble: &Trouble<'_>);
}

/// Whom it happened to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    /// The connection's name; none: it was refused before it had one.
    pub(crate) socket: Option<SocketId>,
    /// Where it came from.
    pub(crate) story: &'a Story,
    /// When it happened, in milliseconds since the epoch.
    pub(crate) at_ms: u64,
}

/// What happened to a connection.
#[derive(Debug)]
pub(crate) enum Sight<'a> {
    /// It is there.
    Connected {
        /// What it speaks.
        transport: &'static str,
    },
    /// It is gone, with all of its subscriptions.
    Disconnected {
        /// What it listened to.
        subscriptions: &'a [Subscription],
    },
    /// It listens to a channel.
    Subscribed {
        /// Which.
        channel: &'a ChannelName,
        /// Who it is there, on presence channels.
        user: Option<&'a UserId>,
    },
    /// It listens no more.
    Unsubscribed(&'a Subscription),
    /// It said something to the others.
    ClientEvent {
        /// Where.
        channel: &'a ChannelName,
        /// What they hear.
        frame: &'a Frame,
    },
}

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Trouble<'a> {
    /// A client was refused at the door.
    Refused(&'a Close),
    /// A connection was closed.
    Closed(&'a Close),
    /// A reader was cut off, because more waited for it than so many bytes.
    TooSlow(usize),
    /// A client was told that it did something wrong.
    Complaint(&'a Complaint),
}

/// Where a connection came from, and what it has said so far. It is kept for every connection, so it
/// is small.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    /// The other end, as far as trusted proxies tell.
    pub(crate) address: Option<IpAddr>,
    /// Whether it came by TLS, here or at a trusted proxy.
    pub(crate) tls: bool,
    /// Whether its end has been seen.
    pub(crate) has_ended: bool,
    /// Messages that it has sent.
    pub(crate) messages_in: u32,
    /// What it said of itself, shared with all who said the same.
    pub(crate) visitor: Arc<Visitor>,
    /// When it was accepted, in milliseconds since the epoch.
    pub(crate) connected_at_ms: u64,
}

/// What a client says of itself when it comes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// The `Origin` header of a browser.
    pub(crate) origin: Option<Box<str>>,
    /// Name and version of its library, from the query.
    pub(crate) client: Option<Box<str>>,
}

/// Characters of what a client says of itself that are kept.
const SAID_CHARS: usize = 100;
/// Visitors that are shared; thousands of libraries and origins are nobody's.
const SHARED_MAX: usize = 1_024;

impl Visitor {
    /// What an `Origin` header and a query say. The values of a query are plain here: names and
    /// versions of libraries have nothing to escape.
    fn of(origin: Option<&str>, query: &str) -> Self {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value).filter(|v| !v.is_empty())
        };
        let client = match (value("client"), value("version")) {
            (Some(client), Some(version)) => Some(format!("{client} {version}")),
            (client, version) => client.or(version).map(str::to_owned),
        };
        let kept = |text: &str| text.chars().take(SAID_CHARS).collect::<String>().into();
        Self { origin: origin.map(kept), client: client.as_deref().map(kept) }
    }
}

/// Visitors that said the same are one in memory.
#[derive(Debug, Default)]
pub(crate) struct Visitors(Mutex<Vec<Weak<Visitor>>>);

impl Visitors {
    /// The visitor that says this of itself.
    pub(crate) fn visitor(&self, origin: Option<&str>, query: &str) -> Arc<Visitor> {
        let visitor = Visitor::of(origin, query);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.iter().filter_map(Weak::upgrade).find(|same| **same == visitor) {
            return same;
        }
        known.retain(|known| known.strong_count() > 0);
        let visitor = Arc::new(visitor);
        if known.len() < SHARED_MAX {
            known.push(Arc::downgrade(&visitor));
        }
        visitor
    }
}

/// Nobody watches.
#[cfg(test)]
pub(super) struct Unwatched;

#[cfg(test)]
impl Witness for Unwatched {
    fn see(&self, _: &App, _: Who<'_>, _: &Sight<'_>) {}

    fn note(&self, _: &App, _: Who<'_>, _: &Trouble<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_that_say_the_same_are_one() {
        let visitors = Visitors::default();
        let query = "protocol=7&client=js&version=8.4.0&flash=false";
        let first = visitors.visitor(Some("https://shop.example"), query);
        let second = visitors.visitor(Some("https://shop.example"), query);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.client.as_deref(), Some("js 8.4.0"));
        assert_eq!(first.origin.as_deref(), Some("https://shop.example"));
        drop((first, second));
        let other = visitors.visitor(None, "protocol=7");
        assert_eq!(*other, Visitor::default());
        assert_eq!(visitors.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_is_kept_of_a_visitor_is_short() {
        let long = "x".repeat(10_000);
        let visitor = Visitor::of(Some(&long), &format!("client={long}&version={long}"));
        assert_eq!(visitor.origin.unwrap().len(), SAID_CHARS);
        assert_eq!(visitor.client.unwrap().len(), SAID_CHARS);
    }
}
