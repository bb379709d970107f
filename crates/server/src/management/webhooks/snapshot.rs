//! The announced state as JSON, made piece by piece while it is sent: it may be a million channels.

use std::pin::Pin;
use std::task::{Context, Poll};

use bellwire_protocol::ChannelName;
use bellwire_protocol::json::push_string;
use bellwire_webhooks::ledger::Snapshot;
use bellwire_webhooks::outbox::Announced;
use bytes::Bytes;
use hyper::body::{Body, Frame};
use utoipa::ToSchema;

/// Bytes of a piece, roughly.
const PIECE: usize = 64 << 10;

/// A snapshot on its way.
#[derive(Debug)]
pub(super) struct Feed {
    rest: std::vec::IntoIter<Announced>,
    seq: u64,
    stage: Stage,
}

/// How far it is written.
#[derive(Debug)]
enum Stage {
    Begin,
    /// Between two channels; whether there was one before.
    Between(bool),
    /// In the object of a channel.
    Channel(ChannelName),
    /// In the list of its members, behind one of them.
    Members(ChannelName),
    End,
}

impl Feed {
    /// A snapshot from its first byte.
    pub(super) fn new(mut snapshot: Snapshot) -> Self {
        // Members stand behind their channel.
        snapshot
            .announced
            .sort_by(|a, b| (a.channel.as_str(), &a.user).cmp(&(b.channel.as_str(), &b.user)));
        Self { rest: snapshot.announced.into_iter(), seq: snapshot.seq, stage: Stage::Begin }
    }

    /// The next piece; none after the last.
    fn piece(&mut self) -> Option<Vec<u8>> {
        if matches!(self.stage, Stage::End) {
            return None;
        }
        let mut out = Vec::with_capacity(PIECE + 1024);
        if matches!(self.stage, Stage::Begin) {
            out.extend_from_slice(format!("{{\"seq\":{},\"channels\":[", self.seq).as_bytes());
            self.stage = Stage::Between(false);
        }
        while out.len() < PIECE {
            let Some(announced) = self.rest.next() else {
                self.leave_channel(&mut out);
                out.extend_from_slice(b"]}");
                self.stage = Stage::End;
                break;
            };
            self.write(&announced, &mut out);
        }
        Some(out)
    }

    fn write(&mut self, announced: &Announced, out: &mut Vec<u8>) {
        let is_here = matches!(&self.stage, Stage::Channel(channel) | Stage::Members(channel)
            if *channel == announced.channel);
        if !is_here {
            self.leave_channel(out);
            self.enter_channel(announced, out);
        }
        let Some(user) = &announced.user else { return };
        let is_first = matches!(self.stage, Stage::Channel(_));
        out.extend_from_slice(if is_first { b",\"members\":[" } else { b"," });
        out.extend_from_slice(b"{\"user_id\":");
        push_string(out, user.as_str());
        out.extend_from_slice(format!(",\"seq\":{}}}", announced.seq).as_bytes());
        self.stage = Stage::Members(announced.channel.clone());
    }

    fn enter_channel(&mut self, announced: &Announced, out: &mut Vec<u8>) {
        if matches!(self.stage, Stage::Between(true)) {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"name\":");
        push_string(out, announced.channel.as_str());
        out.extend_from_slice(format!(",\"seq\":{}", announced.seq).as_bytes());
        self.stage = Stage::Channel(announced.channel.clone());
    }

    fn leave_channel(&mut self, out: &mut Vec<u8>) {
        match &self.stage {
            Stage::Channel(channel) if channel.kind().is_presence() => {
                out.extend_from_slice(b",\"members\":[]}");
            }
            Stage::Channel(_) => out.push(b'}'),
            Stage::Members(_) => out.extend_from_slice(b"]}"),
            Stage::Begin | Stage::Between(_) | Stage::End => return,
        }
        self.stage = Stage::Between(true);
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.piece().map(|piece| Ok(Frame::data(piece.into()))))
    }
}

/// What is announced and not taken back.
#[derive(ToSchema)]
#[schema(as = Snapshot)]
#[expect(dead_code, reason = "the description is made of it; a feed writes it")]
pub(super) struct SnapshotView {
    /// The last place of the log that is in it: apply what comes after.
    #[schema(example = 1042)]
    seq: u64,
    /// Every occupied channel, by name.
    channels: Vec<ChannelView>,
}

/// An occupied channel.
#[derive(ToSchema)]
#[schema(as = Channel)]
#[expect(dead_code, reason = "the description is made of it; a feed writes it")]
struct ChannelView {
    /// Its name.
    #[schema(example = "presence-lobby")]
    name: String,
    /// The place in the log where it became occupied.
    #[schema(example = 1001)]
    seq: u64,
    /// Its members; only presence channels have them.
    #[schema(nullable = false)]
    members: Option<Vec<MemberView>>,
}

/// A member of a presence channel.
#[derive(ToSchema)]
#[schema(as = Member)]
#[expect(dead_code, reason = "the description is made of it; a feed writes it")]
struct MemberView {
    /// Who.
    #[schema(example = "ann")]
    user_id: String,
    /// The place in the log where they were added.
    #[schema(example = 1002)]
    seq: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn announced(channel: &str, user: Option<&str>, seq: u64) -> Announced {
        let user = user.map(|user| user.parse().unwrap());
        Announced { app: "1".parse().unwrap(), channel: channel.parse().unwrap(), user, seq }
    }

    fn json_of(snapshot: Snapshot) -> (Value, usize) {
        let mut feed = Feed::new(snapshot);
        let pieces: Vec<Vec<u8>> = std::iter::from_fn(|| feed.piece()).collect();
        (serde_json::from_slice(&pieces.concat()).unwrap(), pieces.len())
    }

    #[test]
    fn members_stand_within_their_channels_in_whatever_order_they_come() {
        let announced = vec![
            announced("presence-b", None, 4),
            announced("a", None, 1),
            announced("presence-b", Some("zoe"), 6),
            announced("presence-c", None, 7),
            announced("presence-b", Some("ann"), 5),
        ];
        let (json, _) = json_of(Snapshot { seq: 9, announced });
        let expected = json!({ "seq": 9, "channels": [
            { "name": "a", "seq": 1 },
            { "name": "presence-b", "seq": 4, "members": [
                { "user_id": "ann", "seq": 5 }, { "user_id": "zoe", "seq": 6 }
            ] },
            { "name": "presence-c", "seq": 7, "members": [] },
        ] });
        assert_eq!(json, expected);
    }

    #[test]
    fn an_empty_state_is_an_empty_list() {
        let (json, _) = json_of(Snapshot::default());
        assert_eq!(json, json!({ "seq": 0, "channels": [] }));
    }

    #[test]
    fn a_large_state_comes_in_pieces() {
        let announced = (0..10_000).map(|n| announced(&format!("c-{n}"), None, n)).collect();
        let (json, pieces) = json_of(Snapshot { seq: 1, announced });
        assert_eq!(json["channels"].as_array().unwrap().len(), 10_000);
        assert!(pieces > 3, "{pieces}");
    }
}
