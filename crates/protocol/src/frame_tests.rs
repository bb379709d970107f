use super::*;
use proptest::prelude::*;

const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let (head, size) = header(first & 0x0F, payload.len());
    let mut bytes = head[..size].to_vec();
    bytes[0] = first;
    bytes[1] |= MASKED;
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, k)| b ^ k));
    bytes
}

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

fn read_in(pieces: &[&[u8]], limit: usize) -> (Vec<Said>, Result<(), Close>) {
    read_with(None, pieces, limit)
}

fn read_with(
    mut inflater: Option<Inflater>,
    pieces: &[&[u8]],
    limit: usize,
) -> (Vec<Said>, Result<(), Close>) {
    let mut reader = FrameReader::default();
    let mut said = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let result = reader.feed(&mut piece, limit, inflater.as_mut(), &mut |incoming| {
            said.push(match incoming {
                Incoming::Text(text) => Said::Text(text.into()),
                Incoming::Ping(payload) => Said::Ping(payload.into()),
                Incoming::Pong => Said::Pong,
                Incoming::Close(code) => Said::Close(code),
            });
            ControlFlow::Continue(())
        });
        if result.is_err() {
            return (said, result);
        }
    }
    (said, Ok(()))
}

fn refusal(bytes: &[u8]) -> u16 {
    read_in(&[bytes], 1000).1.expect_err("must be refused").code
}

#[test]
fn headers_have_the_shortest_form() {
    for (len, size) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let frame = Frame::text(&"x".repeat(len));
        assert_eq!(frame.bytes().len(), size + len);
        assert_eq!(frame.payload().len(), len);
        assert!(frame.is_text());
    }
}

#[test]
fn a_close_frame_carries_code_and_reason() {
    let frame = Frame::close(&close::OVER_QUOTA);
    assert_eq!(&frame.bytes()[..4], &[0x88, 20, 0x0F, 0xA4]);
    assert_eq!(&frame.bytes()[4..], b"Account over quota");
    assert!(!frame.is_text());
}

#[test]
fn control_frames_may_come_between_fragments() {
    let mut bytes = frame(0x01, b"hel");
    bytes.extend(frame(0x89, b"?"));
    bytes.extend(frame(0x00, b"l"));
    bytes.extend(frame(0x8A, b""));
    bytes.extend(frame(0x80, b"o"));
    bytes.extend(frame(0x81, b"next"));
    let (said, result) = read_in(&[&bytes], 1000);
    assert_eq!(result, Ok(()));
    let text = |t: &str| Said::Text(t.into());
    assert_eq!(said, [Said::Ping(b"?".to_vec()), Said::Pong, text("hello"), text("next")]);
}

#[test]
fn a_character_may_be_cut_by_fragments() {
    let euro = "€".as_bytes();
    let mut bytes = frame(0x01, &euro[..1]);
    bytes.extend(frame(0x80, &euro[1..]));
    assert_eq!(read_in(&[&bytes], 10).0, [Said::Text("€".into())]);
}

// contract: 1.5
#[test]
fn violations_close_with_the_right_code() {
    assert_eq!(refusal(&frame(0x82, b"binary")), 1003);
    assert_eq!(refusal(&[0x81, 0x02, b'h', b'i']), 1002, "unmasked");
    for reserved in [0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F] {
        assert_eq!(refusal(&frame(reserved, b"")), 1002, "{reserved:x}");
    }
    assert_eq!(refusal(&frame(0x09, b"")), 1002, "fragmented control frame");
    assert_eq!(refusal(&frame(0x89, &[0; 126])), 1002, "long control frame");
    assert_eq!(refusal(&frame(0x80, b"x")), 1002, "continuation of nothing");
    let mut twice = frame(0x01, b"a");
    twice.extend(frame(0x81, b"b"));
    assert_eq!(refusal(&twice), 1002, "text inside a fragmented text");
    assert_eq!(refusal(&frame(0x81, &[0xFF])), 1007);
    assert_eq!(refusal(&[0x81, 0xFE, 0, 5, 0, 0, 0, 0]), 1002, "length form too long");
    assert_eq!(refusal(&frame(0x88, &[3])), 1002, "half a close code");
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        assert_eq!(refusal(&frame(0x88, &code.to_be_bytes())), 1002, "{code}");
    }
    assert_eq!(refusal(&frame(0x88, &[3, 0xE8, 0xFF])), 1007, "reason not UTF-8");
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_header() {
    let (_, result) = read_in(&[&[0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]], 65_535);
    assert_eq!(result.unwrap_err().code, 1009);
    let mut pieces = frame(0x01, &[b'a'; 600]);
    pieces.extend(frame(0x80, &[b'a'; 401]));
    assert_eq!(read_in(&[&pieces], 1000).1.unwrap_err().code, 1009);
    assert_eq!(read_in(&[&frame(0x81, &[b'a'; 1000])], 1000).1, Ok(()));
}

