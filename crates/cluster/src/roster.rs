//! What nodes tell each other of who is where: changes as they happen, and now and then everything
//! again. Every item is a state, not a step, so that hearing it twice changes nothing.

use bellwire_hub::cache::Stamp;
use bellwire_protocol::presence::Member;
use bellwire_protocol::{AppId, ChannelName, UserId};
use bytes::Bytes;

use crate::reading::{Reader, Refusal, put_number, put_part, put_text};

/// One thing that a node tells the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// In which app.
    pub app: AppId,
    /// What.
    pub what: Told,
}

/// What a node tells the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// So many of its connections listen to a channel.
    Listeners(ChannelName, u32),
    /// A user is on a presence channel there.
    Joined(ChannelName, Member),
    /// A user is no more on a presence channel there.
    Left(ChannelName, UserId),
    /// A user is signed in there.
    Online(UserId),
    /// A user is no more signed in there.
    Offline(UserId),
    /// Every connection that signed in as a user has to end.
    Terminate(Box<str>),
    /// Whether somebody looks at the app's console there.
    Looks(bool),
    /// So many connections count toward the app's quota there.
    Connections(u64),
    /// The last event of a cache channel, for a node that has not heard it.
    Cached {
        /// Where.
        channel: ChannelName,
        /// The message as clients hear it.
        message: Bytes,
        /// Which of two events is the later one.
        stamp: Stamp,
        /// How much longer it is remembered, in milliseconds.
        left_ms: u64,
    },
}

/// A message of the roster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// Whether here begins everything that is so at this node.
    pub begins: bool,
    /// In order.
    pub items: Vec<Item>,
    /// Whether there ends everything: what was said before and not again is so no more.
    pub ends: bool,
}

/// A word from node to node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Tell everything again.
    Again {
        /// The last events of cache channels too.
        with_cache: bool,
    },
    /// A question for somebody who waits.
    Ask {
        /// For the answer.
        id: u64,
        /// What the link does not read.
        question: Bytes,
    },
    /// The answer.
    Answer {
        /// To which question.
        id: u64,
        /// What the link does not read.
        answer: Bytes,
    },
}

impl Roster {
    /// As it travels.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(2 + 48 * self.items.len());
        out.push(u8::from(self.begins) * BEGINS + u8::from(self.ends) * ENDS);
        let mut part = Vec::new();
        for item in &self.items {
            part.clear();
            item.put(&mut part);
            put_part(&mut out, &part);
        }
        out.into()
    }

    /// Reads what came.
    ///
    /// # Errors
    /// Which part cannot be read.
    pub fn decode(bytes: &Bytes) -> Result<Self, Refusal> {
        let mut reader = Reader::of(bytes);
        let flags = reader.byte("flags")?;
        let mut items = Vec::new();
        while !reader.is_at_end() {
            let part = reader.part("item")?;
            items.extend(Item::read(&mut Reader::of(&part))?);
        }
        Ok(Self { begins: flags & BEGINS != 0, items, ends: flags & ENDS != 0 })
    }
}

impl Word {
    /// As it travels.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        let mut put = |word, id, bytes: &Bytes| {
            out.push(word);
            put_number(&mut out, id);
            out.extend_from_slice(bytes);
        };
        match self {
            Self::Again { with_cache } => out.extend([AGAIN, u8::from(*with_cache)]),
            Self::Ask { id, question } => put(ASK, *id, question),
            Self::Answer { id, answer } => put(ANSWER, *id, answer),
        }
        out.into()
    }

    /// Reads what came.
    ///
    /// # Errors
    /// A word that is not known.
    pub fn decode(bytes: &Bytes) -> Result<Self, Refusal> {
        let mut reader = Reader::of(bytes);
        match reader.byte("word")? {
            AGAIN => Ok(Self::Again { with_cache: reader.byte("word")? != 0 }),
            ASK => {
                let id = reader.number("question")?;
                Ok(Self::Ask { id, question: reader.rest() })
            }
            ANSWER => {
                let id = reader.number("answer")?;
                Ok(Self::Answer { id, answer: reader.rest() })
            }
            newer => Err(Refusal::Newer("word", newer)),
        }
    }
}

impl Item {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.what.kind());
        put_text(out, self.app.as_str());
        match &self.what {
            Told::Listeners(channel, count) => {
                put_text(out, channel.as_str());
                put_number(out, u64::from(*count));
            }
            Told::Joined(channel, member) => {
                put_text(out, channel.as_str());
                put_text(out, member.id.as_str());
                put_text(out, member.info.as_deref().unwrap_or_default());
            }
            Told::Left(channel, user) => {
                put_text(out, channel.as_str());
                put_text(out, user.as_str());
            }
            Told::Online(user) | Told::Offline(user) => put_text(out, user.as_str()),
            Told::Terminate(user) => put_text(out, user),
            Told::Looks(looks) => out.push(u8::from(*looks)),
            Told::Connections(count) => put_number(out, *count),
            Told::Cached { channel, message, stamp, left_ms } => {
                put_text(out, channel.as_str());
                put_part(out, message);
                put_number(out, stamp.count);
                put_number(out, stamp.node);
                put_number(out, *left_ms);
            }
        }
    }

    /// What a newer node says besides is passed over: nodes of two versions run side by side.
    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, Refusal> {
        let kind = reader.byte("kind")?;
        let app = reader.parsed("app")?;
        Ok(Told::read(kind, reader)?.map(|what| Self { app, what }))
    }
}

