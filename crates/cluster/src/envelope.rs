//! What travels on the bus: who sent it, which of its messages it is, and what it says.
//!
//! Compact, and versioned by its first byte. Foreign bytes never panic; a version that is not known
//! yet is refused as a value, so that nodes of two versions can run side by side.

use bellwire_hub::cache::Stamp;
use bellwire_hub::outlet::Traffic;
use bellwire_protocol::{AppId, ChannelName, SocketId};
use bytes::{BufMut, Bytes};

use crate::reading::{Reader, Refusal, put_number, put_text};
use crate::sequence::Sequence;

/// A message between nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The node that sent it; it drops its own.
    pub sender: u64,
    /// Which of the sender's messages on this subject it is.
    pub sequence: Sequence,
    /// What it says.
    pub payload: Payload,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Something was said in a channel.
    Event(Event),
    /// What nodes tell each other of channels, members and users.
    Roster(Bytes),
    /// What nodes tell each other of themselves.
    Word(Bytes),
    /// Lines of a console that somebody looks at on another node.
    Lines(Bytes),
}

/// An event of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whose channel.
    pub app: AppId,
    /// Which.
    pub channel: ChannelName,
    /// The message as clients hear it.
    pub message: Bytes,
    /// Who must not hear it.
    pub except: Option<SocketId>,
    /// How it counts.
    pub traffic: Traffic,
    /// On cache channels: which of two events is the later one.
    pub stamp: Option<Stamp>,
}

impl Envelope {
    /// As it travels.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.payload.size());
        out.put_u8(VERSION);
        out.put_u8(self.payload.kind());
        put_number(&mut out, self.sender);
        out.put_u8(self.sequence.run);
        put_number(&mut out, self.sequence.number);
        self.payload.put(&mut out);
        out.into()
    }

    /// Reads what came. Nothing is copied but names.
    ///
    /// # Errors
    /// A newer version, or damage.
    pub fn decode(bytes: &Bytes) -> Result<Self, Refusal> {
        let mut reader = Reader::of(bytes);
        match reader.byte("version")? {
            VERSION => {}
            newer => return Err(Refusal::Newer("version", newer)),
        }
        let kind = reader.byte("kind")?;
        let sender = reader.number("sender")?;
        let run = reader.byte("sequence")?;
        let number = reader.number("sequence")?;
        let payload = match kind {
            EVENT => Payload::Event(Event::read(reader)?),
            ROSTER => Payload::Roster(reader.rest()),
            WORD => Payload::Word(reader.rest()),
            LINES => Payload::Lines(reader.rest()),
            newer => return Err(Refusal::Newer("kind", newer)),
        };
        Ok(Self { sender, sequence: Sequence { run, number }, payload })
    }
}

impl Payload {
    fn kind(&self) -> u8 {
        match self {
            Self::Event(_) => EVENT,
            Self::Roster(_) => ROSTER,
            Self::Word(_) => WORD,
            Self::Lines(_) => LINES,
        }
    }

    /// About how many bytes it needs.
    fn size(&self) -> usize {
        match self {
            Self::Event(event) => {
                EVENT_BYTES
                    + event.app.as_str().len()
                    + event.channel.as_str().len()
                    + event.message.len()
            }
            Self::Roster(bytes) | Self::Word(bytes) | Self::Lines(bytes) => bytes.len(),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Event(event) => event.put(out),
            Self::Roster(bytes) | Self::Word(bytes) | Self::Lines(bytes) => out.put_slice(bytes),
        }
    }
}

