//! What a client says, from the bytes of its socket to a word.

use std::ops::ControlFlow;

use anyhow::ensure;
use bellwire_protocol::frame::{FrameReader, Incoming};
use bellwire_protocol::{ClientMessage, limits};

use super::Work;

/// Reads of one whole frame each.
struct Reads {
    reads: Vec<Vec<u8>>,
    events: usize,
}

/// Client events, each in a frame and a read of its own.
pub(super) fn client_events(count: usize) -> anyhow::Result<Box<dyn Work>> {
    Ok(Box::new(Reads { reads: vec![masked(TEXT.as_bytes()); count], events: 0 }))
}

impl Work for Reads {
    fn run(&mut self) {
        let mut reader = FrameReader::default();
        let events = &mut self.events;
        for read in &mut self.reads {
            let result = reader.feed(read, limits::CLIENT_MESSAGE_BYTES, None, &mut |incoming| {
                if let Incoming::Text(text) = incoming
                    && let Ok(ClientMessage::ClientEvent(_)) = ClientMessage::parse(text)
                {
                    *events += 1;
                }
                ControlFlow::Continue(())
            });
            std::hint::black_box(&result);
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        ensure!(self.events == self.reads.len(), "{} events were understood", self.events);
        Ok(())
    }
}

/// A text frame of 126 to 65,535 bytes as clients send it.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xFA, 0x21, 0x3D];
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

const TEXT: &str = r#"{"event":"client-moved","channel":"private-board-7","data":{"piece":"rook","from":"a1","to":"a8","at":1700000000123,"by":"player-123456"}}"#;
