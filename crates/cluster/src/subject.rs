//! What a message is about: the names that Redis and NATS know.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use bellwire_protocol::{AppId, ChannelName};

use crate::error::BusError;

/// The name under which messages are published and heard: a Redis channel, a NATS subject.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Arc<str>);

impl Subject {
    /// The name as the engine knows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Subject {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Whom a subject reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Every node.
    All,
    /// One node.
    Node(u64),
    /// The nodes where somebody subscribes to a channel.
    Channel {
        /// Whose channel.
        app: AppId,
        /// Which.
        channel: ChannelName,
    },
    /// The nodes where somebody looks at the console of an app.
    Console(AppId),
}

/// Makes and reads the subjects of one cluster; several clusters may share an engine.
#[derive(Debug, Clone)]
pub struct Subjects {
    /// With the dot behind it.
    prefix: Arc<str>,
}

impl Subjects {
    /// The subjects of the cluster with this name.
    ///
    /// # Errors
    /// The prefix is not 1 to 32 letters, digits, `-` or `_`.
    pub fn of(prefix: &str) -> Result<Self, BusError> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=32).contains(&prefix.len()) && prefix.bytes().all(is_legal) {
            Ok(Self { prefix: format!("{prefix}.").into() })
        } else {
            Err(BusError::Prefix)
        }
    }

    /// What every node hears.
    #[must_use]
    pub fn all(&self) -> Subject {
        self.named(format_args!("all"))
    }

    /// What one node hears.
    #[must_use]
    pub fn node(&self, id: u64) -> Subject {
        self.named(format_args!("node.{id}"))
    }

    /// What is said in a channel.
    #[must_use]
    pub fn channel(&self, app: &AppId, channel: &ChannelName) -> Subject {
        self.named(format_args!("ch.{app}.{}", Level(channel.as_str())))
    }

    /// What is passed on of an app's console.
    #[must_use]
    pub fn console(&self, app: &AppId) -> Subject {
        self.named(format_args!("con.{app}"))
    }

    /// Whom a subject of this cluster reaches; nothing if it is none of ours.
    #[must_use]
    pub fn address(&self, subject: &str) -> Option<Address> {
        let name = subject.strip_prefix(&*self.prefix)?;
        match name.split_once('.') {
            None if name == "all" => Some(Address::All),
            Some(("con", app)) => app.parse().ok().map(Address::Console),
            Some(("node", id)) => id.parse().ok().map(Address::Node),
            Some(("ch", name)) => {
                let (app, channel) = name.split_once('.')?;
                let channel = channel.replace(DOT, ".").parse().ok()?;
                Some(Address::Channel { app: app.parse().ok()?, channel })
            }
            _ => None,
        }
    }

    fn named(&self, name: fmt::Arguments<'_>) -> Subject {
        Subject(format!("{}{name}", self.prefix).into())
    }
}

/// A name as one level of a subject. Of what a channel name may have, only the dot means something
/// to NATS; it is written as a character that no channel name has.
struct Level<'a>(&'a str);

impl fmt::Display for Level<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('.');
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(f, "{DOT}{part}"))
    }
}

/// Stands for a dot of a channel name.
const DOT: char = '/';

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn subjects() -> Subjects {
        Subjects::of("bellwire").unwrap()
    }

    fn channel(name: &str) -> Subject {
        subjects().channel(&"1001".parse().unwrap(), &name.parse().unwrap())
    }

    #[test]
    fn subjects_are_what_the_plan_says() {
        assert_eq!(subjects().all().as_str(), "bellwire.all");
        assert_eq!(subjects().node(7).as_str(), "bellwire.node.7");
        let console = subjects().console(&"1001".parse().unwrap());
        assert_eq!(console.as_str(), "bellwire.con.1001");
        assert_eq!(channel("room").as_str(), "bellwire.ch.1001.room");
        assert_eq!(channel("a.b.").as_str(), "bellwire.ch.1001.a/b/");
        assert_eq!(channel("#server-to-user-7").as_str(), "bellwire.ch.1001.#server-to-user-7");
    }

    #[test]
    fn a_subject_says_whom_it_reaches() {
        let subjects = subjects();
        assert_eq!(subjects.address("bellwire.all"), Some(Address::All));
        assert_eq!(subjects.address("bellwire.node.7"), Some(Address::Node(7)));
        let app = "1001".parse().unwrap();
        assert_eq!(subjects.address("bellwire.con.1001"), Some(Address::Console(app)));
        for foreign in
            ["", "bellwire.", "bellwire.all.x", "other.all", "bellwire.node.x", "bellwire.ch.1"]
        {
            assert_eq!(subjects.address(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn a_prefix_is_one_level() {
        assert!(Subjects::of("bell-wire_2").is_ok());
        for bad in ["", "a.b", "a b", "*", ">", "ä", &"a".repeat(33)] {
            assert!(Subjects::of(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_channel_name_is_one_safe_level_and_comes_back(
            name in "(#server-to-user-)?[A-Za-z0-9_=@,.;-]{1,140}",
        ) {
            let subject = channel(&name);
            let levels: Vec<_> = subject.as_str().split('.').collect();
            prop_assert_eq!(levels.len(), 4);
            prop_assert!(levels.iter().all(|level| !level.is_empty()));
            let means_something = |c: char| c.is_whitespace() || "*>{}".contains(c);
            prop_assert!(!subject.as_str().contains(means_something));
            let Some(Address::Channel { app, channel }) = subjects().address(subject.as_str())
            else { panic!("{subject}") };
            prop_assert_eq!(app.as_str(), "1001");
            prop_assert_eq!(channel.as_str(), name);
        }
    }
}