#[test]
fn a_whole_frame_leaves_nothing_behind() {
    let mut reader = FrameReader::default();
    let mut bytes = frame(0x81, b"{}");
    reader.feed(&mut bytes, 100, None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(reader.0.is_none());
    let mut half = frame(0x81, b"{}")[..3].to_vec();
    reader.feed(&mut half, 100, None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(reader.kept_bytes(), 3);
}

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_messages_are_the_same(
        messages in prop::collection::vec(("[a-zß]{0,300}", 1usize..4), 0..6),
        cuts in prop::collection::vec(0usize..4000, 0..12),
    ) {
        let mut bytes = Vec::new();
        for (message, fragments) in &messages {
            let size = message.len().div_ceil(*fragments).max(1);
            let mut chunks = message.as_bytes().chunks(size).peekable();
            let mut opcode = OP_TEXT;
            loop {
                let chunk = chunks.next().unwrap_or_default();
                let fin = if chunks.peek().is_none() { FIN } else { 0 };
                bytes.extend(frame(fin | opcode, chunk));
                opcode = OP_CONTINUATION;
                if fin != 0 { break; }
            }
        }
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|c| *c < bytes.len()).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        let (said, result) = read_in(&pieces, 1000);
        prop_assert_eq!(result, Ok(()));
        let expected: Vec<Said> = messages.into_iter().map(|(m, _)| Said::Text(m)).collect();
        prop_assert_eq!(said, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_in(&[&bytes], 64);
    }
}

/// A message that is worth compressing, and its compressed payload.
fn squeezed() -> (String, Vec<u8>) {
    let text = "hello ".repeat(100);
    let mut payload = Vec::new();
    assert!(Deflater::default().append(text.as_bytes(), &mut payload));
    (text, payload)
}

#[test]
fn compressed_messages_are_read_whole_and_cut() {
    let (_, payload) = squeezed();
    let whole = frame(FIN | COMPRESSED | OP_TEXT, &payload);
    let (head, tail) = payload.split_at(payload.len() / 2);
    let mut cut = frame(COMPRESSED | OP_TEXT, head);
    cut.extend(frame(FIN | OP_PING, b"?"));
    cut.extend(frame(FIN, tail));
    cut.extend(frame(FIN | OP_TEXT, b"plain"));
    cut.extend(&whole);
    let (said, result) = read_with(Some(Inflater::default()), &[&whole, &cut], 1_000);
    assert_eq!(result, Ok(()));
    let text = |t: &str| Said::Text(t.into());
    let hello = || text(&squeezed().0);
    assert_eq!(said, [hello(), Said::Ping(b"?".to_vec()), hello(), text("plain"), hello()]);
    let (_, result) = read_with(Some(Inflater::default()), &[&whole], 599);
    assert_eq!(result.unwrap_err().code, 1009);
}

#[test]
fn compression_that_was_not_agreed_on_or_stands_elsewhere_is_a_violation() {
    let (_, payload) = squeezed();
    assert_eq!(refusal(&frame(FIN | COMPRESSED | OP_TEXT, &payload)), 1002);
    let mut late = frame(OP_TEXT, b"x");
    late.extend(frame(FIN | COMPRESSED, b"y"));
    for wrong in [late, frame(FIN | COMPRESSED | OP_PING, b""), frame(FIN | 0x20 | OP_TEXT, b"x")] {
        let (_, result) = read_with(Some(Inflater::default()), &[&wrong], 1_000);
        assert_eq!(result.unwrap_err().code, 1002);
    }
    let garbage = frame(FIN | COMPRESSED | OP_TEXT, &[0xff; 20]);
    let (_, result) = read_with(Some(Inflater::default()), &[&garbage], 1_000);
    assert_eq!(result.unwrap_err().code, 1007);
}

#[test]
fn a_shared_frame_is_compressed_once_for_all_clones() {
    let text = squeezed().0;
    let frame = Frame::text(&text).shared();
    let (one, other) = (frame.clone(), frame.clone());
    let mut deflater = Deflater::default();
    let bytes = one.squeezed(&mut deflater);
    assert_eq!(bytes[0], FIN | COMPRESSED | OP_TEXT);
    assert_eq!(bytes.as_ptr(), other.squeezed(&mut deflater).as_ptr());
    assert_eq!(Frame::text(&text).squeezed(&mut deflater), bytes);
    assert_eq!((frame.payload(), frame == Frame::text(&text)), (text.as_bytes(), true));
    // What is short, or no message, stays as it is.
    for plain in [Frame::text("{}"), Frame::ping(), Frame::text(&"x".repeat(100))] {
        assert_eq!(&plain.clone().shared().squeezed(&mut deflater), plain.bytes());
    }
}