impl Event {
    fn put(&self, out: &mut Vec<u8>) {
        let mut flags = traffic_bits(self.traffic);
        flags |= if self.except.is_some() { EXCEPT } else { 0 };
        flags |= if self.stamp.is_some() { CACHE } else { 0 };
        out.put_u8(flags);
        if let Some(stamp) = self.stamp {
            put_number(out, stamp.count);
            put_number(out, stamp.node);
        }
        if let Some(except) = self.except {
            put_number(out, except.node);
            put_number(out, except.connection);
        }
        put_text(out, self.app.as_str());
        put_text(out, self.channel.as_str());
        out.put_slice(&self.message);
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, Refusal> {
        let flags = reader.byte("flags")?;
        let stamp = if flags & CACHE == 0 {
            None
        } else {
            let count = reader.number("stamp")?;
            Some(Stamp { count, node: reader.number("stamp")? })
        };
        let except = if flags & EXCEPT == 0 {
            None
        } else {
            let node = reader.number("socket id")?;
            Some(SocketId { node, connection: reader.number("socket id")? })
        };
        Ok(Self {
            traffic: traffic(flags),
            stamp,
            except,
            app: reader.parsed("app")?,
            channel: reader.parsed("channel")?,
            message: reader.rest(),
        })
    }
}

fn traffic_bits(traffic: Traffic) -> u8 {
    match traffic {
        Traffic::Broadcast => 0,
        Traffic::Client => 1,
        Traffic::Presence => 2,
        Traffic::Internal => 3,
    }
}

fn traffic(flags: u8) -> Traffic {
    match flags & TRAFFIC {
        0 => Traffic::Broadcast,
        1 => Traffic::Client,
        2 => Traffic::Presence,
        _ => Traffic::Internal,
    }
}

const VERSION: u8 = 1;

const EVENT: u8 = 0;
const ROSTER: u8 = 1;
const WORD: u8 = 2;
const LINES: u8 = 3;

const TRAFFIC: u8 = 0b0011;
const EXCEPT: u8 = 0b0100;
const CACHE: u8 = 0b1000;

/// Room for what stands before the payload.
const HEADER_BYTES: usize = 24;

/// Room for what an event has besides names and message.
const EVENT_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option::of;
    use proptest::prelude::*;

    fn event() -> impl Strategy<Value = Payload> {
        let name = "[A-Za-z0-9_=@,.;-]{1,164}";
        let except = of(any::<(u64, u64)>());
        let stamp = of(any::<(u64, u64)>());
        (name, any::<Vec<u8>>(), except, any::<u8>(), stamp).prop_map(
            |(channel, message, except, bits, stamp)| {
                Payload::Event(Event {
                    app: "1001".parse().unwrap(),
                    channel: channel.parse().unwrap(),
                    message: message.into(),
                    except: except.map(|(node, connection)| SocketId { node, connection }),
                    traffic: traffic(bits),
                    stamp: stamp.map(|(count, node)| Stamp { count, node }),
                })
            },
        )
    }

    fn payload() -> impl Strategy<Value = Payload> {
        let opaque = any::<Vec<u8>>().prop_map(Bytes::from);
        prop_oneof![
            event(),
            opaque.clone().prop_map(Payload::Roster),
            opaque.clone().prop_map(Payload::Word),
            opaque.prop_map(Payload::Lines),
        ]
    }

    fn envelope() -> impl Strategy<Value = Envelope> {
        (any::<u64>(), any::<u8>(), any::<u64>(), payload()).prop_map(
            |(sender, run, number, payload)| Envelope {
                sender,
                sequence: Sequence { run, number },
                payload,
            },
        )
    }

    #[test]
    fn a_newer_version_is_refused_as_a_value() {
        let newer = Bytes::from_static(&[2, 0, 0]);
        assert_eq!(Envelope::decode(&newer), Err(Refusal::Newer("version", 2)));
        assert_eq!(Envelope::decode(&Bytes::new()), Err(Refusal::Damaged("version")));
    }

    #[test]
    fn an_event_costs_few_bytes_besides_its_message() {
        let envelope = Envelope {
            sender: 7,
            sequence: Sequence { run: 1, number: 300 },
            payload: Payload::Event(Event {
                app: "1001".parse().unwrap(),
                channel: "room".parse().unwrap(),
                message: Bytes::from_static(b"{}"),
                except: None,
                traffic: Traffic::Broadcast,
                stamp: None,
            }),
        };
        assert_eq!(envelope.encode().len(), 6 + 1 + 5 + 5 + 2);
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(envelope in envelope()) {
            prop_assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope));
        }

        #[test]
        fn what_is_cut_is_refused_or_shorter_and_never_panics(envelope in envelope(), at in any::<usize>()) {
            let whole = envelope.encode();
            let cut = whole.slice(..at % whole.len());
            prop_assert_ne!(Envelope::decode(&cut), Ok(envelope));
        }

        #[test]
        fn foreign_bytes_never_panic(version in 0..3_u8, kind in 0..5_u8, mut bytes in any::<Vec<u8>>()) {
            bytes.splice(0..0, [version, kind]);
            if let Ok(envelope) = Envelope::decode(&bytes.into()) {
                prop_assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope));
            }
        }
    }
}