impl Told {
    fn kind(&self) -> u8 {
        match self {
            Self::Listeners(..) => 0,
            Self::Joined(..) => 1,
            Self::Left(..) => 2,
            Self::Online(_) => 3,
            Self::Offline(_) => 4,
            Self::Terminate(_) => 5,
            Self::Connections(_) => 6,
            Self::Cached { .. } => 7,
            Self::Looks(_) => 8,
        }
    }

    fn read(kind: u8, reader: &mut Reader<'_>) -> Result<Option<Self>, Refusal> {
        Ok(Some(match kind {
            0 => {
                let channel = reader.parsed("channel")?;
                let count = reader.number("count")?;
                Self::Listeners(channel, u32::try_from(count).unwrap_or(u32::MAX))
            }
            1 => {
                let channel = reader.parsed("channel")?;
                let id = reader.parsed("user")?;
                let info: String = reader.parsed("info")?;
                let info = Some(info).filter(|info| !info.is_empty()).map(Into::into);
                Self::Joined(channel, Member { id, info })
            }
            2 => {
                let channel = reader.parsed("channel")?;
                Self::Left(channel, reader.parsed("user")?)
            }
            3 => Self::Online(reader.parsed("user")?),
            4 => Self::Offline(reader.parsed("user")?),
            5 => Self::Terminate(reader.parsed::<String>("user")?.into()),
            6 => Self::Connections(reader.number("count")?),
            7 => Self::Cached {
                channel: reader.parsed("channel")?,
                message: reader.part("message")?,
                stamp: Stamp { count: reader.number("stamp")?, node: reader.number("stamp")? },
                left_ms: reader.number("time")?,
            },
            8 => Self::Looks(reader.byte("looks")? != 0),
            _ => return Ok(None),
        }))
    }
}

const BEGINS: u8 = 1;
const ENDS: u8 = 2;
const AGAIN: u8 = 0;
const ASK: u8 = 1;
const ANSWER: u8 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told() -> impl Strategy<Value = Told> {
        let channel = || "[a-z]{1,9}".prop_map(|name| name.parse::<ChannelName>().unwrap());
        let user = || "[a-zA-Z0-9 ä\"]{1,9}".prop_map(|id| id.parse::<UserId>().unwrap());
        let member = (user(), proptest::option::of("\\{\"n\":[0-9]\\}"))
            .prop_map(|(id, info)| Member { id, info: info.map(Into::into) });
        let cached = (channel(), any::<Vec<u8>>(), any::<(u64, u64, u64)>());
        prop_oneof![
            (channel(), any::<u32>()).prop_map(|(channel, count)| Told::Listeners(channel, count)),
            (channel(), member).prop_map(|(channel, member)| Told::Joined(channel, member)),
            (channel(), user()).prop_map(|(channel, user)| Told::Left(channel, user)),
            user().prop_map(Told::Online),
            user().prop_map(Told::Offline),
            ".{0,9}".prop_map(|user| Told::Terminate(user.into())),
            any::<u64>().prop_map(Told::Connections),
            any::<bool>().prop_map(Told::Looks),
            cached.prop_map(|(channel, message, (count, node, left_ms))| Told::Cached {
                channel,
                message: message.into(),
                stamp: Stamp { count, node },
                left_ms,
            }),
        ]
    }

    fn roster() -> impl Strategy<Value = Roster> {
        let item = told().prop_map(|what| Item { app: "1001".parse().unwrap(), what });
        (any::<bool>(), proptest::collection::vec(item, 0..9), any::<bool>())
            .prop_map(|(begins, items, ends)| Roster { begins, items, ends })
    }

    proptest! {
        #[test]
        fn what_is_told_comes_back(roster in roster()) {
            prop_assert_eq!(Roster::decode(&roster.encode()), Ok(roster));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            let bytes = Bytes::from(bytes);
            let _ = (Roster::decode(&bytes), Word::decode(&bytes));
        }
    }

    #[test]
    fn what_a_newer_node_says_besides_is_passed_over() {
        let item = Item { app: "1".parse().unwrap(), what: Told::Connections(7) };
        let mut bytes = Roster::default().encode().to_vec();
        put_part(&mut bytes, &[99, 1, b'1', 5, 5]);
        let mut part = Vec::new();
        item.put(&mut part);
        part.push(42);
        put_part(&mut bytes, &part);
        assert_eq!(Roster::decode(&bytes.into()).unwrap().items, [item]);
    }

    #[test]
    fn a_word_comes_back() {
        let text = Bytes::from_static(b"how many?");
        let words = [
            Word::Again { with_cache: true },
            Word::Again { with_cache: false },
            Word::Ask { id: 300, question: text.clone() },
            Word::Answer { id: u64::MAX, answer: text },
        ];
        for word in words {
            assert_eq!(Word::decode(&word.encode()), Ok(word));
        }
    }
}
