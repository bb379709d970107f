//! What one turn of a worker has to send: frames are linked to connections first, then every
//! connection gets all of its own in one write. Nothing is allocated, counted or locked for a
//! recipient.

use std::cell::OnceCell;

use bellwire_hub::outlet::Traffic;
use bellwire_hub::{ChannelId, Conn};
use bellwire_protocol::Frame;
use bellwire_protocol::deflate::Deflater;
use bytes::{Bytes, BytesMut};

/// The frames that wait for a connection in this turn, as a list through the turn's links.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    head: u32,
    tail: u32,
}

impl Chain {
    /// Nothing waits.
    pub(crate) const EMPTY: Self = Self { head: NONE, tail: NONE };

    /// Whether nothing waits.
    pub(crate) fn is_empty(self) -> bool {
        self.head == NONE
    }
}

const NONE: u32 = u32::MAX;
/// Frames are joined up to this size; a larger parcel would hold up the others.
const JOIN_BYTES: usize = 65_536;

/// One turn's frames and who gets them.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    parcels: Vec<Parcel>,
    links: Vec<Link>,
    /// Slots that have a chain, in the order in which they got it.
    pub(crate) dirty: Vec<u32>,
    /// Frames for one channel that came right behind each other.
    run: Run,
    /// Bytes of all frames of the turn.
    bytes: usize,
}

/// Bytes that some connections get, and the frames they are made of.
#[derive(Debug)]
struct Parcel {
    bytes: Bytes,
    frames: Vec<Frame>,
    /// The same frames compressed, once somebody wants them so.
    squeezed: OnceCell<Bytes>,
}

impl Parcel {
    /// The frames for those who take compressed messages; made once.
    fn squeezed(&self, deflater: &mut Deflater) -> &Bytes {
        self.squeezed.get_or_init(|| self.squeeze(deflater))
    }

