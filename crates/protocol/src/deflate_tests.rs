//! Laws of compression.

use super::*;
use proptest::prelude::*;

fn there_and_back(payload: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    let is_shorter = Deflater::default().append(payload, &mut out);
    assert!(out.starts_with(b"before"));
    assert_eq!(is_shorter, out.len() > 6);
    is_shorter.then(|| Inflater::default().message(&out[6..], payload.len()).unwrap())
}

#[test]
fn json_gets_shorter_and_is_the_same_afterwards() {
    for count in [3, 30, 300, 30_000] {
        let json = r#"{"price":12.5,"name":"something"},"#.repeat(count);
        assert_eq!(there_and_back(json.as_bytes()).as_deref(), Some(json.as_bytes()), "{count}");
    }
}

#[test]
fn what_does_not_get_shorter_is_left_alone() {
    assert_eq!(there_and_back(b"q"), None);
    assert_eq!(there_and_back(b""), None);
    let noise: Vec<u8> =
        (0..50_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let _ = there_and_back(&noise);
}

#[test]
fn one_message_needs_nothing_of_another() {
    let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
    let words = ["first ".repeat(50), "second ".repeat(50), "first ".repeat(50)];
    let mut frames = Vec::new();
    for text in &words {
        let mut out = Vec::new();
        assert!(deflater.append(text.as_bytes(), &mut out));
        frames.push(out);
    }
    assert_eq!(frames[0], frames[2]);
    for (frame, text) in frames.iter().zip(&words).rev() {
        assert_eq!(inflater.message(frame, 1_000).unwrap(), text.as_bytes());
    }
}

// The examples of RFC 7692, 7.2.3.
#[test]
fn the_examples_of_the_standard_hold() {
    let mut inflater = Inflater::default();
    for hello in [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        // Not compressed at all.
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        // Its stream ends.
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        // Two blocks.
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        assert_eq!(inflater.message(hello, 100).unwrap(), b"Hello");
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_large() {
    let mut bomb = Vec::new();
    assert!(Deflater::default().append(&vec![b'0'; 10 << 20], &mut bomb));
    assert!(bomb.len() < 64 << 10);
    let refusal = Inflater::default().message(&bomb, 100 << 10).unwrap_err();
    assert_eq!(refusal.code, 1009);
}

#[test]
fn offers_are_read_as_the_standard_has_them() {
    for good in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "x-webkit-deflate-frame, permessage-deflate; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "Permessage-Deflate;server_no_context_takeover;client_max_window_bits=\"12\"",
        "permessage-deflate; server_max_window_bits=15",
    ] {
        assert!(is_offered(good), "{good}");
    }
    for bad in [
        "",
        "deflate",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; something",
    ] {
        assert!(!is_offered(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_are_refused(bytes: Vec<u8>, limit in 0usize..2_000) {
        match Inflater::default().message(&bytes, limit) {
            Ok(message) => prop_assert!(message.len() <= limit),
            Err(refusal) => prop_assert!([1007, 1009].contains(&refusal.code)),
        }
    }

    #[test]
    fn any_text_survives(text in "[a-z\"{}:,0-9 ]{0,3000}") {
        if let Some(back) = there_and_back(text.as_bytes()) {
            prop_assert_eq!(back, text.as_bytes());
        }
    }
}