    fn squeeze(&self, deflater: &mut Deflater) -> Bytes {
        match &self.frames[..] {
            [one] => one.squeezed(deflater),
            many => many
                .iter()
                .map(|frame| frame.squeezed(deflater))
                .fold(BytesMut::new(), |mut joined, frame| {
                    joined.extend_from_slice(&frame);
                    joined
                })
                .freeze(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Link {
    parcel: u32,
    next: u32,
}

#[derive(Debug, Default)]
struct Run {
    channel: Option<ChannelId>,
    frames: Vec<Frame>,
    bytes: usize,
    /// How many frames of each kind of traffic.
    traffic: [u64; 4],
}

/// A finished run: a parcel for all members of a channel.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Whose members.
    pub(crate) channel: ChannelId,
    /// What they get.
    pub(crate) parcel: u32,
    /// How many frames of each kind of traffic it is made of.
    pub(crate) traffic: [u64; 4],
    /// Who does not get it.
    pub(crate) except: Option<Conn>,
}

impl Turn {
    /// Adds a delivery to the run under way if it is for the same channel and for all of its
    /// members. Otherwise the caller must end the run first.
    pub(crate) fn joins(&self, channel: ChannelId, frame: &Frame) -> bool {
        self.run.channel == Some(channel) && self.run.bytes + frame.bytes().len() <= JOIN_BYTES
    }

    /// Starts or continues a run.
    pub(crate) fn join(&mut self, channel: ChannelId, frame: Frame, traffic: Traffic) {
        self.run.channel = Some(channel);
        self.run.bytes += frame.bytes().len();
        self.bytes += frame.bytes().len();
        self.run.traffic[traffic as usize] += 1;
        self.run.frames.push(frame);
    }

    /// Ends the run under way: one parcel out of all of its frames.
    pub(crate) fn end_run(&mut self) -> Option<Delivery> {
        let channel = self.run.channel.take()?;
        let frames = std::mem::take(&mut self.run.frames);
        let bytes = std::mem::take(&mut self.run.bytes);
        let traffic = std::mem::take(&mut self.run.traffic);
        let parcel = self.parcel(frames, bytes);
        Some(Delivery { channel, parcel, traffic, except: None })
    }

    /// A delivery of its own, because somebody is left out.
    pub(crate) fn alone(
        &mut self,
        channel: ChannelId,
        frame: Frame,
        traffic: Traffic,
        except: Option<Conn>,
    ) -> Delivery {
        let mut counts = [0; 4];
        counts[traffic as usize] = 1;
        Delivery { channel, parcel: self.single(frame), traffic: counts, except }
    }

    /// A parcel of one frame.
    pub(crate) fn single(&mut self, frame: Frame) -> u32 {
        let bytes = frame.bytes().len();
        self.bytes += bytes;
        self.parcel(vec![frame], bytes)
    }

    fn parcel(&mut self, frames: Vec<Frame>, bytes: usize) -> u32 {
        let bytes = match &frames[..] {
            [one] => one.bytes().clone(),
            many => {
                let mut joined = BytesMut::with_capacity(bytes);
                many.iter().for_each(|frame| joined.extend_from_slice(frame.bytes()));
                joined.freeze()
            }
        };
        self.parcels.push(Parcel { bytes, frames, squeezed: OnceCell::new() });
        (self.parcels.len() - 1) as u32
    }

    /// Puts a parcel at the end of a connection's chain.
    pub(crate) fn link(&mut self, chain: &mut Chain, slot: u32, parcel: u32) {
        let link = self.links.len() as u32;
        self.links.push(Link { parcel, next: NONE });
        if chain.is_empty() {
            chain.head = link;
            self.dirty.push(slot);
        } else {
            self.links[chain.tail as usize].next = link;
        }
        chain.tail = link;
    }

    /// What a chain holds, if it is one parcel: bytes for a socket.
    pub(crate) fn only(&self, chain: Chain) -> Option<&Bytes> {
        self.only_parcel(chain).map(|parcel| &parcel.bytes)
    }

    /// The same for one who takes compressed messages.
    pub(crate) fn only_squeezed(&self, chain: Chain, deflater: &mut Deflater) -> Option<&Bytes> {
        Some(self.only_parcel(chain)?.squeezed(deflater))
    }

    fn only_parcel(&self, chain: Chain) -> Option<&Parcel> {
        let link = self.links.get(chain.head as usize).filter(|_| chain.head == chain.tail)?;
        self.parcels.get(link.parcel as usize)
    }

    /// What a chain holds, as bytes for a socket.
    pub(crate) fn bytes(&self, chain: Chain) -> impl Iterator<Item = &Bytes> {
        self.parcels_of(chain).map(|parcel| &parcel.bytes)
    }

    /// The same for one who takes compressed messages: each parcel is compressed once.
    pub(crate) fn squeezed(
        &self,
        chain: Chain,
        deflater: &mut Deflater,
    ) -> impl Iterator<Item = &Bytes> {
        self.parcels_of(chain).map(|parcel| parcel.squeezed(deflater))
    }

    /// What a chain holds, as frames for a mailbox.
    pub(crate) fn frames(&self, chain: Chain) -> impl Iterator<Item = &Frame> {
        self.parcels_of(chain).flat_map(|parcel| &parcel.frames)
    }

    fn parcels_of(&self, chain: Chain) -> impl Iterator<Item = &Parcel> {
        let mut next = chain.head;
        std::iter::from_fn(move || {
            let link = self.links.get(next as usize)?;
            next = link.next;
            self.parcels.get(link.parcel as usize)
        })
    }

    /// Whether nothing is left to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.parcels.is_empty() && self.run.channel.is_none()
    }

    /// Forgets the turn and keeps its room, unless a burst made it huge.
    pub(crate) fn clear(&mut self) {
        self.bytes = 0;
        self.parcels.clear();
        self.links.clear();
        self.dirty.clear();
        self.parcels.shrink_to(PARCELS_KEPT);
        self.links.shrink_to(ROOM_KEPT);
        self.dirty.shrink_to(ROOM_KEPT);
    }

    /// Whether the turn should be sent before more is added to it.
    pub(crate) fn is_large(&self, bytes_max: usize) -> bool {
        self.bytes >= bytes_max
            || self.links.len() >= LINKS_MAX
            || self.parcels.len() >= PARCELS_MAX
    }
}

/// Room that is kept from turn to turn; a larger turn takes far longer than asking for more.
const ROOM_KEPT: usize = 4_096;
const PARCELS_KEPT: usize = 256;
const LINKS_MAX: usize = 262_144;
const PARCELS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    // contract: 4.7
    #[test]
    fn frames_for_one_channel_are_joined_and_keep_their_order() {
        let mut turn = Turn::default();
        let channel = ChannelId(1);
        for text in ["a", "b", "c"] {
            assert!(text == "a" || turn.joins(channel, &Frame::text(text)));
            turn.join(channel, Frame::text(text), Traffic::Broadcast);
        }
        assert!(!turn.joins(ChannelId(2), &Frame::text("x")));
        let delivery = turn.end_run().unwrap();
        assert_eq!(delivery.traffic, [3, 0, 0, 0]);
        let mut chain = Chain::EMPTY;
        turn.link(&mut chain, 7, delivery.parcel);
        let last = turn.single(Frame::text("d"));
        turn.link(&mut chain, 7, last);
        assert_eq!(turn.dirty, [7]);
        assert_eq!(turn.bytes(chain).count(), 2);
        let texts: Vec<&[u8]> = turn.frames(chain).map(Frame::payload).collect();
        assert_eq!(texts, [b"a", b"b", b"c", b"d"]);
    }

    #[test]
    fn a_run_ends_at_the_size_of_a_parcel() {
        let mut turn = Turn::default();
        let large = Frame::text(&"x".repeat(40_000));
        turn.join(ChannelId(1), large.clone(), Traffic::Client);
        assert!(!turn.joins(ChannelId(1), &large));
    }
}
